"""Sheets as writers spell them, and as none should: the generator of the differential tests."""

from __future__ import annotations

from random import Random
from typing import Callable, List

from tests.workbook_ooxml.packages import FORMATS, MAIN

SHARED = [
    "<t>zero</t>",
    "<t>one</t>",
    '<t xml:space="preserve"> two </t>',
    "<t/>",
    "<t>  </t>",
    "<t>a &amp; b\\c</t>",
    "<t>_x000D_\n_x0041_</t>",
    "<r><t>ri</t></r><r><rPr><b/></rPr><t>ch</t></r><rPh sb='0' eb='1'><t>no</t></rPh>",
    "<t>Việt\t東京</t>",
    "<t>&#x1F600;&#65;</t>",
    '<t>東</t><phoneticPr fontId="1" type="noConversion"/>',
    "<phoneticPr/>",
    "<t>\u3000\u00a0</t>",
]
TEXTS = [
    *("plain", "two words", "", " ", "\u00a0", "Müller &amp; Söhne", "東京", "a\\b"),
    *("tab\there", "line\nend", "cr\rlf\r\n", "&#13;&#10;", "&lt;c r=&quot;A1&quot;&gt;"),
    *("_x000D_x", "_x005F_x0041_", "_xD83D__xDE00_", "&#x9;x", "]]", "a>b", "under_score"),
    *("\u2003", " lead", "&#160;", "x" * 300, "NULL", "\\N"),
]
ODD_TEXTS = ["<![CDATA[<row>]]>", "a<!-- </row> -->b", "<?pi </row>?>", "&#x1;"]
WRONG_TEXTS = [
    "&nbsp;",
    "\x01",
    "]]>",
    "&#0;",
    "&#xFFFE;",
    "&",
    "\ufffe",
    "<b>x</b>",
    "<!--</row>-->x",
]
WILD = 0.02
NUMBERS = [
    *("0", "1", "-1.5", "44575", "44575.5", "1E-5", "1.5e+20", "0.1", "61"),
    "123456789012345678",
]
ODD_NUMBERS = [
    *("+1", ".5", "5.", " 7 ", "NaN", "abc", "1E", "--1", "1.2.3", "", "\u0661", "1_0"),
    "0x1",
]
ERRORS = ["#N/A", "#REF!", "#DIV/0!", "#NAME?"]
FORMULAS = [
    "<f>A1+1</f>",
    '<f t="shared" si="0"/>',
    '<f t="shared" ref="A1:A9" si="0">B1&amp;"x"</f>',
    "<f/>",
    '<f t="array" aca="1" ref="A1" ca="1">SUM(A1)</f>',
    "<f>&lt;&gt;\n</f>",
]
ODD_FORMULAS = ["<f t='shared' si='0'/>", '<f t="x" si="0">1</f>', "<f><![CDATA[<f>]]></f>"]

Maker = Callable[[Random], "tuple[str, str]"]


def pick(chance: Random, usual: List[str], unusual: List[str]) -> str:
    """One of what is usual, and now and then something else."""
    return chance.choice(unusual if chance.random() < WILD else usual)


def number(chance: Random):
    """Attributes and body of a number."""
    return "", f"<v>{pick(chance, NUMBERS, ODD_NUMBERS)}</v>"


def shared(chance: Random):
    """A shared string."""
    return ' t="s"', f"<v>{chance.randrange(len(SHARED))}</v>"


def inline(chance: Random):
    """An inline string."""
    space = chance.choice(["", ' xml:space="preserve"'])
    return ' t="inlineStr"', f"<is><t{space}>{pick(chance, TEXTS, ODD_TEXTS)}</t></is>"


def formula(chance: Random):
    """A number with a formula."""
    return "", f"{pick(chance, FORMULAS, ODD_FORMULAS)}<v>{pick(chance, NUMBERS, ODD_NUMBERS)}</v>"


def text_formula(chance: Random):
    """A text with a formula."""
    return (
        ' t="str"',
        f"{pick(chance, FORMULAS, ODD_FORMULAS)}<v>{pick(chance, TEXTS, ODD_TEXTS)}</v>",
    )


def text(chance: Random):
    """A text in the cell's value."""
    return ' t="str"', f"<v>{pick(chance, TEXTS, ODD_TEXTS)}</v>"


def boolean(chance: Random):
    """A boolean."""
    return ' t="b"', f"<v>{chance.choice('01')}</v>"


def error(chance: Random):
    """An error."""
    return ' t="e"', f"<v>{pick(chance, ERRORS, ['odd'])}</v>"


def typed(chance: Random):
    """A number that says it is one."""
    return ' t="n"', f"<v>{pick(chance, NUMBERS, ODD_NUMBERS)}</v>"


def empty(chance: Random):
    """Nothing, in one of the ways to say it."""
    return chance.choice(["", ' t="s"', ' t="n"']), chance.choice(["", "<v/>", "<v></v>", "<v />"])


def uncalculated(chance: Random):
    """A formula without result."""
    kind = chance.choice(["", ' t="str"', ' t="e"', ' t="s"'])
    return kind, pick(chance, FORMULAS, ODD_FORMULAS) + chance.choice(["", "<v/>", "<v></v>"])


def odd(chance: Random):
    """What the standard allows and hardly anyone writes."""
    return chance.choice([
        ("", f"<v>{chance.choice(ODD_NUMBERS)}</v>"),
        (' t="d"', f"<v>{chance.choice(['2022-01-14', '2022-01-14T12:00', '12:00', 'x'])}</v>"),
        (' t="b"', f"<v>{chance.choice(['true', 'FALSE', ' 1 '])}</v>"),
        (' t="s"', "<v> 1 </v>"),
        (' t="inlineStr"', "<is><r><t>a</t></r><r><t>b</t></r><rPh><t>c</t></rPh></is>"),
        (' t="inlineStr"', "<v>x</v>"),
        ("", "<is><t>x</t></is>"),
        ("", "<extLst><ext><v>7</v></ext></extLst>"),
        (' t="str"', '<v xml:space="preserve"> x</v>'),
        ("", "<v>1</v><extLst/>"),
        ("", "<!-- c --><v>2</v>"),
        ("", "<?pi x?><v>3</v>"),
    ])  # fmt: skip


def wrong(chance: Random):
    """What no reader may take for anything."""
    return chance.choice([
        (' t="s"', "<v>99</v>"),
        (' t="s"', "<v>9999999999999999999999</v>"),
        (' t="b"', "<v>2</v>"),
        ("", "<v>1</v><v>2</v>"),
        ("", "<v>1"),
        (' t="n" t="n"', "<v>1</v>"),
        (' q:t="n"', "<v>1</v>"),
        (' t="inlineStr"', f"<is><t>{chance.choice(WRONG_TEXTS)}</t></is>"),
        (' t="str"', f"<v>{chance.choice(WRONG_TEXTS)}</v>"),
        ("", f"<f>{chance.choice(WRONG_TEXTS)}</f><v>1</v>"),
    ])  # fmt: skip


USUAL: List[Maker] = [
    number,
    number,
    shared,
    shared,
    inline,
    formula,
    text_formula,
    text,
    boolean,
    error,
    typed,
    empty,
]


class Writer:
    """One writer's habits, drawn by chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.prefix = chance.choice(["", "", "", "x:"])
        self.order = chance.choice(["{r}{s}{t}", "{r}{s}{t}", "{s}{t}{r}", "{t}{r}{s}"])
        self.row_more = chance.choice(
            ["", ' spans="1:9"', ' ht="15" x14ac:dyDescent="0.25"', ' x:y="1"', ' s="1"']
        )
        if chance.random() < WILD:
            self.row_more = chance.choice([' q:z="2"', ' ht="1" ht="2"', ' ht="<"', ' a=">"'])
        self.end = chance.choice(["/>", "/>", " />", "></{p}c>"])
        self.gap = chance.choice([""] * 7 + ["\n"])
        self.noise = chance.choice([0, 0, 0, 0.01, 0.1])
        self.harm = chance.choice([0] * 7 + [0.01])
        self.unnumbered = chance.choice([0] * 8 + [0.05, 1])
        self.blank = chance.choice([0, 0.1, 0.5])
        count = chance.choice([1, 2, 3, 5, 8])
        self.columns = sorted(chance.sample(range(1, 30), count))
        self.makers = [chance.choice(USUAL) for _ in self.columns]
        self.styles = [
            chance.choice([[""], ["1"], ["2", "3"], ["", "7", "99"]]) for _ in self.columns
        ]

    def rows(self) -> str:
        """The XML of the rows."""
        chance = self.chance
        number, rows = 0, []
        for _ in range(chance.choice([1, 3, 10, 40, 100])):
            number += chance.choice([1, 1, 1, 1, 2, 100])
            if self.harm and chance.random() < self.harm:
                number -= chance.choice([1, 2])
            rows.append(self.row(number))
        return self.gap.join(rows)

    def row(self, number: int) -> str:
        """One row."""
        cells = "".join(self.cell(i, number) for i in range(len(self.columns)))
        name = "" if self.chance.random() < self.unnumbered else f' r="{number}"'
        if not cells and self.chance.random() < 0.5:
            return f"<{self.prefix}row{name}{self.row_more}/>"
        return f"<{self.prefix}row{name}{self.row_more}>{cells}</{self.prefix}row>"

    def cell(self, place: int, row: int) -> str:
        """One cell, or nothing."""
        chance = self.chance
        if chance.random() < self.blank:
            return ""
        maker = self.makers[place]
        if self.noise and chance.random() < self.noise:
            maker = chance.choice([*USUAL, uncalculated, odd])
        if self.harm and chance.random() < self.harm:
            maker = wrong
        kind, body = maker(chance)
        style = chance.choice(self.styles[place])
        reference = f' r="{letters(self.columns[place])}{row}"'
        if chance.random() < self.unnumbered:
            reference = ""
        attributes = self.order.format(r=reference, s=f' s="{style}"' if style else "", t=kind)
        return self.spelt(attributes, body)

    def spelt(self, attributes: str, body: str) -> str:
        """The element, under the writer's prefix."""
        prefix = self.prefix
        if not body:
            return f"<{prefix}c{attributes}{self.end.format(p=prefix)}"
        if prefix:
            for name in ("v", "f", "is", "t", "r", "rPh"):
                for old in (f"<{name}>", f"<{name} ", f"<{name}/", f"</{name}>"):
                    body = body.replace(old, old.replace(name, prefix + name, 1))
        return f"<{prefix}c{attributes}>{body}</{prefix}c>"

    def sheet(self) -> str:
        """The whole part."""
        p = self.prefix
        space = f'xmlns:x="{MAIN}"' if p else f'xmlns="{MAIN}" xmlns:x="urn:x"'
        before = self.chance.choice(["", "", f'<{p}dimension ref="A1"/>', "<!-- <sheetData> -->"])
        after = self.chance.choice(["", f"<{p}mergeCells/>", f"<{p}row/><!-- </row> -->", "\n"])
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<{p}worksheet {space} xmlns:x14ac="urn:a">'
            f"{before}<{p}sheetData>{self.rows()}</{p}sheetData>{after}</{p}worksheet>"
        )


def letters(column: int) -> str:
    """The letters of a column."""
    return chr(64 + column) if column < 27 else "A" + chr(64 + column - 26)


assert len(FORMATS) >= 8
