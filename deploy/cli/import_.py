"""``aftersales import``: define what a folder or a sheet says, by the commands that people give.

A file of customers is imported into their store.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.progress import Progress

from deploy.cli.import_customers import CustomersAsked, import_customers
from deploy.cli.options import DataFolder
from deploy.cli.running import reach_service
from deploy.cli.terminal import console, error_line, follow, print_line
from deploy.embedded.errors import EmbeddedError
from deploy.group_folder import GroupFileError, read_group
from deploy.group_import import Imported, define_all
from deploy.management import TokenSource
from deploy.sheet_import import open_sheets
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.management.models import (
    CellErrorView,
    Definition,
    SheetImportKind,
    SheetRowView,
)

_OPTIONS = {
    "kind": "--kind",
    "valid_from": "--valid-from",
    "reason": "--reason",
    "source": "--source",
    "columns": "--column",
}

_Run = Callable[[str, TokenSource], Coroutine[Any, Any, bool]]
"""Import by a service at an address; it returns whether all was taken."""


def import_(
    source: Annotated[
        Path,
        typer.Argument(exists=True, help="Group folder with YAML files, or a sheet: XLSX or CSV."),
    ],
    data: DataFolder = None,
    valid_from: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day of what a sheet says."),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why a sheet is imported.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="What a sheet lists; otherwise its title or headings say.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="Store that decides on a sheet, else the group; store of --customers."),
    ] = None,
    customers: Annotated[
        bool, typer.Option("--customers", help="The sheet lists customers of --store.")
    ] = False,
    system: Annotated[
        str | None,
        typer.Option("--source", help="System that customers come from.", show_default="sales"),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Column of customers that is not known by its heading: phone=Tel."),
    ] = None,
) -> None:
    """Define what a group folder or a sheet says; what held already is left as it is.

    With --customers, import those that a sheet lists.
    """
    if not customers:
        if system or column:
            raise EmbeddedError("--source and --column are those of --customers")
        run = _definitions(source, valid_from, reason, kind, store)
    elif valid_from or reason or kind:
        raise EmbeddedError("--valid-from, --reason and --kind are not those of --customers")
    else:
        run = partial(import_customers, CustomersAsked.of(source, store, system, column or []))
    if not _is_complete(run, *reach_service("crm" if customers else "management", data)):
        raise typer.Exit(1)


def _definitions(
    source: Path,
    valid_from: datetime | None,
    reason: str | None,
    kind: str | None,
    store: str | None,
) -> _Run:
    """Return the import of a group folder or of a sheet."""
    if source.is_dir():
        return partial(_import_folder, source)
    if valid_from is None or not reason:
        raise EmbeddedError("a sheet needs --valid-from and --reason")
    day = valid_from.date()
    return partial(_import_sheet, _SheetAsked(source.read_bytes(), day, reason, _kind(kind), store))


def _is_complete(run: _Run, url: str, tokens: TokenSource) -> bool:
    try:
        return asyncio.run(run(url, tokens))
    except GroupFileError as error:
        raise EmbeddedError(str(error)) from None
    except ServiceUnavailableError as error:
        raise EmbeddedError(f"{error.service} does not respond; import again later") from None
    except ApiError as error:
        raise EmbeddedError(error_line(error, _OPTIONS)) from None


async def _import_folder(folder: Path, url: str, tokens: TokenSource) -> bool:
    """Import a folder; return whether all was taken."""
    imported = await _import(read_group(folder), url, tokens)
    for line in summary(imported):
        print_line(line)
    return not any(each.refused for each in imported)


@dataclass(frozen=True)
class _SheetAsked:
    """Sheet to import: its content, its first day, the reason, what it lists, and the store that
    decides on it.
    """

    content: bytes
    valid_from: date
    reason: str
    kind: SheetImportKind | None
    store: str | None


async def _import_sheet(asked: _SheetAsked, url: str, tokens: TokenSource) -> bool:
    """Import a sheet; return whether all its rows were taken."""
    async with open_sheets(url, tokens, asked.store) as sheets:
        staged = await sheets.upload(asked.content, asked.valid_from, asked.reason, asked.kind)
        if staged.error_count:
            for error in staged.errors:
                print_line(cell_line(error))
            print_line(f"{staged.error_count} errors; nothing was changed")
            return False
        print_line(
            f"{staged.kind}: {staged.new} new, {staged.changed} changed, "
            f"{staged.unchanged} unchanged, {staged.warned} with warnings"
        )
        if not staged.to_apply:
            print_line("nothing changes: all of it holds already")
        applied = await follow(
            sheets.apply(staged),
            staged,
            lambda shown: shown.defined + shown.refused,
            total=staged.to_apply,
            label="applying",
        )
        async for row in sheets.refused(applied):
            print_line(f"row {row.row}: {row.code}: {row.detail}{_first(row)}")
    print_line(f"{applied.kind}: {applied.defined} applied, {applied.refused} refused")
    return not applied.refused


def _kind(named: str | None) -> SheetImportKind | None:
    kinds: dict[str, SheetImportKind] = {each: each for each in get_args(SheetImportKind)}
    if named is not None and named not in kinds:
        raise EmbeddedError(f"there is no sheet of {named}; known are {', '.join(kinds)}")
    return kinds[named] if named else None


def cell_line(error: CellErrorView) -> str:
    """Return the line for an error in a cell."""
    place = "!".join(filter(None, (error.sheet, error.cell))) or "file"
    said = (error.detail or error.rule.replace("_", " ")).removesuffix(".")
    value = f" {error.value!r}" if error.value else ""
    is_said = not error.expected or error.expected in said
    expected = "" if is_said else f"; right: {error.expected}"
    return f"{place}: {error.heading or 'row'}{value}: {said}{expected}"


def _first(row: SheetRowView) -> str:
    return f" ({row.first_by}, {row.first_at:%Y-%m-%d %H:%M})" if row.first_at else ""


async def _import(
    definitions: Sequence[Definition], url: str, tokens: TokenSource
) -> list[Imported]:
    """Send the definitions; show how many are sent, on a terminal, and those to look at."""
    imported: list[Imported] = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("importing", total=len(definitions))
        async for portion in define_all(definitions, url, tokens):
            for each in portion:
                show(each)
            imported += portion
            progress.advance(task, len(portion))
    return imported


def show(imported: Imported) -> None:
    """Print a definition that is refused, or that may be a mistake."""
    if imported.remarkable:
        print_line(f"{imported}")


def summary(imported: Iterable[Imported]) -> list[str]:
    """Return a line for each collection: how many definitions had which result."""
    results: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in imported:
        results[each.definition.collection][each.result.result] += 1
    return [
        f"{collection}: {', '.join(f'{count} {result}' for result, count in counted.items())}"
        for collection, counted in results.items()
    ]
