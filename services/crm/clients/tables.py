"""Files with tables (XLSX, CSV), read in processes with bounds."""

from collections.abc import Iterable, Sequence
from functools import partial
from io import BytesIO
from itertools import islice
from zipfile import BadZipFile, ZipFile

from python_calamine import CalamineError, CalamineWorkbook

from services.crm.domain import errors
from shared.table_files import MEMORY_BYTES, WORKBOOK, is_too_large, rows_of_csv
from shared.worker_processes import ConfinedWorkers, ExhaustedError

_CPU_S = 60
_AT_ONCE = 1


class TableFiles:
    """Reader of one file at a time, in a process with its own limits."""

    def __init__(self) -> None:
        self._workers = ConfinedWorkers(_AT_ONCE, memory_bytes=MEMORY_BYTES, cpu_s=_CPU_S)

    async def read(self, content: bytes, most: int) -> list[list[str]]:
        """Return the rows of a file as :func:`read_table` does.

        Raises:
            RuleViolation: as there, or it took too much memory or time.
        """
        try:
            return await self._workers.compute(partial(read_table, content, most))
        except ExhaustedError as error:
            raise errors.unreadable_file() from error


def read_table(content: bytes, most: int) -> list[list[str]]:
    """Return the texts of a CSV file or of a workbook's first sheet, with the headings first.

    Of a formula, the value that the workbook holds is read; nothing is computed.

    Raises:
        RuleViolation: it is no such file, or has more than ``most`` rows.
    """
    rows = _of_workbook(content) if content.startswith(WORKBOOK) else rows_of_csv(content)
    if rows is None:
        raise errors.unreadable_file()
    filled = [row for row in islice(rows, most + 2) if any(row)]
    if len(filled) > most + 1:
        raise errors.too_many_rows(most)
    return filled


def _of_workbook(content: bytes) -> Iterable[list[str]]:
    try:
        with ZipFile(BytesIO(content)) as archive:
            if is_too_large(archive):
                raise errors.unreadable_file()
        with CalamineWorkbook.from_filelike(BytesIO(content)) as workbook:
            return [_texts(row) for row in workbook.get_sheet_by_index(0).to_python()]
    except (BadZipFile, CalamineError, IndexError, OSError, ValueError):
        raise errors.unreadable_file() from None


def _texts(row: Sequence[object]) -> list[str]:
    return [
        str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
        for cell in row
    ]
