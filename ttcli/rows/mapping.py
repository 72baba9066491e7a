"""What mapping.toml says: headings, per-column settings, sender profiles.

Without the file everything has a default: headings match the target table's columns and the
built-in synonyms, ambiguous dates and numbers are refused, a blank cell writes NULL.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional, Tuple

from ttcli.config import Secret
from ttcli.rows.expect import Expected
from ttcli.table import Policy, TargetTable


class ColumnSettings(NamedTuple):
    """How one target column is read and merged; None where nothing is said.

    Attributes:
        date_order: `dmy`, `mdy` or `ymd`: how texts like 03/04/2025 are read.
        decimal: `.` or `,`: the decimal mark of numbers that stand as text.
        unit: Suffixes that a number may carry as text: `KG`.
        null_words: Texts that mean nothing, case-folded: `n/a`.
        pattern: A regular expression that a text must match as a whole.
        blank: `null`: a blank cell writes NULL; `keep`: it leaves the stored value alone.
        pad: Digits are filled with zeros to this length.
        case: `upper` or `lower`: texts are turned into it.
        form: `hawb`, `mawb` or `text`, if the column's name does not say it.
        check_digit: `warn`, `reject` or `ignore` a wrong MAWB check digit.
        zone: Time zone of local times in a timestamptz column.
        offset: `drop`: a UTC offset in a text is ignored by a timestamp column.
        policy: `overwrite`, `keep`, `fill`, `newest` or `monotonic`: for the load stage.
        order: The values of a monotonic column, first to last.
        ignore: The column is never filled.
    """

    date_order: Optional[str] = None
    decimal: Optional[str] = None
    unit: Optional[Tuple[str, ...]] = None
    null_words: Optional[Tuple[str, ...]] = None
    pattern: Optional[str] = None
    blank: Optional[str] = None
    pad: Optional[int] = None
    case: Optional[str] = None
    form: Optional[str] = None
    check_digit: Optional[str] = None
    zone: Optional[str] = None
    offset: Optional[str] = None
    policy: Optional[str] = None
    order: Optional[Tuple[str, ...]] = None
    ignore: Optional[bool] = None

    def over(self, below: ColumnSettings) -> ColumnSettings:
        """These settings, and those of `below` where these say nothing."""
        said = {name: value for name, value in self._asdict().items() if value is not None}
        return below._replace(**said)

    @property
    def keeps_blank(self) -> bool:
        """Whether a blank cell leaves the stored value alone."""
        return (self.blank or ("keep" if self.policy == "keep" else "null")) == "keep"


class Heading(NamedTuple):
    """A heading that means a field; `nth` counts equal ones from the left, 0 means any."""

    text: str
    nth: int = 0


class Profile(NamedTuple):
    """One layer of settings: the whole file's, or what differs for one sender.

    Attributes:
        headings: Field → headings that mean it.
        ignore_headings: Headings that mean nothing here.
        defaults: Settings of every column.
        columns: Field → its settings.
        hidden_sheets: Read hidden sheets too.
        password: For workbooks with a password.
    """

    headings: Dict[str, Tuple[Heading, ...]] = {}  # noqa: RUF012  nobody changes a Profile
    ignore_headings: Tuple[str, ...] = ()
    defaults: ColumnSettings = ColumnSettings()
    columns: Dict[str, ColumnSettings] = {}  # noqa: RUF012
    hidden_sheets: Optional[bool] = None
    password: Optional[Secret] = None


class Sender(NamedTuple):
    """A sender profile: for whom, what differs, and what is expected of him."""

    match: Tuple[str, ...]
    profile: Profile
    expected: Expected = Expected()

    def fits(self, address: str) -> bool:
        """Whether a bare address in lower case is one of his."""
        return any(_matches(address, pattern) for pattern in self.match)


class Mapping(NamedTuple):
    """mapping.toml, checked. Use `for_sender` before converting a workbook."""

    profile: Profile = Profile()
    senders: Tuple[Sender, ...] = ()

    @classmethod
    def default(cls) -> Mapping:
        """What holds without a mapping.toml."""
        return cls()

    def for_sender(self, sender: str) -> Mapping:
        """The mapping for one sender: the first profile that matches lies over the file's.

        Args:
            sender: An address, with or without a display name; empty if unknown.
        """
        address = sender.rpartition("<")[2].rstrip("> ").strip().lower()
        for profile in self.senders:
            if profile.fits(address):
                return Mapping(_over(profile.profile, self.profile))
        return Mapping(self.profile)

    def settings(self, field: str) -> ColumnSettings:
        """All that is said of a target column."""
        said = self.profile.columns.get(field)
        return said.over(self.profile.defaults) if said else self.profile.defaults

    @property
    def passwords(self) -> Tuple[str, ...]:
        """What may open this sender's workbooks; for the reader only."""
        password = self.profile.password
        return (password.reveal(),) if password else ()

    def policies(self, table: TargetTable) -> Dict[str, Policy]:
        """How each column that has a policy is merged by the load stage."""
        said = ((column.name, self.settings(column.name)) for column in table.columns)
        return {name: Policy(s.policy, s.order or ()) for name, s in said if s.policy}


def _matches(address: str, pattern: str) -> bool:
    """`ops@acme.example`, or a whole domain as `@acme.example`."""
    pattern = pattern.lower()
    return address.endswith(pattern) if pattern.startswith("@") else address == pattern


def _over(top: Profile, below: Profile) -> Profile:
    columns = {
        field: top.columns.get(field, ColumnSettings())
        .over(top.defaults)
        .over(below.columns.get(field, ColumnSettings()))
        for field in {**below.columns, **top.columns}
    }
    return Profile(
        headings={**below.headings, **top.headings},
        ignore_headings=below.ignore_headings + top.ignore_headings,
        defaults=top.defaults.over(below.defaults),
        columns=columns,
        hidden_sheets=below.hidden_sheets if top.hidden_sheets is None else top.hidden_sheets,
        password=top.password or below.password,
    )
