"""No secret in any file that the suite makes ttcli write: searched for when all tests are through.

Searched are the folders of the tests (spools, logs, state files, metrics, reject workbooks), but
for the files that tests themselves write a secret into.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

from tests import fix_dovecot, fix_postgres

# What opens something in these tests, and stands in no other word.
SECRETS: Tuple[str, ...] = (
    fix_dovecot.PASSWORD,
    fix_postgres.PASSWORD,
    "s3cret-mail",
    "s3cret-db",
    "wrong-one",
    "hunter2 wrong",
)
# Inputs: configuration, password files, token commands, and what a server keeps for itself;
# a credential is a file that has its variable's name.
_INPUTS = {"config.env", "password", "password.txt", "pw", "secret", "token", "dovecot.conf"}
_LARGEST = 64 << 20


def leaks(folder: Path) -> List[str]:
    """The files under a folder in which a secret stands, each with the secret's number."""
    wanted = [secret.encode() for secret in SECRETS]
    found = []
    for path in _files(folder):
        content = path.read_bytes()
        found += [f"{path}: secret {n}" for n, each in enumerate(wanted, 1) if each in content]
    return found


def _files(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        for path in (Path(where, name) for name in names if not _is_input(name)):
            try:
                if path.is_file() and not path.is_symlink() and path.stat().st_size < _LARGEST:
                    path.open("rb").close()
                    yield path
            except OSError:
                continue  # a fault that a test made on purpose


def _is_input(name: str) -> bool:
    return name in _INPUTS or name.startswith(("EMAIL_", "DB_"))


@pytest.fixture(scope="session", autouse=True)
def _no_secret_anywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails the last test where a secret was written."""
    yield
    found = leaks(tmp_path_factory.getbasetemp())
    assert found == [], "a secret was written: " + ", ".join(found)
