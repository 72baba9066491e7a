"""The fast reader: whole blocks of sheet XML through one regular expression, proven byte by byte.

Inflating gives a hundred thousand bytes at a time; cut at the last `</row>` they are a block. If
the rows that the expression finds are together as long as the block, every byte was understood, and
the block's columns are converted as wholes. Whatever can't be proven that way, be it a row or the
rest of the sheet, goes through the exact parser, which stands by from the beginning: it gets what
stands before and behind the rows too, and so sees a complete document, without the proven rows.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from operator import lt
from typing import (
    Dict,
    Generator,
    Hashable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ttcli.cells import NO_BLANKS, Block
from ttcli.workbook.ooxml.columns import Variant, cell_count, column_of
from ttcli.workbook.ooxml.exact import SheetParser, SheetSource, blocks_of
from ttcli.workbook.ooxml.package import Chunks
from ttcli.workbook.ooxml.rawtext import RawTexts, Unproven, prove_characters
from ttcli.workbook.ooxml.shape import Shape, Shapes
from ttcli.workbook.ooxml.spelling import Notation, Speller, Spelling

_Found = List[Tuple[bytes, ...]]

_ROWS_BEGIN = re.compile(rb"<((?:[A-Za-z][A-Za-z0-9]*:)?)sheetData(?: [^<>]*)?>")
_GAPS = (b">\n", b"> ", b">\r", b">\t")  # without which no expression need look for any
_LONGEST_HEAD = 1 << 20
_LONGEST_BLOCK = 1 << 22
# A spelling is learnt when it was met that often: headings and oddities don't slow down the rest.
_OFTEN = 2
_SAMPLE = 16
_ROUNDS = 4
_MOST_MET = 10_000
# So many blocks in a row without a single proven row, and nobody tries any more.
_PATIENCE = 8
_SHAPES = Shapes()


class FastReader:
    """Reads one sheet, to its end or to a cut; for one use.

    Attributes:
        cut: The chunk in which to stop for a while, behind the first row that ends in it.
        at_cut: Whether it stands there.
    """

    def __init__(self, source: SheetSource, chunks: Chunks) -> None:
        self.chunks = chunks
        self.cut = 0
        self.at_cut = False
        self._rest: Optional[bytes] = None
        self._source = source
        self._exact = SheetParser(source)
        self._texts = RawTexts()
        self._met: Counter[Spelling] = Counter()
        self._shape = Shape(Notation())
        self._shape_key: Hashable = None
        self._speller = Speller(Notation(), source.cells.styles, 0)
        self._row_end = b"</row>"
        self._patience = _PATIENCE

    @property
    def is_amid_rows(self) -> bool:
        """Whether rows were read, and the next ones may be proven like them."""
        known = self._shape.pattern is not None and self._exact.last_row > 0
        return bool(known and self._patience and self._exact.between_rows)

    @property
    def names(self) -> int:
        """How many names of elements were met outside of what was read fast."""
        return self._exact.names

    @property
    def last_row(self) -> int:
        """The number of the last row that was read."""
        return self._exact.last_row

    def blocks(self) -> Generator[Block, None, None]:
        """The blocks of the sheet; asked for again at the cut, those behind it.

        What is read fast is what the exact reader would give.

        Raises:
            BadItem: The sheet is damaged or over a limit.
        """
        self.at_cut = False
        if self._rest is None:
            self._rest = self._read_head(self.chunks)
        yield from (block for block in self._fast_blocks() if block.columns)
        if not self.at_cut:
            yield from self._last_blocks(self._rest)

    def _fast_blocks(self) -> Iterator[Block]:
        rest = self._rest or b""
        for chunk in itertools.chain([b""], self.chunks) if self._patience else ():
            known = len(rest)
            rest += chunk
            is_cut = self.chunks.taken == self.cut and self._row_end in chunk
            end = rest.find(self._row_end, known) if is_cut else rest.rfind(self._row_end)
            if end >= 0:
                end += len(self._row_end)
                xml, rest = rest[:end], rest[end:]
                yield from self._read_rows(xml)
                self.at_cut = is_cut and self.is_amid_rows
            elif self._is_behind_rows(rest):
                break
            if self.at_cut or not self._patience:
                break
        self._rest = rest

    def _last_blocks(self, rest: bytes) -> Iterator[Block]:
        yield from self._read_exactly(rest)
        for chunk in self.chunks:
            yield from self._read_exactly(chunk)
        self._exact.close()
        _SHAPES.keep(self._shape_key, self._shape)
        yield from blocks_of(self._exact.take_rows())

    def skip_to_cut(self, chunks: Chunks) -> int:
        """Goes on behind the cut without having read what stands before it.

        Args:
            chunks: The same part, from its beginning.

        Returns:
            The number of the first row there.

        Raises:
            Unproven: It does not say its number as others do.
        """
        chunk = next(itertools.islice(chunks, self.cut - 1, None), b"")
        _, ended, rest = chunk.partition(self._row_end)
        rest += next(chunks, b"")
        number = self._speller.row_number(rest) if ended else None
        if number is None:
            raise Unproven
        self.chunks, self.cut, self._rest = chunks, 0, rest
        return number

    def _read_head(self, chunks: Iterator[bytes]) -> bytes:
        """Gives all up to the rows to the exact parser; what comes behind it is returned."""
        head = b""
        found = None
        while not found and len(head) < _LONGEST_HEAD:
            chunk = next(chunks, b"")
            if not chunk:
                break
            head += chunk
            found = _ROWS_BEGIN.search(head)
        end = found.end() if found else len(head)
        self._exact.feed(head[:end])
        if found and self._exact.between_rows and self._exact.parser.is_utf_8:
            self._begin(found[1], head[end:])
        else:
            self._patience = 0
        return head[end:]

    def _begin(self, prefix: bytes, rows: bytes) -> None:
        self._row_end = b"</" + prefix + b"row>"
        gaps = any(map(rows.__contains__, _GAPS)) and bool(
            re.search(rb">[ \t\r\n]+</?" + prefix + rb"(?:row|c)[ >]", rows)
        )
        prefixes = frozenset(name.encode() for name in self._exact.parser.prefixes)
        notation = Notation(prefix, gaps, prefixes)
        columns, styles = self._source.tally.limits.columns, self._source.cells.styles
        self._speller = Speller(notation, styles, columns)
        self._shape_key = (notation, columns, styles.key)
        self._shape = _SHAPES.find(self._shape_key) or Shape(notation)

    @staticmethod
    def _is_behind_rows(rest: bytes) -> bool:
        """Whether no row will end any more, or none that is worth waiting for."""
        return b"sheetData" in rest or len(rest) > _LONGEST_BLOCK

    def _read_exactly(self, xml: bytes) -> Iterator[Block]:
        self._exact.feed(xml)
        yield from blocks_of(self._exact.take_rows())

    def _read_rows(self, xml: bytes) -> Iterator[Block]:
        """Reads a block, or those of its rows that are like others; the rest goes the exact way."""
        heading, xml = self._cut_heading(xml)
        if heading:
            yield from self._read_exactly(heading)
        block = self._prove(xml)
        if block is not None:
            self._patience = _PATIENCE
            yield block
        elif b"<!" in xml or b"<?" in xml:
            # A row may end inside a comment: no cut is safe from here on.
            self._patience = 0
            yield from self._read_exactly(xml)
        else:
            self._patience -= 1
            yield from self._read_apart(xml)

    def _cut_heading(self, xml: bytes) -> Tuple[bytes, bytes]:
        """Parts what stands above the first row that is like those of an earlier sheet."""
        if self._exact.last_row or self._shape.pattern is None:
            return b"", xml
        first = self._shape.pattern.search(xml)
        if first is None:
            self._shape = self._shape.fresh()
            return b"", xml
        heading = xml[: first.start()]
        # A row may begin inside a comment: no cut is safe then.
        if b"<!" in heading or b"<?" in heading:
            return b"", xml
        return heading, xml[first.start() :]

    def _read_apart(self, xml: bytes) -> Iterator[Block]:
        rows = [row + self._row_end for row in xml.split(self._row_end)[:-1]]
        odd = self._learn(rows)
        for is_odd, run in itertools.groupby(range(len(rows)), odd.__contains__):
            piece = b"".join([rows[place] for place in run])
            block = None if is_odd else self._prove(piece)
            if block is None:
                yield from self._read_exactly(piece)
            else:
                self._patience = _PATIENCE
                yield block

    def _learn(self, rows: List[bytes]) -> Set[int]:
        """Adopts spellings met more than once in a sample; returns the rows that are still odd."""
        odd = self._odd(rows, range(len(rows)))
        for _ in range(_ROUNDS):
            sample = [rows[place] for place in odd[:: max(1, len(odd) // _SAMPLE)]]
            if not sample or not self._adopt(sample):
                break
            odd = self._odd(rows, odd)
        return set(odd)

    def _odd(self, rows: List[bytes], places: Sequence[int]) -> List[int]:
        return [place for place in places if self._match(rows[place]) is None]

    def _adopt(self, rows: List[bytes]) -> bool:
        for row in rows:
            self._met.update(new for new in self._speller.spellings(row) if new not in self._shape)
        often = [spelling for spelling, times in self._met.items() if times >= _OFTEN]
        if often or len(self._met) > _MOST_MET:
            self._met.clear()
        return self._shape.adopt(often)

    def _match(self, xml: bytes) -> Optional[_Found]:
        """The rows in a piece of XML, if they are all of it."""
        if self._shape.pattern is None or not self._exact.between_rows:
            return None
        found = self._shape.pattern.findall(xml)
        return found if sum([len(row[0]) for row in found]) == len(xml) else None

    def _prove(self, xml: bytes) -> Optional[Block]:
        """The block that a piece of XML is, or None if anything about it is in doubt."""
        found = self._match(xml)
        if not found:
            return None
        try:
            prove_characters(xml)
            return self._block(list(zip(*found)))
        except (Unproven, IndexError):
            return None

    def _block(self, groups: List[Sequence[bytes]]) -> Block:
        """Raises Unproven or IndexError (of shared strings) before anything is counted."""
        if not all(self._speller.is_row_tag(*tag) for tag in set(zip(groups[1], groups[3]))):
            raise Unproven
        rows = list(map(int, groups[2]))
        self._prove_order(rows)
        variants: Dict[int, List[Variant]] = {}
        for capture, values in zip(self._shape.captures, groups[4:]):
            if any(values):
                variant = Variant(capture, *self._convert(capture.meaning.type, values))
                variants.setdefault(capture.column, []).append(variant)
        columns = {number: column_of(found) for number, found in variants.items()}
        self._source.tally.count(sum(map(cell_count, columns.values())))
        self._exact.last_row = rows[-1]
        return Block(rows, columns)

    def _prove_order(self, rows: List[int]) -> None:
        ascending = rows[0] > self._exact.last_row and all(map(lt, rows, rows[1:]))
        if not ascending or rows[-1] > self._source.tally.limits.rows:
            raise Unproven

    def _convert(
        self, type_: str, values: Sequence[bytes]
    ) -> Tuple[Sequence[bytes], Mapping[int, str]]:
        if type_ == "s":
            return self._source.cells.strings.take(values)
        if type_ in ("str", "inlineStr"):
            return self._texts.convert(values), self._texts.blanks(values)
        return self._texts.formulas(values) if type_ == "f" else values, NO_BLANKS
