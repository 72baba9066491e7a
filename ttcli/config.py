"""Settings: environment variables first, then one file of `NAME=value` lines.

The file is `--config`, else `$TTCLI_CONFIG`, else /etc/trackandtrace/config.env. `variables.py`
holds the list of variables, `sources.py` finds their values; this module parses them and reports
every mistake at once.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ttcli import logins
from ttcli.errors import ConfigError
from ttcli.logins import GOOGLE_MAIL, MICROSOFT_APP, MICROSOFT_USER, TOKEN_URLS
from ttcli.settings import Variable
from ttcli.sources import DEFAULT_FILE, Found, collect
from ttcli.variables import VARIABLES


class Secret:
    """A value that no repr, log line or traceback shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself; call it only where a server is given it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"


class OAuthSettings(NamedTuple):
    """Where ttcli itself asks for an access token, and as whom.

    Attributes:
        provider: `microsoft`, `google`, or empty for any other.
        token_url: Instead of the provider's own.
        key_file: Google: a service account's key (JSON); Microsoft: private key and certificate.
        scope: Instead of the usual one.
    """

    provider: str = ""
    token_url: str = ""
    tenant: str = ""
    client_id: str = ""
    client_secret: Secret = Secret("")
    refresh_token: Secret = Secret("")
    key_file: Optional[Path] = None
    scope: str = ""

    def __bool__(self) -> bool:
        return bool(self.provider or self.token_url)

    @property
    def flow(self) -> str:
        """`key`, `client credentials` or `refresh token`, by what is set."""
        if self.key_file:
            return "key"
        app_only = self.client_secret and not self.refresh_token and self.provider != "google"
        return "client credentials" if app_only else "refresh token"

    @property
    def endpoint(self) -> str:
        """The token endpoint's address."""
        return self.token_url or TOKEN_URLS[self.provider].format(tenant=self.tenant or "common")

    @property
    def wanted_scope(self) -> str:
        """What the token shall be good for; empty: what was granted at first."""
        microsoft = MICROSOFT_USER if self.flow == "refresh token" else MICROSOFT_APP
        usual = {"microsoft": microsoft, "google": GOOGLE_MAIL}
        return self.scope or usual.get(self.provider, "")


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
    oauth: OAuthSettings = OAuthSettings()


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
    """Whether a connection to this host stays on this machine."""
    return host.startswith(("/", "127.")) or host in ("localhost", "::1")


class Config:
    """Every setting by its variable's name in lower case: `config.email_host`.

    Attributes:
        file: The configuration file that was read, or None.
        values: Variable name → parsed value; secrets are `Secret`.
        given: The names that were set by environment, file or credential.
    """

    def __init__(
        self, values: Mapping[str, Any], given: Sequence[str], file: Optional[Path]
    ) -> None:
        self.values = dict(values)
        self.given = frozenset(given)
        self.file = file

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["values"][name.upper()]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def mailbox(self) -> MailboxSettings:
        """What the mail room needs."""
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
            oauth=self.oauth,
        )

    @property
    def oauth(self) -> OAuthSettings:
        """How to come by an access token."""
        fields = OAuthSettings._fields
        return OAuthSettings(*(self.values[f"EMAIL_OAUTH_{name.upper()}"] for name in fields))

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
    path, found, mistakes = collect(os.environ if environ is None else environ, file)
    values = {v.name: _value_of(v, found.get(v.name), needs, mistakes) for v in VARIABLES}
    if "EMAIL" in needs:
        mistakes += logins.mistakes(values)
    if mistakes:
        raise ConfigError(
            f"{len(mistakes)} mistake(s) in the configuration:",
            f"correct them in the environment or in {path or DEFAULT_FILE}",
            mistakes,
        )
    return Config(values, list(found), path)


def _value_of(
    variable: Variable, found: Optional[Found], needs: Sequence[str], mistakes: List[str]
) -> Any:
    """The parsed value, or the parsed default; a missing required one is a mistake and empty."""
    if found and (found.text or variable.may_be_empty):
        try:
            value = variable.parse(found.text)
        except ValueError as error:
            shown = "(secret)" if variable.secret else repr(found.text)
            mistakes.append(f"{variable.name}={shown} ({found.where}): {error}")
            return None
    elif variable.default is not None:
        value = variable.parse(variable.default)
    else:
        value = ""
        if variable.name.split("_")[0] in needs:
            mistakes.append(f"{variable.name} is not set: {variable.help}")
    return Secret(value) if variable.secret else value
