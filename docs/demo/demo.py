"""`make demo`: the main job for real, on a mailbox and a database of its own.

Starts two servers (`servers.py`), fills the mailbox (`mails.py`), and lets the ordinary `ttcli`
command do its work step by step. Ends with 0 only if everything it promises really held.
"""

from __future__ import annotations

import contextlib
import csv
import imaplib
import json
import os
import subprocess
import sys
import textwrap
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import mails
import psycopg2
from rich.console import Console
from rich.table import Table

from ttcli.variables import VARIABLES

CONSOLE = Console(highlight=False, soft_wrap=True)
TTCLI = str(Path(sys.executable).with_name("ttcli"))

TARGET_TABLE = """
CREATE TABLE tracking_data (
    hawb         varchar(50) PRIMARY KEY,
    mawb         varchar(20),
    origin       char(3),
    destination  char(3),
    pieces       integer,
    weight       numeric(10, 2),
    status       varchar(10),
    eta          date,
    source_at    timestamptz,
    processed_at timestamp DEFAULT current_timestamp,
    file_source  varchar(255)
)"""

# hawb → pieces, status, where the row comes from: what the table must hold in the end.
EXPECTED = {
    "00041237": (1, "ARR", "report-2.xlsx"),
    "NW100001": (3, "DEP", "report-2.xlsx"),  # not what the late report says
    "NW100002": (12, "DEP", "report-2.xlsx"),  # its pieces from report-1: "dozen" was rejected
    "NW100003": (9, "BKD", "report-0.xlsx"),
    "NW100004": (6, "BKD", "report-1.xlsx"),
    "NW100005": (2, "BKD", "report-2.xlsx"),
}


class Broken(Exception):
    """Something the demo promises did not hold."""


class Servers(NamedTuple):
    """Where the demo's servers are, and who may log in to both."""

    folder: str
    imap_port: int
    db_host: str
    username: str
    password: str

    @property
    def spool(self) -> Path:
        """The folder of ttcli's spool."""
        return Path(self.folder) / "spool"


def main() -> int:
    """The whole walk; the exit code."""
    try:
        with running_servers() as servers:
            walk(servers)
    except Broken as broken:
        CONSOLE.print(f"\nThe demo failed: {broken}", style="bold red", markup=False)
        return 1
    except KeyboardInterrupt:
        CONSOLE.print("\nStopped; nothing was left behind.")
        return 130
    return 0


@contextlib.contextmanager
def running_servers() -> Iterator[Servers]:
    """Both servers, which end when their standard input does, whatever becomes of us."""
    program = Path(__file__).with_name("servers.py")
    with subprocess.Popen(
        [sys.executable, "-B", str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us; they end after us
    ) as process:
        assert process.stdin and process.stdout
        line = process.stdout.readline()
        if not line:
            raise Broken("its servers did not start")
        yield Servers(**json.loads(line))
        process.stdin.close()


def walk(servers: Servers) -> None:
    """The story, in the order a new user would live it."""
    narrate(
        "A mailbox and a database",
        "An IMAP server and a PostgreSQL server of the demo's own are running, in "
        f"{servers.folder}. Six mails wait: a report, the same report forwarded, one without an "
        "attachment, one about something else, a second report with two bad cells and a row "
        "without a key, and a workbook cut short on its way.",
    )
    query(servers, TARGET_TABLE)
    append(servers, mails.mailbox())
    ttcli = Ttcli(servers)
    ttcli("check")
    narrate("Fetch", "Mails with the right subject; their workbooks come to disk as items.")
    ttcli("fetch")
    narrate(
        "Process",
        "Workbooks become rows. What cannot be right is left out or set aside; the rest goes on.",
    )
    ttcli("process", expected=65)
    narrate("Load", "One transaction an item, and the same file twice is loaded once.")
    ttcli("load")
    narrate("A late mail", "An older report arrives only now. It must not undo what is newer.")
    append(servers, [mails.late_mail()])
    ttcli("run")
    narrate("Status")
    ttcli("status")
    show_table(servers)
    show_rejects(servers)
    verify(servers)
    farewell(servers)


class Ttcli:
    """Runs the installed `ttcli` command with the demo's settings and no others."""

    def __init__(self, servers: Servers) -> None:
        config = Path(servers.folder) / "config.env"
        config.write_text("".join(f"{name}={value}\n" for name, value in settings(servers).items()))
        config.chmod(0o600)
        ours = tuple(variable.name for variable in VARIABLES)
        strangers = (*ours, "EMAIL_", "DB_", "APP_", "CREDENTIALS_DIRECTORY")
        kept = {n: value for n, value in os.environ.items() if not n.startswith(strangers)}
        self.environment = {**kept, "TTCLI_CONFIG": str(config)}

    def __call__(self, command: str, expected: int = 0) -> None:
        CONSOLE.print(f"\n[bold cyan]$ ttcli {command}[/]")
        sys.stdout.flush()
        code = subprocess.run([TTCLI, command], env=self.environment, check=False).returncode
        if code != expected:
            raise Broken(f"`ttcli {command}` ended with {code}, expected {expected}")
        if code:
            CONSOLE.print(f"[dim](exit code {code}: some item is bad and was set aside)[/]")


def settings(servers: Servers) -> Dict[str, str]:
    """What a user would write into a configuration file."""
    return {
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(servers.imap_port),
        "EMAIL_USE_SSL": "false",
        "EMAIL_USERNAME": servers.username,
        "EMAIL_PASSWORD": servers.password,
        "DB_HOST": servers.db_host,
        "DB_NAME": "postgres",
        "DB_USERNAME": servers.username,
        "DB_PASSWORD": servers.password,
        "APP_BASE_DIR": str(servers.spool),
        "LOG_LEVEL": "ERROR",
        "LOG_DIR": str(Path(servers.folder) / "logs"),
    }


def append(servers: Servers, messages: Sequence[EmailMessage]) -> None:
    """Puts mails into the mailbox, as its server would have received them."""
    with imaplib.IMAP4("127.0.0.1", servers.imap_port) as imap:
        imap.login(servers.username, servers.password)
        for message in messages:
            received = parsedate_to_datetime(message["Date"])
            imap.append("INBOX", "", imaplib.Time2Internaldate(received), message.as_bytes())


def query(servers: Servers, statement: str) -> List[Tuple[Any, ...]]:
    """Runs one statement; its rows, if it has any."""
    connection = psycopg2.connect(
        host=servers.db_host, user=servers.username, password=servers.password, dbname="postgres"
    )
    with contextlib.closing(connection), connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def narrate(title: str, text: str = "") -> None:
    """A heading, and what is going on."""
    CONSOLE.print(f"\n[bold]── {title} {'─' * (76 - len(title))}[/]")
    if text:
        CONSOLE.print(textwrap.fill(text, 80))


def show_table(servers: Servers) -> None:
    """The target table as it is now."""
    narrate("The table")
    columns = ("hawb", "mawb", "pieces", "weight", "status", "eta", "file_source")
    shown = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in query(servers, f"SELECT {', '.join(columns)} FROM tracking_data ORDER BY hawb"):
        shown.add_row(*("" if value is None else str(value) for value in row))
    CONSOLE.print(shown, soft_wrap=False)


def rejects(servers: Servers) -> List[Dict[str, str]]:
    """Every line of every item's rejects.csv."""
    lines: List[Dict[str, str]] = []
    for path in sorted(servers.spool.glob("loaded/*/rejects.csv")):
        with path.open(newline="", encoding="utf-8-sig") as text:
            lines += csv.DictReader(text)
    return lines


def failed(servers: Servers) -> List[Dict[str, Any]]:
    """item.json of every item that was set aside."""
    return [json.loads(p.read_text("utf-8")) for p in servers.spool.glob("failed/*/item.json")]


def show_rejects(servers: Servers) -> None:
    """What did not get into the table, and why."""
    narrate("What was rejected, and why")
    for line in rejects(servers):
        CONSOLE.print(f"{line['sheet']}!{line['cell']}: {line['reason']}", markup=False)
    for item in failed(servers):
        CONSOLE.print(f"{item['payload']['name']}: {item['last_error']['message']}", markup=False)


def verify(servers: Servers) -> None:
    """Holds the table against what the demo promises."""
    rows = query(servers, "SELECT hawb, pieces, status, file_source FROM tracking_data")
    found = {hawb: (pieces, status, file) for hawb, pieces, status, file in rows}
    if found != EXPECTED:
        raise Broken(f"the table should hold {EXPECTED}, but holds {found}")
    counts = query(
        servers, "SELECT sum(inserted), sum(updated), sum(stale) FROM tracking_data_loads"
    )
    if counts != [(6, 3, 1)]:
        raise Broken(f"6 rows inserted, 3 updated and 1 stale were expected, not {counts}")
    if len(rejects(servers)) != 3 or len(failed(servers)) != 1:
        raise Broken("two bad cells, one bad row and one bad workbook were expected")


def farewell(servers: Servers) -> None:
    """How to go on with one's own mailbox."""
    narrate("Your own mailbox")
    CONSOLE.print(
        textwrap.dedent(f"""\
        That was the demo; its servers and {servers.folder} are gone in a moment.
        For your own mailbox and table, write a file like this, readable by you alone:

            EMAIL_HOST=imap.example.com
            EMAIL_USERNAME=reports@example.com
            EMAIL_PASSWORD=an app password
            DB_HOST=localhost
            DB_NAME=freight
            DB_USERNAME=ttcli
            DB_PASSWORD=secret
            DB_TARGET_TABLE=tracking_data
            APP_BASE_DIR={Path.cwd() / "spool"}

        then try it with `.venv/bin/ttcli --config FILE check`, and let it go with `… run`.
        The same names work as environment variables. The README says the rest."""),
        markup=False,
    )


if __name__ == "__main__":
    sys.exit(main())
