"""``aftersales import --customers``: the customers that a file lists, with a line for each error.

No line has anything that a row says about a person.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from deploy.cli.terminal import follow, print_line
from deploy.customer_import import CustomerFiles, open_customer_files
from deploy.embedded.errors import EmbeddedError
from deploy.management import TokenSource
from shared.calls import ApiError
from shared.clients.crm.models import (
    CustomerImportSource,
    CustomerImportView,
    ImportColumns,
    ImportedRowView,
    RowErrorView,
)

_RIGHT: Mapping[str, str] = {
    "name": "at most 80 characters",
    "phone": "a telephone number: 13800138000, 021-63501234, +852 2123 4567",
    "vin": "17 letters and digits; with a wrong check digit, 'VIN confirmed' is yes",
    "plate": "a plate, or nothing",
    "brand": "at most 40 characters",
    "model": "at most 40 characters",
    "kind": "person or company (个人, 单位)",
    "birthday": "month and day, or a date: 03-14, 3月14日, 1980-03-14",
}
_SAID: Mapping[str, str] = {
    "missing": "is missing",
    "formula": "is a formula, which is not computed",
    "wrong_form": "has a wrong form",
    "literal_error": "has a wrong value",
    "string_too_long": "is too long",
    "person_undecided": "may be another customer's; register it at the desk, which asks whose",
    "data_erased": "the person is erased",
}


@dataclass(frozen=True)
class CustomersAsked:
    """File of customers to import: its content, their store, the system from which they come, and
    the headings of columns that are not known by theirs.
    """

    content: bytes
    store: str
    source: CustomerImportSource
    columns: Mapping[str, str]

    @classmethod
    def of(
        cls, file: Path, store: str | None, source: str | None, columns: Sequence[str]
    ) -> "CustomersAsked":
        """Return what the options ask for.

        Raises:
            EmbeddedError: it is no file, no store is named, or there is no such source or column.
        """
        if file.is_dir() or not store:
            raise EmbeddedError("customers are imported from a file, XLSX or CSV, with --store")
        sources: dict[str, CustomerImportSource] = {
            each: each for each in get_args(CustomerImportSource)
        }
        source = source or "sales"
        if source not in sources:
            raise EmbeddedError(f"there is no source {source}; known are {', '.join(sources)}")
        named = {name: heading for name, _, heading in (each.partition("=") for each in columns)}
        if not all(named.values()) or not named.keys() <= ImportColumns.model_fields.keys():
            raise EmbeddedError(
                f"--column is a column and its heading, phone=Tel, of "
                f"{', '.join(ImportColumns.model_fields)}"
            )
        return cls(file.read_bytes(), store, sources[source], named)


async def import_customers(asked: CustomersAsked, url: str, tokens: TokenSource) -> bool:
    """Import a file of customers; return whether all its rows were imported."""
    async with open_customer_files(url, tokens, asked.store) as files:
        return await import_file(files, asked)


async def import_file(files: CustomerFiles, asked: CustomersAsked) -> bool:
    """Import the right rows of a file; print a line for each error of the others, and the numbers.

    Raises:
        EmbeddedError: it is not known which columns the file has.
    """
    try:
        staged = await files.upload(asked.content, asked.source, asked.columns)
    except ApiError as error:
        if error.rule != "columns_undecided":
            raise
        missing = ", ".join(error.values["missing"])
        raise EmbeddedError(
            f"no heading is known for {missing}; name it by --column {error.values['missing'][0]}="
            "HEADING"
        ) from None
    print_line(f"{staged.rows} rows, {staged.wrong} wrong")
    ended = await follow(files.begin(staged), staged, _done, total=staged.to_do, label="importing")
    async for row in files.left_out(ended):
        for line in row_lines(row):
            print_line(line)
    print_line(
        f"{ended.status}: {ended.registered} registered, {ended.known} known already, "
        f"{ended.undecided} undecided, {ended.refused} refused, {ended.wrong} wrong"
    )
    return ended.status == "applied" and not (ended.undecided or ended.refused or ended.wrong)


def row_lines(row: ImportedRowView) -> Iterator[str]:
    """Yield a line for each error of a row: its column, the rule that it breaks, what is right."""
    for error in row.errors:
        yield f"row {row.row}: {_said(error)}"


def _said(error: RowErrorView) -> str:
    said = _SAID.get(error.rule) or error.rule.replace("_", " ")
    right = _RIGHT.get(error.column or "")
    return f"{error.column}: {said}; right: {right}" if right else said


def _done(shown: CustomerImportView) -> int:
    return shown.registered + shown.known + shown.undecided + shown.refused
