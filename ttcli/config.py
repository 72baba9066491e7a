"""Settings: environment variables first, then one file of `NAME=value` lines.

The file is `--config`, else `$TTCLI_CONFIG`, else /etc/trackandtrace/config.env. `variables.py`
holds the list of variables, `sources.py` finds their values; this module parses them and reports
every mistake at once.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ttcli.errors import ConfigError
from ttcli.logins import OAuthSettings as OAuthSettings
from ttcli.logins import need_a_login, oauth_settings
from ttcli.mailboxes import Table, read_tables, report_same, values_of
from ttcli.sources import DEFAULT_FILE, collect, report_unknown
from ttcli.values import Secret as Secret  # whoever has a Config has its secrets
from ttcli.values import value_of
from ttcli.variables import VARIABLES


class MailboxSettings(NamedTuple):
    """One folder of one account, and how to reach it; `timeout` in seconds.

    Attributes:
        auth: `password` or `oauth2`.
        token_command: Prints the access token for oauth2; a command line without a shell.
        largest_attachment: In bytes.
        since: The first look at the folder leaves out what arrived before; aware.
        after_load: What is done to a mail once its rows are committed: the kind (`nothing`,
            `seen`, `flag`, `move`), and the folder to move to.
        on_failure: The same for a mail of which an item failed.
        name: What a [[mailbox]] is called; empty for the EMAIL_* variables' own.
        allow_senders: Addresses and @domains in lower case whose mails are taken; none: all.
        authserv_id: Whose Authentication-Results decide whether a sender is who he says.
        oauth: How to ask for the access token, where there is no token_command.
    """

    host: str
    port: int
    username: str
    password: Secret
    tls: bool
    ca_file: Optional[Path]
    folder: str
    subject_filter: str
    timeout: int
    auth: str = "password"
    token_command: str = ""
    largest_attachment: int = 100 << 20
    since: Optional[datetime] = None
    after_load: Tuple[str, str] = ("nothing", "")
    on_failure: Tuple[str, str] = ("nothing", "")
    name: str = ""
    allow_senders: Tuple[str, ...] = ()
    authserv_id: str = ""
    oauth: OAuthSettings = OAuthSettings()

    @property
    def label(self) -> str:
        """What tells it from the other mailboxes in messages; empty where there are none."""
        return f"{self.name} {self.folder}" if self.name else ""


class DatabaseSettings(NamedTuple):
    """Server, role, and the names of what is loaded; identifiers are unquoted, case kept.

    Attributes:
        target: `(table,)` or `(schema, table)`.
        key: The unique-key columns.
        source_time_column: Column for the as-of time, or nothing.
    """

    host: str
    port: int
    name: str
    username: str
    password: Secret
    sslmode: str
    sslrootcert: Optional[Path]
    temp_schema: str
    target: Tuple[str, ...]
    key: Tuple[str, ...]
    source_time_column: str
    sslcert: Optional[Path] = None
    sslkey: Optional[Path] = None


class Limits(NamedTuple):
    """What reading one workbook may cost before it is refused."""

    memory_mb: int = 512
    cpu_seconds: int = 300
    wall_seconds: int = 600
    inflated_mb: int = 4096
    rows: int = 1_048_576
    columns: int = 1024
    cells: int = 100_000_000


def _is_local(host: str) -> bool:
    """Whether a connection to this host, or to any of several, stays on this machine."""
    names = [name.strip() for name in host.split(",")]
    return all(n.startswith(("/", "127.")) or n in ("localhost", "::1") for n in names)


class Config:
    """Every setting by its variable's name in lower case: `config.email_host`.

    Attributes:
        file: The configuration file that was read, or None.
        values: Variable name → parsed value; secrets are `Secret`.
        given: The names that were set by environment, file or credential.
        mailboxes: Those of mapping.toml, a folder each; else the one of the EMAIL_* variables.
        secrets: All of them, those of the mailboxes too.
    """

    def __init__(
        self, values: Mapping[str, Any], given: Sequence[str], file: Optional[Path]
    ) -> None:
        self.values = dict(values)
        self.given = frozenset(given)
        self.file = file
        self.mailboxes: Sequence[MailboxSettings] = ()
        self.secrets = [value for value in values.values() if isinstance(value, Secret)]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name.upper()]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def mailbox(self) -> MailboxSettings:
        """What the mail room needs, by the EMAIL_* variables; see `mailboxes`."""
        return MailboxSettings(
            host=self.email_host,
            port=self.email_port,
            username=self.email_username,
            password=self.email_password,
            tls=self.email_use_ssl,
            ca_file=self.email_tls_ca_file,
            folder=self.email_folder,
            subject_filter=self.email_subject_filter,
            timeout=self.email_timeout,
            auth=self.email_auth,
            token_command=self.email_token_command,
            largest_attachment=self.email_max_attachment_mb << 20,
            since=self.email_since,
            after_load=self.email_after_load,
            on_failure=self.email_on_failure,
            allow_senders=self.email_allow_senders,
            authserv_id=self.email_authserv_id,
            oauth=oauth_settings(self.values),
        )

    @property
    def database(self) -> DatabaseSettings:
        """What the database room needs."""
        local = _is_local(self.db_host)
        safe = "verify-full" if self.db_sslrootcert else "require"
        return DatabaseSettings(
            host=self.db_host,
            port=self.db_port,
            name=self.db_name,
            username=self.db_username,
            password=self.db_password,
            sslmode=self.db_sslmode or ("prefer" if local else safe),
            sslrootcert=self.db_sslrootcert,
            temp_schema=self.db_temp_schema,
            target=self.db_target_table,
            key=self.db_unique_key,
            source_time_column=self.db_source_time_column,
            sslcert=self.db_sslcert,
            sslkey=self.db_sslkey,
        )

    @property
    def passwords(self) -> List[str]:
        """What may open a password-protected workbook."""
        password: str = self.workbook_password.reveal()
        return [password] if password else []

    @property
    def limits(self) -> Limits:
        """What one workbook may cost."""
        return Limits(
            memory_mb=self.limit_memory_mb,
            cpu_seconds=self.limit_cpu_seconds,
            wall_seconds=self.limit_wall_seconds,
            inflated_mb=self.limit_inflated_mb,
            rows=self.limit_rows,
            columns=self.limit_columns,
            cells=self.limit_cells,
        )

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in sorted(self.values.items()))
        return f"Config({shown})"


def load(
    environ: Optional[Mapping[str, str]] = None,
    file: Optional[Path] = None,
    needs: Sequence[str] = ("EMAIL", "DB"),
) -> Config:
    """Reads, checks and returns the settings.

    Args:
        environ: The process environment; `os.environ` by default.
        file: The configuration file; without it the search order of this module's docstring.
        needs: The groups of variables (`EMAIL`, `DB`) whose required ones must be set.

    Raises:
        ConfigError: One error that names every mistake.
    """
    path, found, mistakes, find, names = collect(os.environ if environ is None else environ, file)
    # commands without a mailbox only need to know which names are no mistakes
    tables = read_tables(mapping_file(path), find, mistakes if "EMAIL" in needs else [])
    report_unknown(names, mistakes, [name for table in tables for name in table.named])
    tables = tables if "EMAIL" in needs else []
    required = [group for group in needs if group != "EMAIL" or not tables]
    values = {v.name: value_of(v, found.get(v.name), required, mistakes) for v in VARIABLES}
    if "EMAIL" in required:
        need_a_login(values, mistakes)
    mailboxes = [values_of(table, values, need_a_login, mistakes) for table in tables]
    if not mistakes:
        config = Config(values, list(found), path)
        config.secrets += [s for own in mailboxes for s in own.values() if isinstance(s, Secret)]
        config.mailboxes = _mailboxes(config, tables, mailboxes, mistakes)
        mistakes += _rounds(config.mailboxes) if "EMAIL" in needs else []
    if mistakes:
        raise ConfigError(
            f"{len(mistakes)} mistake(s) in the configuration:",
            f"correct them in the environment or in {path or DEFAULT_FILE}",
            mistakes,
        )
    return config


def mapping_file(file: Optional[Path]) -> Path:
    """mapping.toml beside the configuration file."""
    return (file or DEFAULT_FILE).parent / "mapping.toml"


def _mailboxes(
    config: Config,
    tables: Sequence[Table],
    values: Sequence[Mapping[str, Any]],
    mistakes: List[str],
) -> Sequence[MailboxSettings]:
    """One for each folder."""
    found: List[MailboxSettings] = []
    places: List[str] = []
    for table, own in zip(tables, values):
        mailbox = Config(own, (), config.file).mailbox
        mailbox = mailbox._replace(name=table.name or mailbox.username)
        folders = table.folders or (mailbox.folder,)
        found += [mailbox._replace(folder=folder) for folder in folders]
        places += [table.place] * len(folders)
    report_same("name", [(m.name.casefold(),) for m in found], places, mistakes)
    # two would share one cursor, and each pass over what the other has not seen
    report_same("folder", [(m.username, m.host, m.folder) for m in found], places, mistakes)
    return found or [config.mailbox]


def _rounds(mailboxes: Sequence[MailboxSettings]) -> Iterator[str]:
    """Moves into a folder out of which mails are moved as well: each round gives them new UIDs."""
    moving = {
        _place(m, m.folder) for m in mailboxes if "move" in (m.after_load[0], m.on_failure[0])
    }
    for m in mailboxes:
        for kind, folder in {m.after_load, m.on_failure}:
            if kind == "move" and _place(m, folder) in moving:
                of = f"mailbox {m.label}" if m.name else "EMAIL_AFTER_LOAD or EMAIL_ON_FAILURE"
                yield f"{of}: mails moved to {folder} are read and moved there again, for ever"


def _place(mailbox: MailboxSettings, folder: str) -> Tuple[str, str, str]:
    """INBOX alone is the same in any case (RFC 3501, 5.1)."""
    name = "INBOX" if folder.upper() == "INBOX" else folder
    return mailbox.username, mailbox.host, name
