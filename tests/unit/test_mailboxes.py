"""[[mailbox]] in mapping.toml: what it may say, and that every mistake is named at once."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any, List, Sequence

import pytest

from tests.packaging.source import ROOT
from tests.unit.test_config import REQUIRED
from ttcli import config
from ttcli.config import MailboxSettings
from ttcli.errors import ConfigError
from ttcli.rows.mapping_file import load_mapping
from ttcli.variables import VARIABLES


def mailboxes(tmp_path: Path, toml: str, mode: int = 0o640, **variables: str) -> Sequence[Any]:
    """The mailboxes of a mapping.toml."""
    return loaded(tmp_path, toml, mode, **variables).mailboxes


def loaded(tmp_path: Path, toml: str, mode: int = 0o640, **variables: str) -> config.Config:
    """The configuration with a mapping.toml beside it."""
    (tmp_path / "config.env").touch()
    (tmp_path / "mapping.toml").write_text(toml, encoding="utf-8")
    (tmp_path / "mapping.toml").chmod(mode)
    environ = {"TTCLI_CONFIG": str(tmp_path / "config.env"), **REQUIRED, **variables}
    return config.load({name: value for name, value in environ.items() if value})


def mistakes(tmp_path: Path, toml: str, mode: int = 0o640, **variables: str) -> List[str]:
    """What is wrong with it."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, toml, mode, **variables)
    return caught.value.mistakes


def test_without_a_table_the_variables_are_the_one_mailbox(tmp_path: Path) -> None:
    """Nothing changes for who has one mailbox."""
    found = loaded(tmp_path, "[headings]\nhawb = 'mailbox'\n")
    assert list(found.mailboxes) == [found.mailbox]
    assert found.mailbox.label == ""


def test_what_a_table_leaves_out_comes_from_the_variables(tmp_path: Path) -> None:
    """And each kind of value is read as in a variable."""
    toml = """
    [[mailbox]]
    name = "acme"
    folders = ["INBOX", "Reports/2026"]
    port = 1993
    use_ssl = false
    since = 2026-08-31
    subject_filter = ""
    after_load = "move:Done"
    max_attachment_mb = 7
    allow_senders = ["ops@acme.example", "@Us.Acme.example"]
    [[mailbox]]
    host = "imap.globex.example"
    allow_senders = "@globex.example"
    authserv_id = "mx.globex.example"
    """
    inbox, reports, globex = mailboxes(tmp_path, toml, EMAIL_TIMEOUT="9", EMAIL_FOLDER="Other")

    assert inbox._replace(folder="") == reports._replace(folder="")
    assert (inbox.folder, reports.folder, globex.folder) == ("INBOX", "Reports/2026", "Other")
    assert (inbox.port, inbox.tls, inbox.subject_filter, inbox.timeout) == (1993, False, "", 9)
    assert inbox.since == datetime(2026, 8, 31).astimezone()
    assert (inbox.after_load, inbox.largest_attachment) == (("move", "Done"), 7 << 20)
    assert inbox.allow_senders == ("ops@acme.example", "@us.acme.example")
    assert globex.allow_senders == ("@globex.example",)
    assert (globex.authserv_id, globex.name) == ("mx.globex.example", REQUIRED["EMAIL_USERNAME"])
    assert globex.password.reveal() == REQUIRED["EMAIL_PASSWORD"]


def test_the_variables_need_not_be_set_where_each_table_says_it(tmp_path: Path) -> None:
    """A user name and a password for each is enough."""
    toml = "[[mailbox]]\nusername = 'a'\npassword = 'secret-a'\n"
    (found,) = mailboxes(tmp_path, toml, EMAIL_USERNAME="", EMAIL_PASSWORD="")
    assert isinstance(found, MailboxSettings)
    assert (found.username, found.password.reveal()) == ("a", "secret-a")


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    """With the mailbox, beside those in the variables."""
    toml = """
    [[mailbox]]
    name = "acme"
    port = "x"
    foldr = "INBOX"
    host = ["a", "b"]
    folders = []
    password_file = "relative"
    password_variable = "NOT_SET"
    [[mailbox]]
    name = "Acme"
    since = 2026-08-31T12:00:00
    name_file = "/x"
    """
    found = "\n".join(mistakes(tmp_path, toml, EMAIL_TIMEOUT="-1"))
    for law in (
        "mailbox 1 (acme): EMAIL_PORT='x'",
        "mailbox 1 (acme): foldr: no such setting, did you mean folder",
        "mailbox 1 (acme): host: expected a text",
        "mailbox 1 (acme): folders: expected a list",
        "password_file: expected an absolute path",
        "password_variable: there is no NOT_SET",
        "mailbox 2 (Acme): since: expected a text",
        "name_file: no such setting",
        "EMAIL_TIMEOUT='-1'",
    ):
        assert law in found, law


@pytest.mark.parametrize(
    ("toml", "law"),
    [
        ("[[mailbox]]\nname='a'\n[[mailbox]]\nname='A'\nfolder='F'\n", "name 'a' is that of"),
        ("[[mailbox]]\nname='a'\n[[mailbox]]\nname='b'\n", "folder 'reports@example.com"),
        ("[[mailbox]]\nfolder='A'\nfolders=['B']\n", "keep one"),
        ("[[mailbox]]\nport=1\nport=2\n", "not TOML"),
        ("mailbox = 3\n", "expected [[mailbox]]"),
        ("mailbox = [1]\n", "expected [[mailbox]]"),
        ("[[mailbox]]\nname=3\n", "name: expected a text"),
        ("[[mailbox]]\npassword='a'\npassword_variable='EMAIL_PASSWORD'\n", "set twice"),
        ("[[mailbox]]\npassword_variable='../../etc/passwd'\n", "expected the name"),
        ("[[mailbox]]\nallow_senders=['acme']\n", "expected addresses"),
    ],
)
def test_a_mistake_is_refused(tmp_path: Path, toml: str, law: str) -> None:
    """Two tables that would share a cursor, values of the wrong kind, two ways to say one thing."""
    assert law in "\n".join(mistakes(tmp_path, toml))


@pytest.mark.parametrize(
    "toml",
    [
        "",
        "[[mailbox]]\nafter_load='move:inbox'\n",
        "[[mailbox]]\nname='a'\n[[mailbox]]\nname='b'\nfolder='Done'\nafter_load='move:INBOX'\n",
    ],
)
def test_mails_are_not_sent_round_for_ever(tmp_path: Path, toml: str) -> None:
    """A move into a folder that is read and moved from gives each mail a new UID, every run."""
    move = {"EMAIL_AFTER_LOAD": "move:Done" if "Done" in toml else "move:INBOX"}
    assert "for ever" in "\n".join(mistakes(tmp_path, toml, **move))


def test_a_folder_of_done_mails_may_be_read(tmp_path: Path) -> None:
    """As long as its mails stay there."""
    toml = "[[mailbox]]\nname='a'\nafter_load='move:Done'\n[[mailbox]]\nname='b'\nfolder='Done'\n"
    assert len(mailboxes(tmp_path, toml)) == 2


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_password_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """By value only where the file is for its owner and his group to read; never shown."""
    toml = "[[mailbox]]\npassword = 's3cret-acme'\n"
    found = "\n".join(mistakes(tmp_path, toml, mode))
    assert "chmod 640" in found
    assert "s3cret-acme" not in found
    assert mailboxes(tmp_path, toml, 0o640)


def test_the_other_commands_do_not_care(tmp_path: Path) -> None:
    """`status` works though a mailbox is wrong; and the rows' side of the file knows the word."""
    toml = "[[mailbox]]\nport = 'x'\n"
    with pytest.raises(ConfigError):
        loaded(tmp_path, toml)
    environ = {"TTCLI_CONFIG": str(tmp_path / "config.env"), "EMAIL_PASSWORD_B": "named below"}
    with (tmp_path / "mapping.toml").open("a") as file:
        file.write("[[mailbox]]\npassword_variable = 'EMAIL_PASSWORD_B'\n")
    assert config.load(environ, needs=[]).mailboxes
    assert load_mapping(toml) == load_mapping("")


def test_a_mapping_without_mailboxes_may_be_anything(tmp_path: Path) -> None:
    """What is wrong in it is the process stage's to say; fetch goes on."""
    assert len(mailboxes(tmp_path, "this is no TOML")) == 1


def test_no_secret_shows(tmp_path: Path) -> None:
    """And the logs are told of each, to strike it out."""
    found = loaded(tmp_path, "[[mailbox]]\npassword = 's3cret-acme'\n")
    assert "s3cret" not in repr(found) + repr(found.mailboxes)
    assert "s3cret-acme" in [secret.reveal() for secret in found.secrets]


def shown(path: str) -> str:
    """The [[mailbox]] tables of a documented example, its # taken away."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".md"):
        return "".join(re.findall(r"```toml\n(.*?)```", text, re.S))
    return re.sub(r"^#(?=[a-z_\[])", "", text[text.index("#[[mailbox]]") :], flags=re.MULTILINE)


@pytest.mark.parametrize("path", ["docs/mailboxes.md", "debian/etc/mapping.toml"])
def test_the_examples_can_be_taken_as_they_stand(tmp_path: Path, path: str) -> None:
    """With the password where they say it is."""
    (tmp_path / "acme-password").write_text("secret")
    toml = shown(path).replace("/etc/trackandtrace", str(tmp_path))
    found = mailboxes(tmp_path, toml, 0o644, GLOBEX_PASSWORD="another")
    assert found[0].label == "acme INBOX"
    assert found[0].password.reveal() == "secret"


def test_the_page_names_every_setting() -> None:
    """But those of OAuth 2, which have a page of their own."""
    page = (ROOT / "docs" / "mailboxes.md").read_text(encoding="utf-8")
    ours = [v.name[6:].lower() for v in VARIABLES if v.name.startswith("EMAIL_")]
    assert [name for name in ours if f"`{name}`" not in page and "oauth" not in name] == []
