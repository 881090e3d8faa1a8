"""Files with tables (表格文件) as people and machines bring them: encodings, and bounds."""

import csv
from collections.abc import Iterator
from io import StringIO
from zipfile import ZipFile

WORKBOOK = b"PK\x03\x04"
"""First bytes of a workbook (XLSX)."""

LARGEST_UNPACKED = 150_000_000
"""Largest size of all parts of a workbook together, in bytes."""

MEMORY_BYTES = 1_500_000_000
"""Address space of a process that reads a file, in bytes."""

_MOST_PARTS = 2000


def rows_of_csv(content: bytes) -> Iterator[list[str]] | None:
    """Return the rows of a CSV file in UTF-8 or GB18030, None where it is none."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            return None
        try:
            return iter(list(csv.reader(StringIO(text, newline=""))))
        except csv.Error:
            return None
    return None


def is_too_large(workbook: ZipFile) -> bool:
    """Return whether a workbook has too many parts, or too much in them, to be unpacked."""
    parts = workbook.infolist()
    return sum(each.file_size for each in parts) > LARGEST_UNPACKED or len(parts) > _MOST_PARTS
