"""mapping.toml: what it may say, and that every mistake in it is named at once."""

from __future__ import annotations

import pytest

from tests.rows.made import column, table
from ttcli.errors import ConfigError
from ttcli.rows.header.layout import mapping_mistakes
from ttcli.rows.mapping import ColumnSettings, Heading, Mapping
from ttcli.rows.mapping_file import load_mapping
from ttcli.table import Policy

EXAMPLE = """
ignore_headings = ["Weight"]
[defaults]
date_order = "dmy"
null_words = ["N/A", "TBA "]
[headings]
hawb = ["AWB No", { heading = "AWBNO.", nth = 2 }]
[columns.eta]
blank = "keep"
zone = "Asia/Ho_Chi_Minh"
[columns.status]
policy = "monotonic"
order = ["BKD", "DEP", "DLV"]
[[sender]]
match = ["ops@acme.example", "@fwd.example"]
password = "s3cret"
hidden_sheets = true
[sender.defaults]
date_order = "mdy"
[sender.headings]
hawb = "Tracking No"
[sender.columns.eta]
null_words = "-"
"""


def test_settings_of_file_and_defaults():
    """A column's settings lie over the defaults."""
    eta = load_mapping(EXAMPLE).settings("eta")

    assert eta == ColumnSettings(
        date_order="dmy", null_words=("n/a", "tba"), blank="keep", zone="Asia/Ho_Chi_Minh"
    )


@pytest.mark.parametrize(
    "sender", ["ops@acme.example", "Ops <OPS@acme.example>", "any@FWD.example", "<x@fwd.example>"]
)
def test_sender_profile_lies_over_the_file(sender):
    """A sender's settings come first, whether address or domain matches."""
    mapping = load_mapping(EXAMPLE).for_sender(sender)

    assert mapping.settings("eta").date_order == "mdy"
    assert mapping.settings("eta").null_words == ("-",)
    assert mapping.settings("eta").blank == "keep"
    assert mapping.profile.headings["hawb"] == (Heading("Tracking No"),)
    assert mapping.profile.hidden_sheets is True
    assert mapping.passwords == ("s3cret",)


@pytest.mark.parametrize("sender", ["", "ops@other.example", "x@notfwd.example", "fwd.example"])
def test_other_senders_get_the_file(sender):
    """A profile is for those it names only; a domain is matched as a whole."""
    mapping = load_mapping(EXAMPLE).for_sender(sender)

    assert mapping.settings("eta").date_order == "dmy"
    assert mapping.profile.hidden_sheets is None
    assert mapping.passwords == ()


def test_policies_for_the_load_stage():
    """Policies are handed on by column, with their order."""
    target = table(column("hawb"), column("eta"), column("status"))

    assert load_mapping(EXAMPLE).policies(target) == {
        "status": Policy("monotonic", ("BKD", "DEP", "DLV"))
    }


def test_policy_keep_keeps_blanks():
    """The policy `keep` is another word for blank = "keep"."""
    assert load_mapping('[columns.eta]\npolicy = "keep"').settings("eta").keeps_blank
    assert not Mapping.default().settings("eta").keeps_blank


def test_every_mistake_is_named_at_once():
    """One error lists each mistake with its place."""
    with pytest.raises(ConfigError) as caught:
        load_mapping(
            """
            foo = 1
            password = 3
            hidden_sheets = "yes"
            [defaults]
            decimal = ";"
            [headings]
            hawb = []
            mawb = { text = "x" }
            eta = "X"
            etd = "X"
            [columns.eta]
            blank = "kep"
            zone = "Mars, Olympus"
            polcy = "fill"
            pad = 0
            pattern = "("
            unit = [1]
            [columns.status]
            policy = "monotonic"
            [columns.remarks]
            policy = "keep"
            blank = "null"
            [[sender]]
            match = "acme"
            [[sender]]
            columns = 5
            """
        )
    said = "\n".join(caught.value.mistakes)
    for place in (
        "foo:",
        "password:",
        "hidden_sheets:",
        "defaults.decimal:",
        "headings.hawb:",
        "headings.mawb:",
        "headings.etd:",
        "columns.eta.blank:",
        "columns.eta.zone:",
        "columns.eta.polcy: no such setting, did you mean policy?",
        "columns.eta.pad:",
        "columns.eta.pattern:",
        "columns.eta.unit:",
        "columns.status:",
        "columns.remarks:",
        "sender 1.match:",
        "sender 2.match:",
        "sender 2.columns:",
    ):
        assert place in said
    assert len(caught.value.mistakes) == 18


def test_secret_is_never_shown():
    """A workbook password is in no message and no repr."""
    assert "s3cret" not in repr(load_mapping(EXAMPLE))


def test_broken_toml_is_a_config_error():
    """What is no TOML says so, with the line."""
    with pytest.raises(ConfigError, match="line 2"):
        load_mapping("a = 1\nb = = 2")


def test_mapping_and_table_must_fit():
    """Unknown columns, an ignored key and a key of an unsupported type are mistakes."""
    target = table(column("hawb", "point"), column("eta"))
    mapping = load_mapping(
        "[headings]\nfoo = 'x'\n[columns.bar]\npad = 3\n[columns.hawb]\nignore = true"
    )

    assert mapping_mistakes(mapping, target) == [
        "foo: the table has no such column",
        "bar: the table has no such column",
        "hawb: the key cannot be left out",
        "hawb: column type point is not supported",
    ]
