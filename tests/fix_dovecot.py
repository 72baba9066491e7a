"""A real Dovecot 2.3 of our own: unprivileged, its own certificates, free ports, any account.

`dovecot` is the server, one a session; `mailbox` is a fresh account on it, one a test.
Every user name exists, and PASSWORD opens it; mail lies in Maildirs under the server's folder.
"""

from __future__ import annotations

import base64
import contextlib
import grp
import imaplib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import pytest

from ttcli.config import MailboxSettings, Secret

PASSWORD = 'pass "word" \\ 1'
_MISSING = "Dovecot is not installed: apt-get install dovecot-imapd"
_CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{home}/server.pem
ssl_key = <{home}/server.key
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login {mechanisms}
mail_location = maildir:{home}/mail/%u
mail_fsync = never
passdb {{
  driver = static
  mechanisms = plain login
  args = password={{PLAIN.B64}}{password}
}}
{more}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/mail/%u allow_all_users=yes
}}
service anvil {{
  chroot =
  # without this a login after a failed one waits seconds
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
    ssl = yes
  }}
}}
"""


class Dovecot:
    """The server.

    Args:
        mechanisms: More of them, with blanks between.
        more: More configuration; HOME in it stands for the server's folder.

    Attributes:
        imaps_port, imap_port: TLS from the start, and STARTTLS or plain text.
        ca_file: The CA that signed its certificate, which names localhost and 127.0.0.1.
        home: Its folder, with `log` in it.
    """

    def __init__(self, home: Path, mechanisms: str = "", more: str = "") -> None:
        self.home = home
        self.ca_file = home / "ca.pem"
        self.imap_port, self.imaps_port = _free_ports(2)
        self.user, self.group = _unprivileged()
        self._process: Optional[subprocess.Popen[bytes]] = None
        make_certificates(home)
        configuration = _CONFIGURATION.format(
            **vars(self),
            mechanisms=mechanisms,
            more=more.replace("HOME", str(home)),
            password=base64.b64encode(PASSWORD.encode()).decode(),
        )
        (home / "dovecot.conf").write_text(configuration, encoding="utf-8")
        (home / "mail").mkdir()
        home.chmod(0o755)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{self.user}:{self.group}", str(home)], check=True)

    def start(self) -> None:
        """Starts it and waits until it greets."""
        shutil.rmtree(self.home / "run", ignore_errors=True)  # a stale socket costs 5 s
        # a killed test leaves no server behind; set last, since a change of user clears it
        command = ["setpriv", "--pdeathsig=TERM", "dovecot", "-F", "-c"]
        command.append(str(self.home / "dovecot.conf"))
        if os.geteuid() == 0:
            become = ["setpriv", f"--reuid={self.user}", f"--regid={self.group}", "--clear-groups"]
            command = [*become, *command]
        with (self.home / "output").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
                env={"PATH": _PATH, "HOME": str(self.home)},
            )
        try:
            _wait_for_greeting(self.imap_port, self._process)
        except Exception as error:
            self.stop()
            pytest.fail(f"{error}:\n{self.log()}")

    def stop(self) -> None:
        """Ends it and every process it started."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # connections in IDLE stay for 10 s more
        process.wait()

    def log(self) -> str:
        """What it wrote, for a failing test."""
        files = [self.home / "output", self.home / "log"]
        return "\n".join(f.read_text(errors="replace") for f in files if f.exists())


class Account:
    """A mailbox on the server, seen from the side that fills and checks it."""

    def __init__(self, server: Dovecot, username: str) -> None:
        self.server = server
        self.username = username
        self._imap: Optional[imaplib.IMAP4] = None

    def settings(self, **overrides: Any) -> MailboxSettings:
        """What ttcli needs to read it; `overrides` by field name."""
        settings = MailboxSettings(
            host="localhost",
            port=self.server.imaps_port,
            username=self.username,
            password=Secret(PASSWORD),
            tls=True,
            ca_file=self.server.ca_file,
            folder="INBOX",
            subject_filter="Track and Trace",
            timeout=10,
        )
        return settings._replace(**overrides)

    def environ(self) -> Dict[str, str]:
        """The same as EMAIL_* variables."""
        return {
            "EMAIL_HOST": "localhost",
            "EMAIL_PORT": str(self.server.imaps_port),
            "EMAIL_USERNAME": self.username,
            "EMAIL_PASSWORD": PASSWORD,
            "EMAIL_TLS_CA_FILE": str(self.server.ca_file),
        }

    def append(
        self,
        message: bytes,
        internaldate: Optional[datetime] = None,
        folder: str = "INBOX",
        flags: Sequence[str] = (),
    ) -> int:
        """Puts a message into a folder, which is created where needed; returns its UID."""
        when = imaplib.Time2Internaldate(internaldate) if internaldate else None
        arguments = (_quoted(folder), " ".join(flags), when, message)
        kind, answer = self.imap().append(*arguments)
        if kind != "OK" and b"TRYCREATE" in answer[0]:
            self.imap().create(_quoted(folder))
            kind, answer = self.imap().append(*arguments)
        assert kind == "OK", answer
        return int(answer[0].split(b"APPENDUID ")[1].split(b"]")[0].split()[1])

    def flags(self, folder: str = "INBOX") -> Dict[int, List[str]]:
        """UID → the flags set, \\Recent left out, in alphabetical order."""
        imap = self.select(folder)
        _, lines = imap.uid("FETCH", "1:*", "(UID FLAGS)")
        found = {}
        for line in lines:
            if line:
                flags = {flag.decode() for flag in imaplib.ParseFlags(line)} - {"\\Recent"}
                found[int(line.split(b"UID ")[1].split()[0].strip(b")"))] = sorted(flags)
        return found

    def expunge(self, uid: int, folder: str = "INBOX") -> None:
        """Deletes one message for good."""
        imap = self.select(folder)
        imap.uid("STORE", str(uid), "+FLAGS", "\\Deleted")
        imap.expunge()

    def recreate(self, folder: str) -> None:
        """Deletes a folder and creates it again, which changes its UIDVALIDITY."""
        imap = self.imap()
        if imap.state == "SELECTED":
            imap.close()
        imap.delete(_quoted(folder))
        _new_second()  # Dovecot's UIDVALIDITY is the time of creation
        imap.create(_quoted(folder))

    def select(self, folder: str) -> imaplib.IMAP4:
        """The fixture's own connection, with the folder selected afresh."""
        imap = self.imap()
        kind, answer = imap.select(_quoted(folder))
        assert kind == "OK", answer
        return imap

    def imap(self) -> imaplib.IMAP4:
        """The fixture's own connection, logged in."""
        if self._imap is None:
            self._imap = imaplib.IMAP4("127.0.0.1", self.server.imap_port)
            self._imap.login(self.username, PASSWORD)
        return self._imap

    def start(self) -> None:
        """Starts the server again."""
        self.server.start()

    def stop(self) -> None:
        """Stops the server; `start` it before the test ends."""
        self.close()
        self.server.stop()

    def close(self) -> None:
        """Ends the fixture's own connection."""
        imap, self._imap = self._imap, None
        if imap is not None:
            imap.shutdown()


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_counter = itertools.count(1)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """A running Dovecot, for the whole session."""
    with running_dovecot() as server:
        yield server


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Iterator[Account]:
    """A fresh, empty account."""
    account = Account(dovecot, f"user{next(_counter)}@example.org")
    yield account
    account.close()
    if dovecot._process is None:
        dovecot.start()
    shutil.rmtree(dovecot.home / "mail" / account.username, ignore_errors=True)


class running_dovecot:  # noqa: N801 (used like a function)
    """Context manager: a Dovecot with more mechanisms and passdbs, where a test needs them."""

    def __init__(self, mechanisms: str = "", more: str = "") -> None:
        if not shutil.which("dovecot", path=_PATH):
            pytest.fail(_MISSING, pytrace=False)
        # not pytest's tmp_path: its parents are closed to other users
        self.home = Path(tempfile.mkdtemp(prefix="ttcli-dovecot-", dir="/tmp"))
        self._server = Dovecot(self.home, mechanisms, more)

    def __enter__(self) -> Dovecot:
        self._server.start()
        return self._server

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def make_certificates(folder: Path) -> None:
    """A CA, ca.pem, and by it a certificate for localhost and 127.0.0.1, server.pem and .key."""
    names = folder / "names.cnf"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n", encoding="ascii")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(folder, "req", "-x509", *key, "-days", "2", "-subj", "/CN=ttcli test CA",
             "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
    _openssl(folder, "req", *key, "-subj", "/CN=localhost",
             "-keyout", "server.key", "-out", "server.csr")  # fmt: skip
    _openssl(folder, "x509", "-req", "-days", "2", "-in", "server.csr", "-CA", "ca.pem",
             "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names.cnf",
             "-out", "server.pem")  # fmt: skip


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _unprivileged() -> Sequence[str]:
    """User and group that run it: nobody where we are root, else ourselves."""
    entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return entry.pw_name, grp.getgrgid(entry.pw_gid).gr_name


def _free_ports(count: int) -> List[int]:
    """Ports that nobody listened on a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _wait_for_greeting(port: int, process: subprocess.Popen[bytes]) -> None:
    """Returns once the server greets; RuntimeError if it ends or keeps silent for 20 s."""
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                if connection.recv(4) == b"* OK":
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"Dovecot did not greet on port {port}")


def _new_second() -> None:
    """Waits until the clock shows another second."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.02)


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
