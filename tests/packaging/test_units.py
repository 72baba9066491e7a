"""The systemd units and what they start: sound, hardened, and as config.env asks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Dict, List

import pytest

from tests.packaging.source import ROOT
from ttcli.sources import parse_file
from ttcli.spool.item import time_text
from ttcli.spool.store import Spool
from ttcli.stages import STAGES
from ttcli.variables import VARIABLES

UNITS = ROOT / "systemd-timers"
PROGRAMS = ROOT / "debian" / "lib"
GENERATOR = UNITS / "trackandtrace-generator"
ANALYZE = shutil.which("systemd-analyze")

needs_systemd = pytest.mark.skipif(not ANALYZE, reason="systemd is not installed")


def directives(unit: str) -> Dict[str, List[str]]:
    """The values of each directive of a unit, sections aside."""
    found: Dict[str, List[str]] = {}
    for line in (UNITS / unit).read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def run(*command: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs a program and gives what it said, whatever it ended with."""
    words = [str(word) for word in command]
    environ = {"PATH": os.environ["PATH"], **environ}
    return subprocess.run(words, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that looks to the generator as / does."""
    programs = tmp_path / "usr" / "lib" / "trackandtrace"
    programs.mkdir(parents=True)
    shutil.copy(PROGRAMS / "setting", programs)
    (tmp_path / "etc" / "trackandtrace").mkdir(parents=True)
    return tmp_path


def generated(machine: Path, *lines: str) -> str:
    """What the generator writes for a config.env of these lines."""
    (machine / "etc" / "trackandtrace" / "config.env").write_text("\n".join(lines) + "\n")
    units = machine / "units"
    done = run(GENERATOR, units, TRACKANDTRACE_ROOT=str(machine))
    assert (done.returncode, done.stderr) == (0, "")
    return "".join(path.read_text() for path in sorted(units.rglob("*.conf")))


@needs_systemd
@pytest.mark.parametrize("unit", ["trackandtrace.service", "trackandtrace-watch.service"])
def test_the_service_is_hardened(unit: str) -> None:
    """`systemd-analyze security` finds an exposure of at most 1.5."""
    done = run(ANALYZE, "security", "--offline=true", UNITS / unit)
    figure = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
    if not figure:
        pytest.skip("this systemd-analyze cannot look at a file")
    assert float(figure[1]) <= 1.5


@needs_systemd
@pytest.mark.parametrize("hours", [1, 2, 5, 24, 36, 720])
def test_systemd_takes_every_interval(machine: Path, hours: int) -> None:
    """What the generator makes of an interval is a timer that systemd understands."""
    text = generated(machine, f"SCHEDULE_INTERVAL_HOURS={hours}")
    assert re.findall(r"^On\w+=(.+)$", text, re.MULTILINE) or hours == 1
    for calendar in re.findall(r"^OnCalendar=(.+)$", text, re.MULTILINE):
        assert run(ANALYZE, "calendar", calendar).returncode == 0, calendar
    for span in re.findall(r"^On\w+Sec=(.+)$", text, re.MULTILINE):
        assert run(ANALYZE, "timespan", span).returncode == 0, span


def test_an_interval_that_divides_a_day_is_counted_from_midnight(machine: Path) -> None:
    """Such a timer can make up for a run that was missed; any other counts from the last run."""
    assert "OnCalendar=*-*-* 00/6:00:00\n" in generated(machine, "SCHEDULE_INTERVAL_HOURS=6")
    assert "OnUnitActiveSec=7h\n" in generated(machine, "SCHEDULE_INTERVAL_HOURS=7")


@pytest.mark.parametrize("value", ["", "0", "721", "1h", "-1", "99999999", "$(reboot)"])
def test_an_interval_that_ttcli_refuses_leaves_the_timer_alone(machine: Path, value: str) -> None:
    """A mistake does not stop the timer: `ttcli` itself has to run to name it."""
    assert "[Timer]" not in generated(machine, f"SCHEDULE_INTERVAL_HOURS={value}")


def test_without_configuration_the_generator_writes_nothing(machine: Path) -> None:
    """A removed package leaves a generator or none, and units as they were."""
    done = run(GENERATOR, machine / "units", TRACKANDTRACE_ROOT=str(machine))
    assert (done.returncode, done.stderr, (machine / "units").exists()) == (0, "", False)


def test_the_service_has_room_for_what_a_workbook_may_take(machine: Path) -> None:
    """The limit of the unit is above those of its workbooks together, as shipped and as set."""
    defaults = {v.name: v.default for v in VARIABLES}
    shipped = directives("trackandtrace.service")["MemoryMax"][0]
    assert f"MemoryMax={shipped}" in generated(machine, "# nothing")
    assert int(shipped[:-1]) >= int(defaults["LIMIT_MEMORY_MB"] or 0) * 3 // 2 + 512
    text = generated(machine, "MAX_CONCURRENT_JOBS=4", 'LIMIT_MEMORY_MB="1024"')
    assert "MemoryMax=6912M\n" in text
    assert "CPUQuota=500%\n" in text


def test_the_service_may_write_where_it_is_told_to(machine: Path) -> None:
    """A spool on another disk is writable, and waited for."""
    text = generated(machine, "APP_BASE_DIR=/srv/spool", "LOG_DIR=/srv/logs")
    assert "RequiresMountsFor=/srv/spool\n" in text
    assert (
        re.findall(r"ReadWritePaths=-(.+)", text) == ["/srv/spool", "/srv/logs"] * 2
    )  # both services
    text = generated(machine, "STATUS_PROMETHEUS_FILE=/srv/metrics/ttcli.prom")
    assert re.findall(r"ReadWritePaths=-(.+)", text) == ["/srv/metrics"] * 2
    text = generated(machine, "REPORT_FILE=/srv/www/freight.html")
    assert re.findall(r"ReadWritePaths=-(.+)", text) == ["/srv/www"] * 2
    assert "Paths=" not in generated(machine, 'APP_BASE_DIR="/srv/spool\\nUser=root"')


def test_a_mailbox_of_mapping_toml_is_configuration_enough(tmp_path: Path) -> None:
    """The unit is skipped while nothing names a mailbox, in one file or the other."""
    (tmp_path / "config.env").write_text("#EMAIL_USERNAME=\n")
    mapping = tmp_path / "mapping.toml"
    settings = {"TTCLI_CONFIG": str(tmp_path / "config.env"), "EMAIL_USERNAME": ""}
    for text, code in (("", 1), ("#[[mailbox]]\n", 1), (" [[ mailbox ]]\nusername = 'a'\n", 0)):
        mapping.write_text(text)
        program = (PROGRAMS / "configured").read_text()
        program = program.replace("/usr/lib/trackandtrace", str(PROGRAMS))
        (tmp_path / "configured").write_text(program)
        assert run("sh", tmp_path / "configured", **settings).returncode == code, text


LINES = """\
# A=comment
A=first
 export  A = "last one"
B='in single quotes'
C=  blanks around  \t
D=
AB=another
E=a=b # kept
"""


def test_the_units_read_config_env_as_ttcli_does(tmp_path: Path) -> None:
    """`setting` gives the same value as `ttcli.sources.parse_file`."""
    file = tmp_path / "config.env"
    file.write_text(LINES)
    known = parse_file(LINES, "", [])
    assert known["A"] == "last one"
    for name in [*known, "NOT_SET"]:
        assert run(PROGRAMS / "setting", name, file).stdout.rstrip("\n") == known.get(name, "")


def verdict(world_environ: Dict[str, str], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """What the unit's last command says, with this interpreter's ttcli."""
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "ttcli").write_text(f'#!/bin/sh\nexec {sys.executable} -m ttcli "$@"\n')
    (programs / "ttcli").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return run(PROGRAMS / "verdict", **{**world_environ, "PATH": path})


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A spool in which every stage has just ended well; its state/."""
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    for stage in STAGES:
        ended(spool.base / "state", stage, 0)
    return spool.base / "state"


def ended(state: Path, stage: str, code: int, hours: int = 0) -> None:
    """A stage ended with this code just now, and `hours` ago it did well last."""
    now = datetime.now(timezone.utc)
    times = {"started": time_text(now), "finished": time_text(now)}
    last_ok = time_text(now - timedelta(hours=hours))
    result = {"exit_code": code, "seconds": 1.0, "fault": "no", "last_ok": last_ok, **times}
    (state / f"run-{stage}.json").write_text(json.dumps(result))


ENDINGS = [
    ("0 0 0 0", 0, 0),
    ("75 0 75 0", 5, 0),
    ("75 0 0 0", 7, 75),
    ("75 65 0 0", 0, 0),  # the failed item is what counts, and somebody has seen to it
    ("77 0 0 0", 0, 77),
    ("77 78 74 0", 0, 78),
    ("74 0 77 75", 0, 77),
    ("70 78 0 0", 0, 70),
]


@pytest.mark.parametrize(("codes", "hours", "expected"), ENDINGS)
def test_the_unit_fails_when_something_needs_a_person(
    state: Path, tmp_path: Path, codes: str, hours: int, expected: int
) -> None:
    """It fails exactly when `ttcli status --check` does: 75 only once it has lasted."""
    for stage, code in zip(STAGES, codes.split()):
        ended(state, stage, int(code), hours)
    (tmp_path / "alerted").touch()
    environ = {"APP_BASE_DIR": str(state.parent), "PYTHONPATH": str(ROOT)}
    environ["STATE_DIRECTORY"] = str(tmp_path)

    done = verdict(environ, tmp_path)

    assert done.returncode == expected, done.stderr
    assert ("needs a person" in done.stderr) == bool(expected)
    assert (tmp_path / "alerted").exists() == bool(expected), "what was told is told anew"


def test_the_service_runs_every_stage_in_order() -> None:
    """One command a stage, and the verdict last."""
    started = [line.split("/")[-1] for line in directives("trackandtrace.service")["ExecStart"]]
    stages = [
        f"stage {name}" for name in ("fetch", "process", "load", "acknowledge", "answer", "prune")
    ]
    assert started == [*stages, "verdict"]


def test_every_secret_may_be_a_credential(machine: Path) -> None:
    """A file in /etc/credstore is loaded under its variable's name; no file, no line."""
    assert "LoadCredential" not in generated(machine, "# nothing")
    store = machine / "etc" / "credstore"
    store.mkdir()
    secrets = {v.name for v in VARIABLES if v.secret} | {"ACME_PASSWORD"}  # a [[mailbox]]'s own
    for name in secrets:
        (store / f"trackandtrace.{name}").touch()
    for name in ("trackandtrace.a b", "trackandtrace.x.bak", "trackandtrace.", "other.A"):
        (store / name).touch()
    loaded = re.findall(r"LoadCredential=(.+)", generated(machine, "# nothing"))
    assert set(loaded) == {f"{name}:/etc/credstore/trackandtrace.{name}" for name in secrets}


def test_both_services_are_confined_alike() -> None:
    """What one of them may not do, the other may not either."""
    ours, watch = directives("trackandtrace.service"), directives("trackandtrace-watch.service")
    names = [
        name for name in ours if re.match("Protect|Private|Restrict|SystemCall|Memory|Cap", name)
    ]
    assert len(names) > 20
    assert {n: ours[n] for n in names} == {n: watch.get(n) for n in names}
