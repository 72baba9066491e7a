"""The search for secrets itself (tests/fix_secrets.py), and the lines where one would stray."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fix_secrets import SECRETS, leaks
from tests.fix_world import World, shipment, workbook


def test_a_secret_would_be_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    """In any file, text or not; then it is taken away again."""
    folder = tmp_path_factory.mktemp("leak")
    for number, secret in enumerate(SECRETS):
        (folder / f"{number}.bin").write_bytes(b"\0\xff" + secret.encode() + b"\0")
    try:
        assert len(leaks(folder)) == len(SECRETS)
    finally:
        for path in folder.iterdir():
            path.unlink()
    assert leaks(folder) == []


def test_no_secret_where_everything_is_logged(world: World, tmp_path: Path) -> None:
    """DEBUG, refused logins, a missing table: the logs tell a lot, and no password."""
    world.send(workbook([shipment(1)]))
    debug = {"DEBUG": "true"}
    said = [
        world.ttcli("fetch", code=77, EMAIL_PASSWORD="wrong-one", **debug),
        world.ttcli("run", **debug),
        world.ttcli("check", code=None, EMAIL_PASSWORD="wrong-one", **debug),
        world.ttcli("check", code=None, DB_PASSWORD="wrong-one", DB_TARGET_TABLE="no", **debug),
        world.ttcli("status", "--json", **debug),
    ]
    assert (Path(world.environ["LOG_DIR"]) / "trackandtrace.log").stat().st_size > 1000
    assert leaks(tmp_path) == []
    text = "".join(done.stdout + done.stderr for done in said)
    assert [secret for secret in SECRETS if secret in text] == []
