"""The status in Prometheus's text exposition format, for the textfile collector or a scrape."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

Labels = Tuple[Tuple[str, str], ...]


class _Sample(NamedTuple):
    name: str
    value: Optional[float]
    labels: Labels = ()


# Name → what it says. All are gauges: what is remembered of old loads is forgotten in the end.
METRICS: Dict[str, str] = {
    "ttcli_build_info": "1, with the version of ttcli as a label.",
    "ttcli_status_timestamp_seconds": "When these figures were taken.",
    "ttcli_check_exit_code": "What `ttcli status --check` ends with; 0 is fine.",
    "ttcli_problems": "Findings that need a person, by kind.",
    "ttcli_items": "Items in each state.",
    "ttcli_oldest_item_as_of_seconds": "As-of time of the oldest item in each state.",
    "ttcli_waiting_seconds": "How long an item has waited in a state, at most.",
    "ttcli_stage_last_run_timestamp_seconds": "When the last pass of a stage ended.",
    "ttcli_stage_last_success_timestamp_seconds": "When a stage last did its work.",
    "ttcli_stage_duration_seconds": "How long the last pass of a stage took.",
    "ttcli_stage_exit_code": "What the last pass of a stage ended with; 0 is fine.",
    "ttcli_next_run_timestamp_seconds": "When the next run is due.",
    "ttcli_loads_last_day": "Items loaded in the last 24 hours.",
    "ttcli_rows_last_day": "Rows read of the items loaded in the last 24 hours.",
    "ttcli_rows_today": "Rows of the items loaded today, by what became of them.",
    "ttcli_load_rows_per_second": "Speed of the loads of the last 24 hours.",
    "ttcli_mail_to_row_seconds": "From a mail's arrival to its rows, over the last 7 days.",
    "ttcli_sender_last_report_timestamp_seconds": "When a sender's last report arrived.",
    "ttcli_sender_rows": "Rows of a sender's last report that was loaded.",
    "ttcli_sender_usual_rows": "Median rows of a sender's earlier reports.",
    "ttcli_sender_missing": "1 where an expected report has not come.",
    "ttcli_sender_odd": "1 where the last report has far fewer or more rows than usual.",
}


def exposition(found: Mapping[str, Any]) -> str:
    """Each metric with HELP and TYPE, then its samples."""
    by_name: Dict[str, List[str]] = {name: [] for name in METRICS}
    for sample in _samples(found):
        if sample.value is not None:
            by_name[sample.name].append(_line(sample))
    lines = []
    for name, samples in by_name.items():
        if samples:
            lines += [f"# HELP {name} {METRICS[name]}", f"# TYPE {name} gauge", *samples]
    return "\n".join(lines) + "\n"


def _line(sample: _Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
    return (
        f"{sample.name}{{{labels}}} {sample.value}" if labels else f"{sample.name} {sample.value}"
    )


def _escaped(text: str) -> str:
    """A label's value; what UTF-8 cannot say becomes a question mark."""
    text = text.encode("utf-8", "replace").decode()
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(time: Optional[str]) -> Optional[float]:
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() if time else None


def _samples(found: Mapping[str, Any]) -> Iterator[_Sample]:
    yield _Sample("ttcli_build_info", 1, (("version", found["version"]),))
    yield _Sample("ttcli_status_timestamp_seconds", _seconds(found["at"]))
    yield _Sample("ttcli_check_exit_code", found["exit_code"])
    kinds = [problem["kind"] for problem in found["problems"]]
    for kind in dict.fromkeys(kinds):
        yield _Sample("ttcli_problems", kinds.count(kind), (("kind", kind),))
    for state, figures in found["states"].items():
        yield from _of_state((("state", state),), figures)
    for stage, result in found["stages"].items():
        yield from _of_stage((("stage", stage),), result or {})
    yield _Sample("ttcli_next_run_timestamp_seconds", _seconds((found["next_run"] or {}).get("at")))
    yield from _of_loads(found["rates"], found["days"][-1])
    for seen in {seen["sender"]: seen for seen in found["senders"]}.values():
        yield from _of_sender((("sender", seen["sender"]),), seen)


def _of_state(labels: Labels, figures: Mapping[str, Any]) -> Iterator[_Sample]:
    yield _Sample("ttcli_items", figures["count"], labels)
    yield _Sample("ttcli_oldest_item_as_of_seconds", _seconds(figures["oldest"]), labels)
    yield _Sample("ttcli_waiting_seconds", figures.get("waiting_seconds"), labels)


def _of_stage(labels: Labels, result: Mapping[str, Any]) -> Iterator[_Sample]:
    stage = "ttcli_stage"
    finished, succeeded = result.get("finished"), result.get("last_ok")
    yield _Sample(f"{stage}_last_run_timestamp_seconds", _seconds(finished), labels)
    yield _Sample(f"{stage}_last_success_timestamp_seconds", _seconds(succeeded), labels)
    yield _Sample(f"{stage}_duration_seconds", result.get("seconds"), labels)
    yield _Sample(f"{stage}_exit_code", result.get("exit_code"), labels)


def _of_loads(rates: Mapping[str, Any], today: Mapping[str, Any]) -> Iterator[_Sample]:
    yield _Sample("ttcli_loads_last_day", rates["loads_last_day"])
    yield _Sample("ttcli_rows_last_day", rates["rows_last_day"])
    for fate in ("inserted", "updated", "unchanged", "stale", "rejected"):
        yield _Sample("ttcli_rows_today", today[fate], (("fate", fate),))
    yield _Sample("ttcli_load_rows_per_second", rates["rows_per_second"])
    for quantile, name in (("0.5", "median"), ("0.95", "p95")):
        value = rates[f"latency_{name}_seconds"]
        yield _Sample("ttcli_mail_to_row_seconds", value, (("quantile", quantile),))


def _of_sender(labels: Labels, seen: Mapping[str, Any]) -> Iterator[_Sample]:
    sender = "ttcli_sender"
    yield _Sample(f"{sender}_last_report_timestamp_seconds", _seconds(seen["last_report"]), labels)
    yield _Sample(f"{sender}_rows", seen["rows"], labels)
    yield _Sample(f"{sender}_usual_rows", seen["usual_rows"], labels)
    for word in ("missing", "odd"):
        value = None if word not in seen else int(seen[word])
        yield _Sample(f"{sender}_{word}", value, labels)
