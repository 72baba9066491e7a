"""`ttcli fetch`, everything included, against other ways to get the same attachments.

    python bench/fetching.py [--rounds 5] [--mails 10000] [--reports 200] [--large 100000]

Starts a Dovecot of its own, fills its mailboxes, and measures whole commands in turns, on
loopback and over a line with round trips of 50 ms: `ttcli fetch`; a raw socket that pipelines
everything and throws the bytes away, the floor; the usual imaplib loop; imap_tools, where it is
installed. The raw socket is told what a client must find out: which sections hold workbooks.
CPU is user and system time of the command, memory its peak, round trips are those of the slow line.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from bench.mailbox import Line, fill  # noqa: E402
from tests.fix_dovecot import PASSWORD, Dovecot, running_dovecot  # noqa: E402

CONNECT = r"""
import socket, ssl, sys
port, user, password, ca = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=ca)
quoted = '"' + password.replace("\\", "\\\\").replace('"', '\\"') + '"'
"""
FLOOR = (
    CONNECT
    + r"""
raw = socket.create_connection(("localhost", port))
sock = context.wrap_socket(raw, server_hostname="localhost")
buffer = bytearray(1 << 20)
def until(tag):
    end = b"\n"
    while b"\n%s OK" % tag not in end:
        count = sock.recv_into(buffer)
        if not count: sys.exit("closed: %r" % end)
        end = (end + buffer[max(0, count - 4096):count])[-4096:]
    return end
sock.recv(4096)
def say(text): sock.sendall(text.encode() + b"\r\n")
say(f"a LOGIN {user} {quoted}"); until(b"a")
say("b EXAMINE INBOX\r\nc UID SEARCH SUBJECT \"Track and Trace\"")
uids = until(b"c").split(b"SEARCH")[1].split(b"\r\n")[0].decode().split()
say("\r\n".join(f"d{uid} UID FETCH {uid} BODY.PEEK[2]" for uid in uids))
until(b"d" + uids[-1].encode())
say("e LOGOUT"); sock.close()
"""
)
LOOP = (
    CONNECT
    + r"""
import email, imaplib
imap = imaplib.IMAP4_SSL("localhost", port, ssl_context=context)
imap.login(user, password); imap.select("INBOX", readonly=True)
_, (found,) = imap.search(None, 'SUBJECT', '"Track and Trace"')
for number in found.split():
    _, answer = imap.fetch(number, "(RFC822)")
    for part in email.message_from_bytes(answer[0][1]).walk():
        if part.get_filename():
            with open(sys.argv[5] + "/" + number.decode(), "wb") as file:
                file.write(part.get_payload(decode=True))
imap.logout()
"""
)
IMAP_TOOLS = (
    CONNECT
    + r"""
from imap_tools import AND, MailBox
with MailBox("localhost", port, ssl_context=context).login(user, password) as box:
    for mail in box.fetch(AND(subject="Track and Trace"), mark_seen=False):
        for attachment in mail.attachments:
            with open(sys.argv[5] + "/" + mail.uid, "wb") as file:
                file.write(attachment.payload)
"""
)
OTHERS = {"raw socket, pipelined": FLOOR, "imaplib loop": LOOP, "imap_tools": IMAP_TOOLS}
OURS = "`ttcli fetch`"


class Run(NamedTuple):
    """One command: seconds, seconds, MB, and round trips where they were counted."""

    wall: float
    cpu: float
    peak: float
    turns: float


class Bench:
    """The server and the ways to measure."""

    def __init__(self, server: Dovecot, folder: Path, rounds: int) -> None:
        self.server, self.folder, self.rounds = server, folder, rounds

    def run(self, client: str, user: str, delay: float, base: Path) -> Run:
        """One command from an empty spool, or from the one at `base`."""
        if not delay:
            return self._measured(self._command(client, user, self.server.imaps_port, base), 0)
        with Line(self.server.imaps_port, delay / 2) as line:
            run = self._measured(self._command(client, user, line.port, base), 0)
            return run._replace(turns=line.turns)

    def _command(self, client: str, user: str, port: int, base: Path) -> List[str]:
        if client == OURS:
            settings = {
                "EMAIL_HOST": "localhost",
                "EMAIL_PORT": str(port),
                "EMAIL_USERNAME": user,
                "EMAIL_PASSWORD": PASSWORD,
                "EMAIL_TLS_CA_FILE": str(self.server.ca_file),
                "TTCLI_CONFIG": "/dev/null",
                "APP_BASE_DIR": str(base),
                "LOG_DIR": str(base / "logs"),
            }
            pairs = [f"{name}={value}" for name, value in settings.items()]
            return ["env", *pairs, sys.executable, "-m", "ttcli", "fetch"]
        arguments = [str(port), user, PASSWORD, str(self.server.ca_file), str(base)]
        return [sys.executable, "-c", OTHERS[client], *arguments]

    def _measured(self, command: Sequence[str], turns: int) -> Run:
        code = (
            "import resource,subprocess,sys,json,time;t=time.time();"
            "r=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.PIPE);"
            "u=resource.getrusage(resource.RUSAGE_CHILDREN);"
            "print(json.dumps([r.returncode and r.stderr.decode()[-300:],"
            "time.time()-t,u.ru_utime+u.ru_stime,u.ru_maxrss/1024]))"
        )
        # an installed command is compiled: what forbids Python to keep that is not its time
        environ = {n: v for n, v in os.environ.items() if n != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            [sys.executable, "-c", code, *command],
            env={**environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        returned, wall, cpu, peak = json.loads(done.stdout)
        if returned:
            sys.exit(f"{command[:3]} failed: {returned}")
        return Run(wall, cpu, peak, turns)

    def compare(self, user: str, clients: Sequence[str], delay: float) -> Dict[str, Run]:
        """The medians of each client, measured in turns."""
        found: Dict[str, List[Run]] = {client: [] for client in clients}
        for _ in range(self.rounds):
            for client in clients:
                # removed at the end: ext4 gives the inodes of removed files out again only after
                # a while, and until then whoever makes new files looks for others
                base = Path(tempfile.mkdtemp(dir=self.folder))
                found[client].append(self.run(client, user, delay, base))
        return {name: Run(*map(statistics.median, zip(*runs))) for name, runs in found.items()}


def installed() -> List[str]:
    """The clients there are; imap_tools only where it is installed."""
    names = [OURS, *OTHERS]
    return names if importlib.util.find_spec("imap_tools") else names[:-1]


def sizes_of(count: int, total: int) -> List[int]:
    """That many sizes between 50 KB and a megabyte, of this sum."""
    chance = random.Random(1)
    drawn = [chance.uniform(50_000, 950_000) for _ in range(count)]
    return [int(size * total / sum(drawn)) for size in drawn]


def table(title: str, found: Dict[str, Run], megabytes: float) -> None:
    """Prints one comparison as Markdown."""
    floor = found["raw socket, pipelined"]
    print(f"\n{title}\n")
    print("| | wall | to the raw socket | CPU | CPU per MB | peak memory | round trips |")
    print("|---|---|---|---|---|---|---|")
    for name, run in found.items():
        turns = f"{run.turns:.0f}" if run.turns else ""
        print(
            f"| {name} | {run.wall:.2f} s | {run.wall / floor.wall:.2f} | {run.cpu:.2f} s "
            f"| {1000 * run.cpu / megabytes:.1f} ms | {run.peak:.0f} MB | {turns} |",
            flush=True,
        )


def many(bench: Bench, options: argparse.Namespace) -> None:
    """Reports among other mails."""
    fill(bench.server, "many", options.mails, sizes_of(options.reports, 100_000_000))
    title = f"{options.reports} attachments (100 MB) among {options.mails:,} mails"
    bench.compare("many", [OURS, "raw socket, pipelined"], 0.001)  # the server's caches
    for delay, words in ((0.0, "loopback"), (0.05, "round trips of 50 ms")):
        table(f"{title}, {words}", bench.compare("many", installed(), delay), 100)


def one_large(bench: Bench) -> None:
    """An attachment of 50 MB."""
    fill(bench.server, "large", 1, [50_000_000])
    for delay, words in ((0.0, "loopback"), (0.05, "round trips of 50 ms")):
        found = bench.compare("large", installed(), delay)
        table(f"One attachment of 50 MB, {words}", found, 50)


def nothing_new(bench: Bench, mails: int) -> None:
    """The hourly run that finds nothing, in a small and in a large mailbox."""
    print("\nNothing new, round trips of 50 ms\n")
    print("| mails | wall | CPU | peak memory | round trips |")
    print("|---|---|---|---|---|")
    for count in (100, mails):
        user = f"quiet{count}"
        fill(bench.server, user, count, [1000])
        base = bench.folder / user
        base.mkdir()
        bench.run(OURS, user, 0, base)
        runs = [bench.run(OURS, user, 0.05, base) for _ in range(bench.rounds)]
        run = Run(*map(statistics.median, zip(*runs)))
        print(
            f"| {count:,} | {run.wall:.2f} s | {run.cpu:.2f} s | {run.peak:.0f} MB "
            f"| {run.turns:.0f} |",
            flush=True,
        )


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--large", type=int, default=100_000)
    options = parser.parse_args()
    with running_dovecot() as server, tempfile.TemporaryDirectory() as folder:
        bench = Bench(server, Path(folder), options.rounds)
        many(bench, options)
        one_large(bench)
        nothing_new(bench, options.large)


if __name__ == "__main__":
    main()
