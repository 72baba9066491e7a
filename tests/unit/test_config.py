"""Settings: every variable does something, every mistake is named at once, secrets stay secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from ttcli import config
from ttcli.errors import ConfigError
from ttcli.variables import VARIABLES

REQUIRED = {
    "EMAIL_USERNAME": "reports@example.com",
    "EMAIL_PASSWORD": "s3cret-mail",
    "DB_NAME": "freight",
    "DB_USERNAME": "loader",
    "DB_PASSWORD": "s3cret-db",
}


def loaded(tmp_path: Path, **variables: str) -> config.Config:
    """The configuration of the required variables and these, and no file."""
    environ = {"TTCLI_CONFIG": str(tmp_path / "config.env"), **REQUIRED, **variables}
    (tmp_path / "config.env").touch()
    return config.load(environ)


OTHER_VALUES: Dict[str, Any] = {
    "EMAIL_HOST": "mail.example.com",
    "EMAIL_PORT": 1993,
    "EMAIL_USERNAME": "x@example.com",
    "EMAIL_USE_SSL": False,
    "EMAIL_SUBJECT_FILTER": "Pre-alert",
    "EMAIL_FOLDER": "Reports",
    "EMAIL_TIMEOUT": 7,
    "DB_HOST": "db.example.com",
    "DB_PORT": 6543,
    "DB_NAME": "other",
    "DB_USERNAME": "someone",
    "DB_TEMP_SCHEMA": "staging",
    "APP_BASE_DIR": Path("/srv/spool"),
    "MAX_CONCURRENT_JOBS": 2,
    "FILE_RETENTION_DAYS": 7,
    "LOG_LEVEL": "WARNING",
    "LOG_FORMAT": "json",
    "DEBUG": True,
}


@pytest.mark.parametrize(("name", "value"), OTHER_VALUES.items())
def test_the_environment_sets_a_variable(tmp_path: Path, name: str, value: Any) -> None:
    """What the environment says is what the setting holds."""
    text = str(value).lower() if isinstance(value, bool) else str(value)

    assert loaded(tmp_path, **{name: text}).values[name] == value


def test_every_default_is_itself_allowed(tmp_path: Path) -> None:
    """With only the required variables set, every variable has a value."""
    found = loaded(tmp_path)

    assert set(found.values) == {variable.name for variable in VARIABLES}
    assert found.email_port == 993
    assert found.db_target_table == ("tracking_data",)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """A variable in both is taken from the environment."""
    file = tmp_path / "config.env"
    file.write_text("EMAIL_HOST=from.file\nEMAIL_PORT=1\n")

    found = config.load({**REQUIRED, "EMAIL_PORT": "2"}, file)

    assert (found.email_host, found.email_port) == ("from.file", 2)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    """One error names every variable, its value and what is allowed."""
    with pytest.raises(ConfigError) as raised:
        loaded(
            tmp_path, EMAIL_PORT="993x", DEBUG="maybe", EMAIL_HOTS="x", DB_NAME="", LOG_LEVEL="loud"
        )

    message = str(raised.value)
    assert raised.value.exit_code == 78
    for word in (
        "EMAIL_PORT='993x'",
        "DEBUG='maybe'",
        "did you mean EMAIL_HOST?",
        "DB_NAME",
        "LOG_LEVEL",
    ):
        assert word in message


def test_an_unknown_variable_in_the_file_is_a_mistake(tmp_path: Path) -> None:
    """A slip of the pen in the file is not silently ignored."""
    file = tmp_path / "config.env"
    file.write_text("DB_HOSTNAME=x\n")

    with pytest.raises(ConfigError, match="DB_HOSTNAME: no such variable"):
        config.load(REQUIRED, file)


def test_a_missing_file_that_was_asked_for_is_a_mistake(tmp_path: Path) -> None:
    """--config names a file that must exist."""
    with pytest.raises(ConfigError, match="no such file"):
        config.load(REQUIRED, tmp_path / "nowhere.env")


def test_only_the_groups_a_command_needs_are_required() -> None:
    """`status` runs without a mailbox or a database."""
    found = config.load({"TTCLI_CONFIG": ""}, needs=())

    assert found.db_name == ""


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("EMAIL_FOLDER=a b", "a b"),
        ('EMAIL_FOLDER="a \\"b\\""', 'a "b"'),
        ("EMAIL_FOLDER='a \\b'", "a \\b"),
        ("# c\n; d\n\nEMAIL_FOLDER = x # y", "x # y"),
        ("EMAIL_FOLDER=a\\\nb", "ab"),
    ],
)
def test_the_file_is_read_as_systemd_reads_it(tmp_path: Path, line: str, value: str) -> None:
    """Quotes, comments and continued lines are those of systemd.exec(5)."""
    file = tmp_path / "config.env"
    file.write_text(line + "\n")

    assert config.load(REQUIRED, file).email_folder == value


def test_a_line_without_equals_is_named_with_its_number(tmp_path: Path) -> None:
    """The place of a broken line is said."""
    file = tmp_path / "config.env"
    file.write_text("EMAIL_HOST=x\nwhat\n")

    with pytest.raises(ConfigError, match=r"config\.env, line 2"):
        config.load(REQUIRED, file)


def test_a_secret_comes_from_its_own_file(tmp_path: Path) -> None:
    """NAME_FILE holds the secret, its last newline not part of it."""
    (tmp_path / "pw").write_text("from file\n")
    environ = {**REQUIRED, "EMAIL_PASSWORD_FILE": str(tmp_path / "pw")}
    del environ["EMAIL_PASSWORD"]

    assert config.load(environ).email_password.reveal() == "from file"


def test_a_secret_comes_from_the_credentials_of_systemd(tmp_path: Path) -> None:
    """LoadCredential=DB_PASSWORD:… is found under $CREDENTIALS_DIRECTORY."""
    (tmp_path / "DB_PASSWORD").write_text("from credential")
    environ = {**REQUIRED, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    del environ["DB_PASSWORD"]

    assert config.load(environ).db_password.reveal() == "from credential"


def test_a_secret_given_twice_is_a_mistake(tmp_path: Path) -> None:
    """Nobody has to guess which of the two passwords is used."""
    with pytest.raises(ConfigError, match="both set"):
        config.load({**REQUIRED, "DB_PASSWORD_FILE": str(tmp_path / "pw")})


def test_no_representation_shows_a_secret(tmp_path: Path) -> None:
    """repr of configuration and settings, and the error about a bad secret, hide it."""
    found = loaded(tmp_path)
    shown = repr(found) + repr(found.mailbox) + repr(found.database) + str(found.values)

    assert "s3cret" not in shown
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, EMAIL_PASSWORD="s3cret\x07bell")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "given", "mode"),
    [
        ("localhost", {}, "prefer"),
        ("/run/postgresql", {}, "prefer"),
        ("db.example.com", {}, "require"),
        ("db.example.com", {"DB_SSLROOTCERT": "/etc/ca.pem"}, "verify-full"),
        ("db.example.com", {"DB_SSLMODE": "disable"}, "disable"),
    ],
)
def test_tls_is_required_off_the_machine(
    tmp_path: Path, host: str, given: Dict[str, str], mode: str
) -> None:
    """Unset, DB_SSLMODE depends on where the server is and whether its CA is known."""
    assert loaded(tmp_path, DB_HOST=host, **given).database.sslmode == mode


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hawb", ("hawb",)),
        ("forwarder,hawb", ("forwarder", "hawb")),
        ('"House AWB", hawb', ("House AWB", "hawb")),
    ],
)
def test_the_key_may_be_composite_and_quoted(
    tmp_path: Path, text: str, names: tuple[str, ...]
) -> None:
    """DB_UNIQUE_KEY takes SQL identifiers with commas between them."""
    assert loaded(tmp_path, DB_UNIQUE_KEY=text).database.key == names


@pytest.mark.parametrize("text", ["a.b.c", "a..b", 'a."b', ""])
def test_a_target_that_is_no_table_name_is_a_mistake(tmp_path: Path, text: str) -> None:
    """DB_TARGET_TABLE is table or schema.table; empty means the default."""
    if text:
        with pytest.raises(ConfigError, match="DB_TARGET_TABLE"):
            loaded(tmp_path, DB_TARGET_TABLE=text)
    else:
        assert loaded(tmp_path, DB_TARGET_TABLE=text).db_target_table == ("tracking_data",)
