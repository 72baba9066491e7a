"""inspect and show: what ttcli sees in a file, and what became of an item."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import openpyxl

from tests.fix_world import NOON, World, shipment, workbook
from tests.mails import report_mail


def ttcli(tmp_path: Path, *arguments: str, code: int = 0) -> str:
    """The command without any server or spool; its standard output."""
    (tmp_path / "config.env").touch()
    done = subprocess.run(
        [sys.executable, "-m", "ttcli", "--config", str(tmp_path / "config.env"), *arguments],
        env={
            "PATH": "/usr/bin:/bin",
            "APP_BASE_DIR": str(tmp_path / "nothing"),
            "LOG_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def cells(tmp_path: Path, content: bytes, code: int = 0) -> List[Dict[str, Any]]:
    """`inspect --cells`, parsed."""
    (tmp_path / "book").write_bytes(content)
    lines = ttcli(tmp_path, "inspect", str(tmp_path / "book"), "--cells", code=code).splitlines()
    return [json.loads(line) for line in lines]


def test_inspect_explains_a_workbook(tmp_path: Path) -> None:
    """Header row and why, mapping, unknown headings, sample rows, rejects; no spool is made."""
    file = tmp_path / "report.xlsx"
    file.write_bytes(
        workbook(
            [[*shipment(1), 5], [*shipment(2, HAWB=None), 6]],
            ["House AWB No.", "MAWB", "Pcs", "Weight (kg)", "ETA", "Status", "Colour"],
        )
    )

    text = ttcli(tmp_path, "inspect", str(file))
    found = json.loads(ttcli(tmp_path, "inspect", str(file), "--json"))

    assert "House AWB No. → hawb" in text
    assert "not known: Colour" in text
    assert "H00000001" in text
    (sheet,) = found["sheets"]
    assert sheet["columns"]["House AWB No."] == "hawb"
    assert sheet["unknown"] == ["Colour"]
    assert (sheet["read"], sheet["written"], sheet["rejected"]) == (2, 1, 1)
    assert found["rejects"][0]["cell"] == "A3"
    assert not (tmp_path / "nothing").exists()


def test_inspect_of_a_workbook_without_header_row_says_why(tmp_path: Path) -> None:
    """65, as text and as JSON."""
    file = tmp_path / "report.xlsx"
    file.write_bytes(workbook([[1, 2]], ["Colour", "Size"]))

    assert "Colour" in ttcli(tmp_path, "inspect", str(file), code=65)
    assert (
        "no header row"
        in json.loads(ttcli(tmp_path, "inspect", str(file), "--json", code=65))["refused"]
    )


def test_cells_are_what_the_reader_sees(tmp_path: Path) -> None:
    """One JSON line a cell of every sheet, hidden ones too, then the number of cells."""
    book = openpyxl.Workbook()
    book.active.append(["x", 1.5, NOON.replace(tzinfo=None), True])
    hidden = book.create_sheet("hidden one")
    hidden.sheet_state = "hidden"
    hidden["B2"] = "=1/0"
    content = io.BytesIO()
    book.save(content)

    assert cells(tmp_path, content.getvalue()) == [
        {"sheet": "Sheet", "row": 1, "column": 1, "type": "text", "value": "x"},
        {"sheet": "Sheet", "row": 1, "column": 2, "type": "number", "value": 1.5},
        {"sheet": "Sheet", "row": 1, "column": 3, "type": "date", "value": "2026-08-22T12:00:00"},
        {"sheet": "Sheet", "row": 1, "column": 4, "type": "bool", "value": True},
        {"sheet": "hidden one", "row": 2, "column": 2, "type": "formula", "value": None},
        {"end": True, "cells": 5},
    ]


def test_a_refused_file_is_one_line_with_the_reason(tmp_path: Path) -> None:
    """65, and no cells."""
    (line,) = cells(tmp_path, b"%PDF-1.7\n", code=65)

    assert "PDF" in line["refused"]


def test_many_cells_come_through_whole(tmp_path: Path) -> None:
    """More than any pipe holds, to the last."""
    lines = cells(tmp_path, workbook([shipment(number) for number in range(3000)]))

    assert lines[-1] == {"end": True, "cells": len(lines) - 1}
    assert len(lines) - 1 == 3001 * 6


def test_inspect_of_a_mail_lists_what_fetch_would_take(tmp_path: Path) -> None:
    """Each workbook with name, part, size and hash; what is left alone with the reason."""
    content = workbook([shipment(1)])
    file = tmp_path / "mail.eml"
    file.write_bytes(report_mail(content, name="Bericht März.xlsx"))

    found = json.loads(ttcli(tmp_path, "inspect", str(file), "--json"))

    (book,) = found["workbooks"]
    assert book["name"] == "Bericht März.xlsx"
    assert (book["part"], book["bytes"]) == ("2", len(content))
    assert book["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["left_alone"]
    assert "Bericht März.xlsx" in ttcli(tmp_path, "inspect", str(file))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A slip of the pen is no bug."""
    assert "No such file" in ttcli(tmp_path, "inspect", str(tmp_path / "x.xlsx"), "--json", code=65)


def test_the_rejected_rows_go_back_as_a_workbook(world: World, tmp_path: Path) -> None:
    """The sender's own rows, the bad cell coloured, the reason beside them; formulas stay text."""
    rows = [shipment(1), shipment(2, Pieces="a dozen"), shipment(3, HAWB=None, Status="=1+1")]
    world.send(workbook(rows))
    world.ttcli("run")
    (item,) = world.status()["last_loads"]
    out = tmp_path / "back.xlsx"

    world.ttcli("show", item["id"], "--rejects", str(out))

    sheet = openpyxl.load_workbook(out).active
    assert [cell.value for cell in sheet[1]][:4] == [
        "Row",
        "Why it was not accepted",
        "HAWB",
        "MAWB",
    ]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == [3, 4]
    assert "a dozen" in sheet["B2"].value
    assert sheet["E2"].value == "a dozen"
    assert sheet["E2"].fill.start_color.rgb == "FFFFC7CE"
    assert sheet["D2"].fill.fill_type is None
    assert sheet["C3"].fill.start_color.rgb == "FFFFC7CE"
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_without_rejects_there_is_nothing_to_mail_back(world: World, tmp_path: Path) -> None:
    """Said, and no file is written."""
    world.send(workbook([shipment(1)]))
    world.ttcli("run")
    (item,) = world.status()["last_loads"]

    world.ttcli("show", item["id"], "--rejects", str(tmp_path / "x.xlsx"), code=78)

    assert not (tmp_path / "x.xlsx").exists()


def test_what_the_database_refuses_is_listed_with_its_own_words(world: World) -> None:
    """The row is rejected, the others are loaded, `show` says PostgreSQL's message."""
    world.sql("ALTER TABLE tracking_data ADD CHECK (pieces < 30)")
    world.send(workbook([shipment(1), shipment(35), shipment(2)]))

    world.ttcli("run")

    assert [row[0] for row in world.table()] == ["H00000001", "H00000002"]
    (item,) = world.status()["last_loads"]
    shown = world.ttcli("show", item["id"]).stdout
    assert "tracking_data_pieces_check" in shown
    assert "H00000035" in shown


def test_mapping_toml_beside_the_configuration_is_used(world: World) -> None:
    """Its synonyms, its policies, and every mistake in it at once."""
    mapping = world.base.parent / "mapping.toml"
    mapping.write_text(
        "[columns.statsu]\npolicy = 'overwrite'\n[columns.status]\npolicy = 'never'\n"
    )
    world.send(workbook([shipment(1)]))
    said = world.ttcli("run", code=78).stdout
    assert "statsu" in said or "never" in said
    mapping.write_text("[columns.status]\npolicy = 'fill'\n")
    world.ttcli("run")
    world.send(workbook([shipment(1, Status="changed")]), NOON.replace(hour=13))
    world.ttcli("run")

    assert [row[5] for row in world.table()] == [shipment(1)[5]]
    assert world.status()["last_loads"][0]["refused"] == 1


def test_check_holds_the_mapping_against_the_table(world: World) -> None:
    """A sender's profile that names a column the table has not is found before a mail comes."""
    mapping = world.base.parent / "mapping.toml"
    mapping.write_text(
        "[[sender]]\nmatch = ['@acme.example']\n[sender.headings]\nwieght = 'G.W.'\n"
    )

    said = world.ttcli("check", code=78).stdout

    assert "FAIL  mapping and table: wieght: the table has no such column" in said
    mapping.write_text(
        "[[sender]]\nmatch = ['@acme.example']\n[sender.headings]\nweight = 'G.W.'\n"
    )
    world.ttcli("check")


def test_check_writes_where_each_run_will(world: World, tmp_path: Path) -> None:
    """Folders of metrics, page and log files are tried; without them a run goes on: advice."""
    (tmp_path / "file").touch()
    good, bad = tmp_path / "good", tmp_path / "file"
    good.mkdir()

    said = world.ttcli(
        "check", STATUS_PROMETHEUS_FILE=f"{bad}/ttcli.prom", REPORT_FILE=f"{good}/report.html"
    ).stdout

    assert f"ok    report: {good}\n" in said
    assert f"metrics: {bad} cannot be written: Not a directory" in said
    assert "→ STATUS_PROMETHEUS_FILE cannot be written" in said
    assert list(good.iterdir()) == []


def test_status_counts_every_reject(world: World) -> None:
    """Of the mapping, of the database, and single cells."""
    world.sql("ALTER TABLE tracking_data ADD CHECK (pieces < 100)")
    rows = [shipment(1), shipment(2, HAWB=None), shipment(3, Pieces=500), shipment(4, Pieces="x")]
    world.send(workbook(rows))
    said = world.ttcli("run").stdout

    (load,) = world.status()["last_loads"]
    assert "3 of 4 rows (1 rejected, 1 cell rejected)" in said
    assert (load["rejected"], load["cells_rejected"]) == (2, 1)
    assert "2 rejected, 1 rejected in cells" in world.ttcli("status").stdout


def test_login_of_a_mailbox_with_a_password_is_a_mistake(world: World) -> None:
    """It says what to set, and is no bug."""
    said = world.ttcli("login", code=78).stderr

    assert "is logged in to by a password" in said
    assert "EMAIL_OAUTH_PROVIDER=microsoft" in said
