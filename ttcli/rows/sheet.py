"""One sheet: its blocks become lines of rows.tsv; every row is accounted for."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import compress, repeat
from typing import (
    Any,
    BinaryIO,
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Protocol,
    Sequence,
    Tuple,
)

from ttcli.cells import Block, Sheet, address, from_copy
from ttcli.rows.columns.converter import AnyColumn, ColumnConverter, Converted, below
from ttcli.rows.columns.serials import SerialColumn
from ttcli.rows.fates.fate import Batch, Fate, Headed, Target, fates, says_total
from ttcli.rows.fates.find import LEFT_OUT
from ttcli.rows.fates.keys import key_fields
from ttcli.rows.fates.lines import DigestTaker, identity
from ttcli.rows.fates.rejects import Rejects
from ttcli.rows.fates.totals import Sums, Totals
from ttcli.rows.scalars.rule import NULL, REPAIRS, UNMAPPED_ROW

Convert = Callable[[AnyColumn], Converted]
_NUMERIC = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})


def unmapped_rows(sheet: Mapping[str, Any]) -> int:
    """How many rows hold something only in columns that are not mapped, as a report says."""
    count: int = sheet.get("notes", {}).get(UNMAPPED_ROW, {}).get("count", 0)
    return count


class KeyTaker(Protocol):
    """`Keys`, or what becomes some later."""

    def add(self, keys: Sequence[bytes]) -> None:
        """Takes the keys of some more rows."""


class Output(NamedTuple):
    """Where the rows of all sheets go.

    Attributes:
        serials: One for each field of rows.tsv, in order.
    """

    rows: BinaryIO
    digest: DigestTaker
    keys: KeyTaker
    rejects: Rejects
    serials: Sequence[SerialColumn]


class Account(NamedTuple):
    """What became of the rows of a part of a sheet."""

    counts: Dict[str, int]
    notes: Dict[str, Dict[str, Any]]
    last_row: int
    sums: Sums


class SheetRows:
    """Converts the rows of one sheet and keeps count of them.

    Args:
        number: The sheet's place in the workbook, 1-based.
        header_row: The last row of the header; rows up to it are passed over.
        targets: One for each field of rows.tsv, in order.
        headings: Those of the sheet that are not mapped.
    """

    def __init__(
        self,
        number: int,
        sheet: Sheet,
        header_row: int,
        targets: Sequence[Target],
        output: Output,
        headings: Headed,
    ) -> None:
        self.count: Counter[str] = Counter()
        self.notes: Dict[str, Dict[str, Any]] = {}
        self.output = output
        self._number = number
        self._sheet = sheet
        self._targets = targets
        self._headings = headings
        self._convert_with = [
            partial(serials.convert, convert=ColumnConverter(target.rule).convert)
            for target, serials in zip(targets, output.serials)
        ]
        self._missing = [target.position for target in targets if not target.source]
        self._header_row = self._last_row = header_row
        numeric = [target for target in targets if target.rule.column.type in _NUMERIC]
        fields = {target.rule.column.name: target.position - 1 for target in numeric}
        mawb = next((target.position - 1 for target in targets if target.rule.form == "mawb"), None)
        self._totals = Totals(number, output.rows.tell(), fields, mawb)

    def take(self, block: Block) -> None:
        """Converts a block and writes its rows."""
        block = below(block, self._header_row)
        if not block.rows:
            return
        batch = Batch(
            block,
            self._targets,
            list(map(self._convert, repeat(block), self._targets, self._convert_with)),
        )
        apart = fates(batch, self._sheet.totals_rows, self._headings)
        self._set_aside(batch, apart)
        self._write_rejects(batch, apart)
        self._note(batch, apart)
        self._write(batch, apart, self._untouched(batch, apart))
        self._count_rows(block.rows, apart)

    def beside(self, output: Output) -> SheetRows:
        """One for rows further down, to be added with its account."""
        at = self._header_row
        return SheetRows(self._number, self._sheet, at, self._targets, output, self._headings)

    def account(self) -> Account:
        """What became of the rows taken so far."""
        return Account(self.count, self.notes, self._last_row, self._totals.sums)

    def add(self, account: Account) -> None:
        """Adds rows that stand below those taken so far; another one has written them."""
        self.count.update(account.counts)
        for word, noted in account.notes.items():
            self.notes.setdefault(word, {**noted, "count": 0})["count"] += noted["count"]
        self._last_row = max(self._last_row, account.last_row)
        self._totals.sums.add(account.sums)

    def report(self) -> Dict[str, Any]:
        """The counts, when all blocks are taken; `read` is the sum of what rows became."""
        count = self.count
        span = self._last_row - self._header_row
        blank = span - count["written"] - count["rejected"] - count["totals"]
        return {
            "read": span,
            "written": count["written"],
            "rejected": count["rejected"],
            "duplicates": 0,
            "totals": count["totals"],
            "blank": blank,
            "repaired": sum(n["count"] for word, n in self.notes.items() if word in REPAIRS),
            "cells_rejected": count["cells_rejected"],
            "untouched": count["untouched"],
            "notes": dict(sorted(self.notes.items())),
            "totals_check": self._totals.check(self.output.rows),
            **({"unmapped_data": True} if count["headed"] else {}),
            **self._nothing_because(span),
        }

    def _nothing_because(self, span: int) -> Dict[str, str]:
        if span:
            return {}
        if UNMAPPED_ROW not in self.notes:
            return {"reason": "no row below the header row holds anything"}
        where = f"that are not mapped, the first in {self.notes[UNMAPPED_ROW]['first']}"
        return {"reason": f"the rows below the header row hold something only in columns {where}"}

    def _convert(self, block: Block, target: Target, convert: Convert) -> Converted:
        column = block.columns.get(target.source)
        if column is None:
            return Converted([NULL] * len(block.rows), {}, {})
        return convert(column)

    def _set_aside(self, batch: Batch, apart: Dict[int, Fate]) -> None:
        for index, fate in apart.items():
            row = batch.block.rows[index]
            line = [field.values[index] for field in batch.fields]
            if fate.word == "totals":
                self._totals.add(row, line)
            elif fate.word == "rejected":
                self._totals.add_rejected(line)

    def _write_rejects(self, batch: Batch, apart: Dict[int, Fate]) -> None:
        """Row by row, and in a row from left to right; `apart` says what is wrong with a row."""
        indexes = {index for field in batch.fields for index in field.rejected}
        for index in sorted({*indexes, *apart}):
            faults = apart[index].faults if index in apart else list(batch.rejected(index))
            whose = self._whose(batch, index) if index in apart and faults else ""
            for target, fault in sorted(faults, key=lambda one: one[0].source):
                where = address(batch.block.rows[index], target.source) if target.source else ""
                raw, (rule, reason) = batch.raw(target, index), fault
                reason += "" if target.rule.key else whose
                self.output.rejects.add(self._sheet.name, where, target.heading, raw, rule, reason)

    def _whose(self, batch: Batch, index: int) -> str:
        """Names a row by its key, which is not at fault: so `explain` finds it."""
        key = [f.values[index] for t, f in zip(batch.targets, batch.fields) if t.rule.key]
        if NULL in key:
            return ""
        return ": " + LEFT_OUT.format(", ".join(map(from_copy, key)))

    def _note(self, batch: Batch, apart: Dict[int, Fate]) -> None:
        """Counts repairs and warnings, and remembers where the first of each stands."""
        places: Dict[str, List[Tuple[int, int]]] = {}
        for target, field in zip(batch.targets, batch.fields):
            for word, indexes in field.notes.items():
                places.setdefault(word, []).extend((index, target.source) for index in indexes)
        unmapped = [(index, fate.column) for index, fate in apart.items() if fate.column]
        if unmapped:
            places[UNMAPPED_ROW] = unmapped
            self._note_headed(batch, unmapped)
        for word, noted in places.items():
            index, column = min(noted)
            first = address(batch.block.rows[index], column)
            self.notes.setdefault(word, {"count": 0, "first": first})["count"] += len(noted)

    def _note_headed(self, batch: Batch, unmapped: Sequence[Tuple[int, int]]) -> None:
        """Whether any of them may be data: under a heading, and no total."""
        if not self.count["headed"]:
            rows = (index for index, column in unmapped if column in self._headings.unknown)
            self.count["headed"] = any(not says_total(batch, index) for index in rows)

    def _untouched(self, batch: Batch, apart: Dict[int, Fate]) -> Dict[int, List[int]]:
        """Index of a row → positions that the database must leave alone."""
        untouched: Dict[int, List[int]] = {}
        for target, field in zip(batch.targets, batch.fields):
            for index in field.rejected:
                if index not in apart:
                    self.count["cells_rejected"] += 1
                    untouched.setdefault(index, []).append(target.position)
            if target.source and target.rule.settings.keeps_blank and NULL in field.values:
                for index, value in enumerate(field.values):
                    if value == NULL and index not in field.rejected and index not in apart:
                        untouched.setdefault(index, []).append(target.position)
        return untouched

    def _write(self, batch: Batch, apart: Dict[int, Fate], untouched: Dict[int, List[int]]) -> None:
        rows = batch.block.rows
        columns = [field.values for field in batch.fields]
        origins = self._origins(rows, untouched)
        if apart:
            stays = [index not in apart for index in range(len(rows))]
            columns = [list(compress(column, stays)) for column in columns]
            origins = list(compress(origins, stays))
        if not origins:
            return
        lines = list(map(b"\t".join, zip(*columns)))
        said = map(identity, lines, origins) if untouched or self._missing else lines
        self.output.digest.update(b"\n".join(said) + b"\n")
        self.output.rows.write(b"\n".join(map(b"\t".join, zip(lines, origins))) + b"\n")
        self.output.keys.add(key_fields(columns, self._targets))
        self.count["written"] += len(lines)
        self.count["untouched"] += len(lines) if self._missing else len(untouched)

    def _origins(self, rows: Sequence[int], untouched: Dict[int, List[int]]) -> List[bytes]:
        """`<sheet>:<row>`, and the untouched positions behind it."""
        after = b" " + b",".join(b"%d" % position for position in self._missing)
        origin = b"%d:%%d%s" % (self._number, after if self._missing else b"")
        origins = [origin % row for row in rows]
        for index, positions in untouched.items():
            every = sorted({*positions, *self._missing})
            listed = b",".join(b"%d" % position for position in every)
            origins[index] = b"%d:%d %s" % (self._number, rows[index], listed)
        return origins

    def _count_rows(self, rows: Sequence[int], apart: Dict[int, Fate]) -> None:
        """Blank rows count only above the last row that is not: readers may leave them out.

        So do rows of other columns, lest a template filled in beforehand has a thousand.
        """
        self.count.update(fate.word for fate in apart.values())
        for index in range(len(rows) - 1, -1, -1):
            if index not in apart or apart[index].word not in ("blank", "unmapped"):
                self._last_row = rows[index]
                return
