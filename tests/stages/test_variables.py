"""Every variable does something: what changes when it is set to something else."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from typing import Callable, Dict

import pytest

from tests.fix_world import NOON, TABLE, World, shipment, workbook
from tests.mails import report_mail
from ttcli.variables import VARIABLES


def report(world: World, **mail: object) -> None:
    """One report of two rows."""
    world.send(workbook([shipment(1), shipment(2)]), **mail)  # type: ignore[arg-type]


def _email_host(world: World) -> None:
    world.ttcli("fetch", code=75, EMAIL_HOST="127.0.0.2")
    world.ttcli("fetch", EMAIL_HOST="127.0.0.1")


def _email_port(world: World) -> None:
    world.ttcli("fetch", code=75, EMAIL_PORT="1")


def _email_username(world: World) -> None:
    report(world)
    world.ttcli("fetch", EMAIL_USERNAME="nobody-else@example.org")
    assert world.counts() == {}


def _email_password(world: World) -> None:
    world.ttcli("fetch", code=77, EMAIL_PASSWORD="another")


def _email_use_ssl(world: World) -> None:
    world.ttcli("fetch", code=75, EMAIL_USE_SSL="false", EMAIL_TIMEOUT="2")
    port = str(world.mailbox.server.imap_port)
    world.ttcli("fetch", EMAIL_USE_SSL="false", EMAIL_PORT=port)


def _email_subject_filter(world: World) -> None:
    report(world, subject="Pre-Alert Übersicht")
    world.ttcli("fetch")
    assert world.counts() == {}
    # the cursor has passed it: another filter is for mails to come, or for another spool
    other = {"APP_BASE_DIR": str(world.base.with_name("other"))}
    assert "1 attachment" in world.ttcli("fetch", EMAIL_SUBJECT_FILTER="alert ÜBER", **other).stdout


def _email_folder(world: World) -> None:
    world.mailbox.append(report_mail(workbook([shipment(1)])), folder="Reports")
    world.ttcli("fetch", EMAIL_FOLDER="Reports")
    assert world.counts() == {"pending": 1}


def _email_allow_senders(world: World) -> None:
    report(world)
    said = world.ttcli("fetch", EMAIL_ALLOW_SENDERS="ops@acme.example, @globex.example")
    assert "1 unlisted" in said.stdout
    assert world.counts() == {}


def _email_authserv_id(world: World) -> None:
    report(world)
    said = world.ttcli("fetch", EMAIL_AUTHSERV_ID="mx.importer.example")
    assert "1 untrusted" in said.stdout
    assert "ttcli add" in said.stdout


def _email_since(world: World) -> None:
    report(world)
    report(world, at=NOON + timedelta(days=2))
    world.ttcli("fetch", EMAIL_SINCE="2026-08-24")
    assert world.counts() == {"pending": 1}


def _email_after_load(world: World) -> None:
    report(world)
    world.ttcli("run", EMAIL_AFTER_LOAD="flag")
    assert world.mailbox.flags() == {1: ["\\Flagged"]}


def _email_on_failure(world: World) -> None:
    world.send(b"PK\3\4")
    world.ttcli("run", code=65, EMAIL_ON_FAILURE="seen", EMAIL_AFTER_LOAD="flag")
    assert world.mailbox.flags() == {1: ["\\Seen"]}


def _email_tls_ca_file(world: World) -> None:
    said = world.ttcli("fetch", code=None, EMAIL_TLS_CA_FILE="")
    assert said.returncode in (77, 78)
    assert "EMAIL_TLS_CA_FILE" in said.stdout


def _email_auth(world: World) -> None:
    said = world.ttcli("fetch", code=78, EMAIL_AUTH="oauth2")
    assert "EMAIL_TOKEN_COMMAND" in said.stderr


def _email_token_command(world: World) -> None:
    said = world.ttcli("fetch", code=None, EMAIL_AUTH="oauth2", EMAIL_TOKEN_COMMAND="/bin/false")
    assert said.returncode in (75, 77, 78)
    assert "EMAIL_TOKEN_COMMAND failed" in said.stdout


def _oauth(**variables: str) -> Callable[[World], None]:
    """A variable without which, or with a wrong one, the mistake is named."""
    name, value = next(iter(variables.items()))

    def law(world: World) -> None:
        given = {"EMAIL_AUTH": "oauth2", "EMAIL_OAUTH_PROVIDER": "microsoft", **variables}
        said = world.ttcli("fetch", code=78, **given).stderr
        assert f"{name}={value!r}" in said or f"{name} is" in said

    return law


def _email_max_attachment_mb(world: World) -> None:
    world.send(b"PK\3\4" + os.urandom(2_000_000))
    said = world.ttcli("fetch", code=None, EMAIL_MAX_ATTACHMENT_MB="1")
    assert "EMAIL_MAX_ATTACHMENT_MB" in said.stdout + said.stderr


def _email_timeout(world: World) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        port = str(silent.getsockname()[1])
        world.ttcli("fetch", code=75, EMAIL_HOST="127.0.0.1", EMAIL_PORT=port, EMAIL_TIMEOUT="1")
        assert time.monotonic() - began < 30  # the default is 60


def _db(name: str, value: str, code: int) -> Callable[[World], None]:
    def law(world: World) -> None:
        report(world)
        world.ttcli("fetch")
        world.ttcli("process", code=code, **{name: value})
        assert world.counts() == {"pending": 1}

    return law


def _db_temp_schema(world: World) -> None:
    report(world)
    world.ttcli("run", DB_TEMP_SCHEMA='"my staging"')
    assert world.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'my staging'") == [(1,)]


def _db_target_table(world: World) -> None:
    world.sql("CREATE SCHEMA freight")
    world.sql(TABLE.replace("tracking_data", 'freight."Sendungen"'))
    report(world)
    world.ttcli("run", DB_TARGET_TABLE='freight."Sendungen"')
    assert world.sql('SELECT count(*) FROM freight."Sendungen"') == [(2,)]
    assert world.table() == []


def _db_unique_key(world: World) -> None:
    world.sql("ALTER TABLE tracking_data DROP CONSTRAINT tracking_data_pkey")
    world.sql("ALTER TABLE tracking_data ADD PRIMARY KEY (mawb, hawb)")
    world.send(workbook([shipment(1), shipment(1, MAWB="020-12345675")]))
    world.ttcli("run", DB_UNIQUE_KEY="mawb,hawb")
    assert len(world.table()) == 2


def _db_source_time_column(world: World) -> None:
    world.sql("ALTER TABLE tracking_data RENAME source_at TO as_of")
    report(world)
    world.ttcli("run", DB_SOURCE_TIME_COLUMN="as_of")
    assert world.sql("SELECT DISTINCT as_of FROM tracking_data") == [(NOON,)]


def _db_sslmode(world: World) -> None:
    assert "none" in world.ttcli("check", DB_SSLMODE="disable").stdout
    assert "FAIL  database" in world.ttcli("check", code=None, DB_SSLMODE="require").stdout


def _db_sslrootcert(world: World) -> None:
    said = world.ttcli("check", code=None, DB_SSLMODE="verify-ca", DB_SSLROOTCERT="/nowhere/ca.pem")
    assert "FAIL  database" in said.stdout


def _app_base_dir(world: World) -> None:
    other = world.base.with_name("elsewhere")
    world.ttcli("fetch", APP_BASE_DIR=str(other))
    assert (other / "pending").is_dir()
    assert not world.base.exists()


def _max_concurrent_jobs(world: World) -> None:
    for number in range(4):
        world.send(workbook([shipment(number)]), NOON + timedelta(minutes=number))
    world.ttcli("run", MAX_CONCURRENT_JOBS="3")  # that three run at a time: tests/spool/test_drain
    assert world.counts() == {"loaded": 4}


def _file_retention_days(world: World) -> None:
    report(world)
    world.ttcli("run", FILE_RETENTION_DAYS="1")
    assert world.counts() == {"loaded": 1}
    world.ttcli("prune", FILE_RETENTION_DAYS="0")
    assert world.counts() == {}


def _log_level(world: World) -> None:
    assert "fetch ended" in world.ttcli("fetch").stderr
    assert world.ttcli("fetch", LOG_LEVEL="ERROR").stderr == ""


def _log_dir(world: World) -> None:
    world.ttcli("fetch", LOG_DIR=str(world.base.with_name("my logs")))
    assert (world.base.with_name("my logs") / "trackandtrace.log").exists()


def _log_format(world: World) -> None:
    for line in world.ttcli("fetch", LOG_FORMAT="json").stderr.splitlines():
        assert json.loads(line)["level"]


def _debug(world: World) -> None:
    assert "fetch ended" in world.ttcli("fetch", LOG_LEVEL="ERROR", DEBUG="true").stderr


def _workbook_password(world: World) -> None:
    import io

    from msoffcrypto.format.ooxml import OOXMLFile

    out = io.BytesIO()
    OOXMLFile(io.BytesIO(workbook([shipment(1)]))).encrypt("sesame", out)
    world.send(out.getvalue())
    world.ttcli("run", code=65)
    assert world.status()["failed"][0]["kind"] == "encrypted"
    world.ttcli("retry", "--all")
    world.ttcli("run", WORKBOOK_PASSWORD="sesame")
    assert world.counts() == {"loaded": 1}


def _limit(name: str, value: str, rows: int = 300) -> Callable[[World], None]:
    def law(world: World) -> None:
        world.send(workbook([shipment(number) for number in range(rows)]))
        world.ttcli("run", code=65, **{name: value})
        (item,) = world.status()["failed"]
        assert item["kind"] == "limit"
        assert name in item["message"] + item["hint"]

    return law


LAWS: Dict[str, Callable[[World], None]] = {
    "EMAIL_HOST": _email_host,
    "EMAIL_PORT": _email_port,
    "EMAIL_USERNAME": _email_username,
    "EMAIL_PASSWORD": _email_password,
    "EMAIL_USE_SSL": _email_use_ssl,
    "EMAIL_SUBJECT_FILTER": _email_subject_filter,
    "EMAIL_FOLDER": _email_folder,
    "EMAIL_ALLOW_SENDERS": _email_allow_senders,
    "EMAIL_AUTHSERV_ID": _email_authserv_id,
    "EMAIL_SINCE": _email_since,
    "EMAIL_TLS_CA_FILE": _email_tls_ca_file,
    "EMAIL_AUTH": _email_auth,
    "EMAIL_TOKEN_COMMAND": _email_token_command,
    "EMAIL_OAUTH_PROVIDER": _oauth(EMAIL_OAUTH_PROVIDER="myspace"),
    "EMAIL_OAUTH_TOKEN_URL": _oauth(EMAIL_OAUTH_TOKEN_URL="http://id.example.org/token"),
    "EMAIL_OAUTH_TENANT": _oauth(EMAIL_OAUTH_TENANT="a/b"),
    "EMAIL_OAUTH_CLIENT_ID": _oauth(EMAIL_OAUTH_CLIENT_ID=""),
    "EMAIL_OAUTH_KEY_FILE": _oauth(EMAIL_OAUTH_KEY_FILE="key.json"),
    "EMAIL_MAX_ATTACHMENT_MB": _email_max_attachment_mb,
    "EMAIL_AFTER_LOAD": _email_after_load,
    "EMAIL_ON_FAILURE": _email_on_failure,
    "EMAIL_TIMEOUT": _email_timeout,
    "DB_HOST": _db("DB_HOST", "127.0.0.2", 75),
    "DB_PORT": _db("DB_PORT", "1", 75),
    "DB_NAME": _db("DB_NAME", "nowhere", 78),
    "DB_USERNAME": _db("DB_USERNAME", "nobody at all", 77),
    "DB_TEMP_SCHEMA": _db_temp_schema,
    "DB_TARGET_TABLE": _db_target_table,
    "DB_UNIQUE_KEY": _db_unique_key,
    "DB_SOURCE_TIME_COLUMN": _db_source_time_column,
    "DB_SSLMODE": _db_sslmode,
    "DB_SSLROOTCERT": _db_sslrootcert,
    "APP_BASE_DIR": _app_base_dir,
    "MAX_CONCURRENT_JOBS": _max_concurrent_jobs,
    "FILE_RETENTION_DAYS": _file_retention_days,
    "LOG_LEVEL": _log_level,
    "LOG_DIR": _log_dir,
    "LOG_FORMAT": _log_format,
    "DEBUG": _debug,
    "WORKBOOK_PASSWORD": _workbook_password,
    "LIMIT_ROWS": _limit("LIMIT_ROWS", "100"),
    "LIMIT_COLUMNS": _limit("LIMIT_COLUMNS", "3"),
    "LIMIT_CELLS": _limit("LIMIT_CELLS", "100"),
    "LIMIT_INFLATED_MB": _limit("LIMIT_INFLATED_MB", "1", rows=20_000),
}

SHOWN_ELSEWHERE = {
    "DB_SSLCERT": "tests/database/test_check.py: a server that asks who is there",
    "DB_SSLKEY": "tests/database/test_check.py",
    "EMAIL_OAUTH_CLIENT_SECRET": "tests/stages/test_oauth.py",
    "EMAIL_OAUTH_REFRESH_TOKEN": "tests/stages/test_oauth.py",
    "EMAIL_OAUTH_SCOPE": "tests/stages/test_oauth.py",
    "DB_PASSWORD": "tests/database/test_faults.py: the world's server trusts everybody",
    "SCHEDULE_INTERVAL_HOURS": "the timer's, and watch's: tests/stages/test_watch.py",
    "LIMIT_MEMORY_MB": "tests/workbook/test_child.py",
    "LIMIT_CPU_SECONDS": "tests/workbook/test_child.py",
    "LIMIT_WALL_SECONDS": "tests/workbook/test_child.py",
    "REPLY_FROM": "tests/stages/test_answer.py",
    "REPLY_PER_DAY": "tests/stages/test_answer.py",
    "REPLY_SENDMAIL": "tests/stages/test_answer.py",
    "REPLY_TO_SENDERS": "tests/stages/test_answer.py",
    "REPLY_SMTP_CA_FILE": "tests/stages/test_submission.py",
    "REPLY_SMTP_HOST": "tests/stages/test_submission.py",
    "REPLY_SMTP_PASSWORD": "tests/stages/test_submission.py",
    "REPLY_SMTP_PORT": "tests/stages/test_submission.py",
    "REPLY_SMTP_SECURITY": "tests/stages/test_submission.py",
    "REPLY_SMTP_USERNAME": "tests/stages/test_submission.py",
    "REPORT_FILE": "tests/stages/test_report.py",
    "STATUS_FAILED_ITEMS": "tests/operate/test_status.py",
    "STATUS_OUTAGE_HOURS": "tests/operate/test_status.py",
    "STATUS_PROMETHEUS_FILE": "tests/operate/test_prometheus.py",
    "STATUS_SILENCE_HOURS": "tests/operate/test_status.py",
    "STATUS_WAITING_HOURS": "tests/operate/test_status.py",
}


@pytest.mark.parametrize("name", LAWS)
def test_the_variable_does_something(world: World, name: str) -> None:
    """Set to something else, it changes what ttcli does."""
    LAWS[name](world)


def test_no_variable_is_forgotten() -> None:
    """A new variable needs its law here."""
    assert {variable.name for variable in VARIABLES} == {*LAWS, *SHOWN_ELSEWHERE}
