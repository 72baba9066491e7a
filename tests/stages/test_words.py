"""What the commands say: every line names its thing, and none says what is not so."""

from __future__ import annotations

from tests.fix_world import World, shipment, workbook


def test_each_line_of_an_item_names_its_file(world: World) -> None:
    """In the report and in the log: nobody knows a file by its item id."""
    world.send(workbook([shipment(1)]), name="good.xlsx")
    world.send(b"%PDF-1.7", name="bad.xlsx")

    done = world.ttcli("run", code=65)

    for said in (done.stdout, done.stderr):
        for line in said.splitlines():
            if "Z-" in line:
                assert "good.xlsx" in line or "bad.xlsx" in line


def test_a_stage_that_stopped_had_something_to_do(world: World) -> None:
    """A mailbox that is away is not an empty one, and its settings are named."""
    stopped = world.ttcli("fetch", code=75, EMAIL_PORT="1").stdout

    assert "nothing to do" not in stopped
    assert "EMAIL_PORT" in stopped
    assert "nothing to do" in world.ttcli("fetch").stdout


def test_status_tells_no_spool_from_an_empty_one(world: World) -> None:
    """Whoever forgot APP_BASE_DIR looks into a spool that nobody made."""
    assert "not made yet" in world.ttcli("status").stdout
    assert world.status()["exists"] is False

    world.ttcli("run")

    assert "not made yet" not in world.ttcli("status").stdout
    assert world.status()["exists"] is True


def test_a_mail_s_own_text_is_no_news(world: World) -> None:
    """Every mail has one; whoever looks for a lost part finds it with DEBUG."""
    world.send(workbook([shipment(1)]))

    assert "left alone" in world.ttcli("fetch", "--dry-run", DEBUG="true").stderr
    assert "left alone" not in world.ttcli("fetch").stderr
