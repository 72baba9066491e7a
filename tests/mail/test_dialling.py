"""Dialling in a thread of its own: its errors are told, and its end is waited for by nobody."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mail.scripted import Scripted
from ttcli.errors import Temporary
from ttcli.mail.connection.dial import dialling

PATIENCE = 60  # seconds; far less than the server may be silent


def test_who_is_stopped_while_a_server_is_silent_ends_at_once(tmp_path: Path) -> None:
    """Not after EMAIL_TIMEOUT, which may be an hour: systemd would kill it before."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = {
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(silent.getsockname()[1]),
            "EMAIL_USE_SSL": "false",
            "EMAIL_USERNAME": "me",
            "EMAIL_PASSWORD": "geheim",
            "EMAIL_TIMEOUT": "3600",
            "APP_BASE_DIR": str(tmp_path / "spool"),
        }
        command = [sys.executable, "-m", "ttcli", "fetch"]
        with subprocess.Popen(
            command, env={**os.environ, **settings}, stderr=subprocess.PIPE
        ) as running:
            connection, _ = silent.accept()
            try:
                running.send_signal(signal.SIGTERM)
                _, said = running.communicate(timeout=PATIENCE)
            finally:
                running.kill()
                connection.close()

    assert (running.returncode, b"stopped" in said) == (75, True), said


def test_what_goes_wrong_in_the_thread_is_what_the_waiter_hears() -> None:
    """As if it had dialled itself."""
    busy = Scripted({}, greeting=b"* BYE too many of you\r\n")
    with busy as server, pytest.raises(Temporary, match="too many of you"):
        dialling(server.settings()).result(PATIENCE)
