"""Scan of the XML of a sheet (XLSX), for what the reader of values does not tell."""

import re
from collections import defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from typing import Any, Self
from xml.sax.saxutils import unescape
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring

from services.management.domain.sheet_cells import CellRule, shown
from services.management.domain.sheet_rows import HEADINGS_ROW, MOST_ROWS, Fault

_CHUNK = 1 << 20
_SHOWN = 240
_STYLES = "xl/styles.xml"
_PERCENT_FORMATS = frozenset({"9", "10"})
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')

_ELEMENT = re.compile(rb"<(?:[\w.-]+:)?(row|c|f|v|is|mergeCell)(?=[\s/>])([^>]*)>([^<]*)")
_REFERENCE = re.compile(rb"""\b(?:r|ref)\s*=\s*["']([A-Z]{1,3})(\d{1,7})""")
_STYLE = re.compile(rb"""\bs\s*=\s*["'](\d+)["']""")
_IS_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"\0<", b"<\0")


@dataclass
class SheetScan:
    """Faults of a sheet and the places of its percentages, by the numbers of rows.

    ``one_too_many`` is the first row too many, if there is one.
    """

    faults: defaultdict[int, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    percentages: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    one_too_many: int | None = None

    @classmethod
    def of(cls, archive: ZipFile, part: str) -> Self:
        """Scan a sheet in chunks, to its end or to the first row too many.

        Raises:
            ValueError: it is not in UTF-8, or a cell has no address.
        """
        scan, percent_styles = cls(), _percent_styles(archive)
        cell, with_values, last = b"", 0, 0
        with archive.open(part) as source:
            for name, attributes, text in _elements(source):
                if name == b"c":
                    cell = attributes
                elif name in (b"v", b"is"):
                    row = _row_of(cell)
                    with_values += row != last
                    last = row
                    if with_values > MOST_ROWS + HEADINGS_ROW:
                        scan.one_too_many = row
                        break
                scan._note(name, attributes, text, cell, percent_styles)
        return scan

    def _note(
        self, name: bytes, attributes: bytes, text: bytes, cell: bytes, percent_styles: Set[bytes]
    ) -> None:
        if name == b"c" and _IS_ERROR.search(attributes):
            self._add(attributes, "error_value")
        elif name == b"f":
            formula = unescape(text[:_SHOWN].decode(errors="ignore"))
            self._add(cell, "formula", shown(f"={formula}"))
        elif name == b"mergeCell":
            self._add(attributes, "merged")
        elif name == b"v" and percent_styles and _style(cell) in percent_styles:
            self.percentages[_row_of(cell)].add(_place(cell))

    def _add(self, attributes: bytes, rule: CellRule, value: str = "") -> None:
        place = _place(attributes)
        self.faults[_row_of(attributes)].append(Fault(place, rule, value))


def _percent_styles(archive: ZipFile) -> Set[bytes]:
    """Return the numbers of the styles in which a workbook shows 0.13 as 13%."""
    if _STYLES not in archive.namelist():
        return frozenset()
    styles = fromstring(archive.read(_STYLES))
    percent = _PERCENT_FORMATS | {
        each.get("numFmtId")
        for each in styles.iter()
        if _is(each, "numFmt") and "%" in _LITERAL.sub("", each.get("formatCode", ""))
    }
    formats = next((each for each in styles.iter() if _is(each, "cellXfs")), ())
    return frozenset(
        str(number).encode()
        for number, each in enumerate(formats)
        if each.get("numFmtId") in percent
    )


def _is(element: Any, name: str) -> bool:
    return bool(element.tag.rpartition("}")[2] == name)


def _elements(source: Any) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield the names, attributes and texts of the elements that matter."""
    kept = source.read(_CHUNK)
    if kept[:2] in _UTF_16:
        raise ValueError("not in UTF-8")
    while kept:
        more = source.read(_CHUNK)
        end = kept.rfind(b"<") if more else len(kept)
        for found in _ELEMENT.finditer(kept, 0, max(end, 0)):
            yield found[1], found[2], found[3]
        kept = kept[max(end, 0) :] + more if more else b""


def _row_of(attributes: bytes) -> int:
    found = _REFERENCE.search(attributes)
    return int(found[2]) if found else 0


def _place(attributes: bytes) -> int:
    """Return the place of a cell, counted from 0.

    Raises:
        ValueError: it has no address.
    """
    found = _REFERENCE.search(attributes)
    if found is None:
        raise ValueError("a cell without its address")
    place = 0
    for letter in found[1]:
        place = place * 26 + letter - ord("A") + 1
    return place - 1


def _style(attributes: bytes) -> bytes:
    found = _STYLE.search(attributes)
    return found[1] if found else b""
