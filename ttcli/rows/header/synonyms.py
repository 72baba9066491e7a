"""Headings that senders use for the fields everybody has, in normal form (`headings.normal`).

Seen in real reports. Left out on purpose because they mean different things to different senders:
AWB, AWB No, Tracking No, No Resi (house or master?) and POD (port of discharge or proof of
delivery?). A target column of that very name takes them all the same.
"""

from __future__ import annotations

from typing import Dict, Tuple

SYNONYMS: Dict[str, Tuple[str, ...]] = {
    field: tuple(words.split())
    for field, words in {
        "hawb": "hawb hawbs houseawb houseairwaybill houseairwaybills housewaybill"
        " shawb fullhawb"
        " hawbnumberfull 分单号 分運單號 分运单号",
        "mawb": "mawb mawbs masterawb masterairwaybill masterwaybill airwaybill smawb fullmawb"
        " 主单号 主運單號 主运单号",
        "pieces": "pieces piece pcs pc noofpcs noofpieces numberofpcs numberofpieces"
        " ofpcs ofpieces"
        " totalpcs totalpieces piececount count 件数 件數",
        "weight": "weight weightkg weightkgs weightinkg grossweight grossweightkg"
        " grossweightkgs grosswt gw"
        " gwkg gwkgs gwt 毛重",
        "chargeable_weight": "chargeableweight chargeableweightkg chargeableweightkgs"
        " chargeablewt"
        " chgweight chgwt chwt cw cwkg cwkgs 计费重量 計費重量",
        "origin": "origin pol portofloading airportoforigin originairport originstation"
        " 起运港 起運港",
        "destination": "destination dest airportofdestination destinationairport"
        " destinationstation"
        " destairport 目的港",
        "etd": "etd estimateddeparture estimatedtimeofdeparture estimateddeparturetime"
        " estimateddeparturedate",
        "eta": "eta estimatedarrival estimatedtimeofarrival estimatedarrivaltime"
        " estimatedarrivaldate",
        "atd": "atd actualdeparture actualtimeofdeparture actualdeparturetime actualdeparturedate",
        "ata": "ata actualarrival actualtimeofarrival actualarrivaltime actualarrivaldate",
        "flight": "flight 航班号 航班號",
        "shipper": "shipper shippername 发货人 發貨人",
        "consignee": "consignee consigneename cnee 收货人 收貨人",
        "status": "status shipmentstatus currentstatus 状态 狀態",
        "last_update": "lastupdate lastupdated lastupdatedate lastupdatetime",
    }.items()
}

FIELD_OF: Dict[str, str] = {word: field for field, words in SYNONYMS.items() for word in words}
FIELD_OF.update({field.replace("_", ""): field for field in SYNONYMS})

# What ttcli takes a field for when no target table is known yet (`ttcli inspect`).
TYPE_OF: Dict[str, str] = {
    **dict.fromkeys(SYNONYMS, "text"),
    "pieces": "int4",
    **dict.fromkeys(("weight", "chargeable_weight"), "numeric"),
    **dict.fromkeys(("etd", "eta", "atd", "ata", "last_update"), "timestamp"),
}
