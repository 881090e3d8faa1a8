"""Sheets (表格): template, export, and import in steps: check and stage, apply, discard (R40)."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Annotated

from pydantic import Base64Bytes, BaseModel, Field

from services.management.application import imports
from services.management.application.deps import Deps
from services.management.application.imports import (
    LARGEST_PORTION,
    Considered,
    Definition,
    ImportRequest,
    ImportResult,
)
from services.management.application.records import (
    LONGEST_LIST,
    ContentWarning,
    FieldDifference,
    local_days,
)
from services.management.clients.workbooks import Entry, ReadSheet
from services.management.domain import errors, sheet_import
from services.management.domain.difference import differences
from services.management.domain.kinds import CONTENT, STAFF, kind_of, record_id_of
from services.management.domain.record import content_on
from services.management.domain.references import Doubt
from services.management.domain.sheet_import import (
    KEPT_FOR,
    Outcome,
    RowResult,
    SheetImport,
    StagedRow,
    Status,
)
from services.management.domain.sheet_rows import MOST_ROWS, CellError, Places, SheetRow
from services.management.domain.sheets import SHEETS, SheetKind
from services.management.persistence import records
from services.management.persistence import sheet_imports as persistence
from services.management.persistence.records import ListedRecord
from shared import timers
from shared.commands import CommandContext
from shared.contracts.base import GROUP
from shared.contracts.versioned import require_version
from shared.db import EVERYWHERE, Connection, limit
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import Reason, RequestModel, Version, VersionedRequest
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

APPLY, EXPIRE = "sheet_portion", "sheet_expiry"

LARGEST_FILE = 9_000_000
"""Largest size of a file in bytes."""

LARGEST_UPLOAD = LARGEST_FILE * 4 // 3 + 10_000
"""Largest size of a request with a file, in bytes."""

MOST_ERRORS = 200
"""Largest number of errors in a response."""

MOST_IMPORTS = 20
"""Largest number of imports in a list."""


class UploadSheetRequest(RequestModel):
    """Workbook (XLSX) or CSV file in base64; without a ``kind``, the title of the sheet or its
    headings say it.

    What it says holds from the day ``valid_from`` on, for that reason.
    """

    kind: SheetKind | None = None
    valid_from: Annotated[CalendarDay, Field(description="生效日")]
    reason: Reason
    content: Annotated[Base64Bytes, Field(min_length=1, max_length=LARGEST_FILE)]


class CellErrorView(BaseModel):
    """Error in a cell such as ``C17``: column, heading and value, the rule that it breaks, and what
    would be right; ``detail`` says it as a sentence.

    Without a column it concerns the row or, without a cell, the file.
    """

    sheet: str
    cell: str
    column: str | None
    value: str
    rule: str
    expected: str
    detail: str
    heading: str


class SheetImportProgress(BaseModel):
    """Import of a sheet: how many rows are new, changed, unchanged or wrong, ``warned`` with
    warnings; of the ``to_apply``, so many are ``defined`` and ``refused`` so far.
    """

    import_id: str
    for_store: str | None
    kind: SheetKind | None
    valid_from: date
    status: Status
    version: Version
    staged_by: str
    staged_at: datetime
    expires_at: datetime
    applied_by: str | None
    applied_at: datetime | None
    new: int
    changed: int
    unchanged: int
    wrong: int
    warned: int
    error_count: int
    to_apply: int
    defined: int
    refused: int


class SheetImportView(SheetImportProgress):
    """Import of a sheet with its reason; the first ``errors`` of ``error_count`` stand there until
    it is discarded or expires.
    """

    reason: str | None
    errors: Sequence[CellErrorView] = ()


class SheetPart(BaseModel):
    """Part of an export (导出分卷): the records from ``first`` to ``last``, by their ids.

    ``after`` is the last record of the part before it.
    """

    after: str
    first: str
    last: str
    records: int


class SheetRowView(BaseModel):
    """Row of a sheet: what it would do, with differences, warnings and errors; once it was applied,
    its result.

    A refused one has the rule and the sentence, and who was first.
    """

    row: int
    code: str
    for_store: str | None
    outcome: Outcome
    differences: Sequence[FieldDifference]
    warnings: Sequence[ContentWarning]
    errors: Sequence[CellErrorView]
    result: RowResult | None
    rule: str | None
    detail: str | None
    first_by: str | None
    first_at: datetime | None


@dataclass(frozen=True)
class SheetFile:
    """Workbook with the name of its file."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Checked:
    """File that was checked row by row, ready to be staged."""

    kind: SheetKind | None
    rows: Sequence[StagedRow]


async def sheet_template(kind: SheetKind, store_id: str, deps: Deps) -> SheetFile:
    """Return an empty workbook for the records of a kind (导入模板).

    Raises:
        RuleViolation: others decide on such records.
    """
    _require_decides(kind, store_id)
    return SheetFile(f"{kind}-template.xlsx", await deps.workbooks.write(kind, []))


async def list_sheet_parts(kind: SheetKind, store_id: str, deps: Deps) -> list[SheetPart]:
    """List the parts of an export, each with as many records as a sheet may have (导出分卷).

    Raises:
        RuleViolation: others decide on such records.
    """
    _require_decides(kind, store_id)
    sheet = SHEETS[kind]
    async with deps.uow_factory.read(*_scopes(kind, store_id)) as connection:
        ids = await _ids(connection, kind, store_id)
        found = await records.parts_of(
            connection, sheet.kind.collection, sheet.prefix, MOST_ROWS, ids
        )
    starts = ["", *(part.last for part in found)]
    return [
        SheetPart(after=after, **vars(part)) for after, part in zip(starts, found, strict=False)
    ]


async def export_sheet(
    kind: SheetKind, store_id: str, day: date | None, after: str, last: str, deps: Deps
) -> SheetFile:
    """Return a workbook with the records of a kind that hold on a day, or today (导出).

    The group's has those of all stores, too; imported again, it changes nothing. Of more records
    than a sheet may have, it has a part: the ids past ``after`` and up to ``last``.

    Raises:
        RuleViolation: others decide on such records, or there are too many.
    """
    _require_decides(kind, store_id)
    sheet, collection = SHEETS[kind], SHEETS[kind].kind.collection
    held_on = day or (await local_days([store_id], deps))[store_id]
    entries: list[Entry] = []
    async with deps.uow_factory.read(*_scopes(kind, store_id)) as connection:
        ids = await _ids(connection, kind, store_id)
        while page := await records.listed(
            connection,
            collection,
            {store_id: held_on, GROUP: held_on},
            starting=sheet.prefix,
            after=after,
            last=last,
            ids=ids,
            limit=LONGEST_LIST,
        ):
            entries += _entries(page, store_id)
            if len(entries) > MOST_ROWS:
                raise errors.too_many_records(MOST_ROWS)
            after = record_id_of(collection, page[-1].store_id, page[-1].code)
    owner = "group" if store_id == GROUP else store_id
    name = f"{kind}-{owner}-{held_on}.xlsx"
    return SheetFile(name, await deps.workbooks.write(kind, entries))


async def check_sheet(request: UploadSheetRequest, command: CommandContext, deps: Deps) -> Checked:
    """Check each row of a file, and what it would do; nothing changes.

    Raises:
        RuleViolation: others decide on such records, or the kind is not clear.
    """
    store_id = command.store_id
    own_store = None if store_id == GROUP else store_id
    if request.kind:
        _require_decides(request.kind, store_id)
    read = await deps.workbooks.read(request.content, request.kind, own_store)
    if read.kinds:
        raise errors.kind_needed(read.kinds)
    if read.kind is None:
        return Checked(None, [_wrong(row, row.errors) for row in read.rows])
    _require_decides(read.kind, store_id)
    staged: list[StagedRow] = []
    for start in range(0, len(read.rows), LARGEST_PORTION):
        portion = read.rows[start : start + LARGEST_PORTION]
        async with deps.uow_factory.open([store_id], command.actor, command.causation) as uow:
            staged += await _consider(uow, request, read, portion, deps)
        await asyncio.sleep(0)
    return Checked(read.kind, staged)


async def stage_sheet(
    uow: UnitOfWork, request: UploadSheetRequest, checked: Checked, deps: Deps
) -> SheetImportProgress:
    """Stage a file that was checked: its rows with their errors, differences and warnings (暂存).

    It is applied only if every cell is right, and expires after seven days.
    """
    staged = sheet_import.stage(
        SheetImport(
            store_id=uow.store_id,
            import_id=str(new_id()),
            kind=checked.kind,
            valid_from=request.valid_from,
            staged_by=uow.person,
            staged_at=uow.now,
            expires_at=uow.now + KEPT_FOR,
        ),
        checked.rows,
    )
    reason = await deps.personal.encrypt(
        uow.connection, uow.store_id, staged.import_id, request.reason
    )
    saved = await persistence.add(uow, staged, checked.rows, reason)
    await timers.schedule(
        uow, EXPIRE, saved.import_id, store_id=uow.store_id, due_at=saved.expires_at
    )
    return _progress(saved)


async def apply_sheet(
    uow: UnitOfWork, import_id: str, command: VersionedRequest
) -> SheetImportProgress:
    """Apply a staged sheet in portions, each row once (应用).

    A row whose record has changed since it was staged is refused, and names who was first.

    Raises:
        RuleViolation: there is no such import, it is not staged any more, or a cell is wrong.
    """
    found = await persistence.lock(uow.connection, uow.store_id, import_id)
    begun = sheet_import.begin(found, uow.person, uow.now)
    require_version(found, command.version)
    saved = await persistence.save(uow, begun)
    if saved.status == "applying":
        await timers.schedule(uow, APPLY, import_id, store_id=uow.store_id, due_at=uow.now)
    return _progress(saved)


async def discard_sheet(
    uow: UnitOfWork, import_id: str, command: VersionedRequest
) -> SheetImportProgress:
    """Discard a staged sheet; its rows are deleted (放弃).

    Raises:
        RuleViolation: there is no such import, or it is not staged any more.
    """
    found = await persistence.lock(uow.connection, uow.store_id, import_id)
    discarded = sheet_import.discard(found)
    require_version(found, command.version)
    saved = await persistence.save(uow, discarded)
    await persistence.delete_rows(uow.connection, saved)
    await timers.cancel(uow, EXPIRE, import_id)
    return _progress(saved)


async def lock_import(uow: UnitOfWork, store_id: str, import_id: str) -> None:
    """Take the lock that commands on an import take first."""
    await persistence.lock(uow.connection, store_id, import_id)


async def apply_portion(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Apply the next rows of a sheet, in the name of the person who began to apply it."""
    connection, store_id = uow.connection, timer.store_id
    applying = await persistence.lock(connection, store_id, timer.entity_id)
    rows = await persistence.next_rows(connection, applying, LARGEST_PORTION)
    if applying.status != "applying" or applying.kind is None or not rows:
        return
    command = ImportRequest.model_construct(
        reason=await _reason(connection, applying, deps) or "-",
        only_new=False,
        definitions=[_definition(applying.kind, applying.valid_from, row) for row in rows],
    )
    scopes = frozenset({store_id, GROUP})
    in_their_name = replace(uow, actor=applying.applied_by, stores=scopes)
    await limit(connection, scopes)
    decided = await imports.import_records(in_their_name, command, deps)
    applied = [_applied(*pair) for pair in zip(rows, decided.results, strict=True)]
    await persistence.save_results(connection, applying, applied)
    results = [row.result for row in applied if row.result]
    advanced = await persistence.save(uow, sheet_import.advance(applying, results, uow.now))
    if advanced.status == "applying":
        await timers.schedule(uow, APPLY, advanced.import_id, store_id=store_id, due_at=uow.now)


async def expire_import(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Delete the rows of a sheet; one that was not applied in time expires."""
    found = await persistence.lock(uow.connection, timer.store_id, timer.entity_id)
    if found.status == "applying":
        due_at = uow.now + KEPT_FOR
        await timers.schedule(uow, EXPIRE, found.import_id, store_id=found.store_id, due_at=due_at)
        return
    await persistence.save(uow, sheet_import.expire(found))
    await persistence.delete_rows(uow.connection, found)


async def list_sheet_imports(store_id: str, deps: Deps) -> list[SheetImportView]:
    """List the last imports of a store, or of the group, the last one first (导入记录)."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.listed(connection, store_id, MOST_IMPORTS)
        return [_view(each, await _reason(connection, each, deps), ()) for each in found]


async def get_sheet_import(store_id: str, import_id: str, deps: Deps) -> SheetImportView:
    """Return an import with its progress and its first errors.

    Raises:
        RuleViolation: there is none.
    """
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.find(connection, store_id, import_id)
        wrong = await persistence.rows_of(
            connection, found, after=0, limit=MOST_ERRORS, outcome="wrong"
        )
        return _view(found, await _reason(connection, found, deps), wrong)


async def list_sheet_rows(
    store_id: str,
    import_id: str,
    deps: Deps,
    *,
    after: int,
    limit: int,
    outcome: Outcome | None,
    warned: bool,
    refused: bool,
) -> list[SheetRowView]:
    """List the rows of an import: of an outcome, with warnings, or refused when it was applied.

    Raises:
        RuleViolation: there is no such import.
    """
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.find(connection, store_id, import_id)
        rows = await persistence.rows_of(
            connection,
            found,
            after=after,
            limit=limit,
            outcome=outcome,
            warned=warned,
            refused=refused,
        )
    return [_row_view(row) for row in rows]


def _require_decides(kind: SheetKind, store_id: str) -> None:
    collection = SHEETS[kind].kind.collection
    if store_id != GROUP and collection.decided_by == "group":
        raise errors.decided_by_others(collection.name)


def _scopes(kind: SheetKind, store_id: str) -> Sequence[str]:
    """Return the owners of the records that may stand in an export."""
    collection = SHEETS[kind].kind.collection
    if store_id != GROUP and collection is STAFF:
        return [store_id, GROUP]
    if store_id != GROUP or collection.decided_by == "group":
        return [store_id]
    return [GROUP, EVERYWHERE]


async def _ids(connection: Connection, kind: SheetKind, store_id: str) -> Sequence[str] | None:
    """Return the ids of the records that may stand in an export, None for all in scope."""
    if store_id == GROUP or SHEETS[kind].kind.collection is not STAFF:
        return None
    return await records.staff_ids(connection, store_id)


def _entries(found: Iterable[ListedRecord], store_id: str) -> Iterator[Entry]:
    """Yield what holds and what the store decides on, or the group; the group has all."""
    for each in found:
        if each.content is None:
            continue
        decider = kind_of(each.content).decided_by(each.content, each.store_id)
        if store_id in (GROUP, decider):
            owner = each.store_id if store_id == GROUP else store_id
            for_store = None if owner == GROUP else owner
            yield each.code, for_store, each.content.model_dump(mode="json")


async def _consider(
    uow: UnitOfWork,
    request: UploadSheetRequest,
    read: ReadSheet,
    portion: Sequence[SheetRow],
    deps: Deps,
) -> list[StagedRow]:
    """Return the rows of a portion with what each would do."""
    if read.kind is None:
        raise ValueError("rows of no kind")
    places = Places(read.title, SHEETS[read.kind], read.places)
    right = [row for row in portion if row.content is not None]
    considered: Mapping[int, Considered] = {}
    if right:
        definitions = [_definition(read.kind, request.valid_from, row) for row in right]
        command = ImportRequest.model_construct(
            reason=request.reason, only_new=False, definitions=definitions
        )
        found = await imports.consider(uow, command, deps)
        considered = {row.number: each for row, each in zip(right, found, strict=True)}
    return [
        _staged(row, considered[row.number], request.valid_from, places)
        if row.number in considered
        else _wrong(row, row.errors)
        for row in portion
    ]


def _staged(row: SheetRow, considered: Considered, day: date, places: Places) -> StagedRow:
    result, present = considered.result, considered.present
    if result.result == "refused":
        refusal = result.field or "", result.rule or "", result.detail or "", result.known
        return _wrong(row, [places.refusal(row, *refusal)])
    is_known = present is not None and present.version > 0
    held = content_on(present.versions, day) if present else None
    outcome: Outcome = "changed" if is_known else "new"
    return StagedRow(
        row.number,
        row.code,
        row.for_store,
        "unchanged" if result.result == "unchanged" else outcome,
        row.content,
        str(present.version) if present else None,
        differences(held, CONTENT.validate_python(row.content)) if is_known else (),
        tuple(
            Doubt(each.field, each.rule, each.detail, tuple(each.known)) for each in result.warnings
        ),
    )


def _wrong(row: SheetRow, found: Sequence[CellError]) -> StagedRow:
    return StagedRow(row.number, row.code, row.for_store, "wrong", errors=tuple(found))


def _definition(kind: SheetKind, day: date, row: SheetRow | StagedRow) -> Definition:
    return Definition.model_construct(
        collection=SHEETS[kind].kind.collection.name,
        for_store=row.for_store,
        code=row.code,
        valid_from=day,
        content=CONTENT.validate_python(row.content),
        version=row.seen if isinstance(row, StagedRow) else None,
    )


def _applied(row: StagedRow, result: ImportResult) -> StagedRow:
    return replace(
        row,
        result=result.result if result.result in ("defined", "unchanged") else "refused",
        rule=result.rule,
        detail=result.detail,
        first_by=result.changed_by,
        first_at=result.changed_at,
    )


async def _reason(connection: Connection, found: SheetImport, deps: Deps) -> str | None:
    encrypted = await persistence.reason(connection, found)
    return await deps.personal.decrypt(connection, found.store_id, found.import_id, encrypted)


def _progress(found: SheetImport) -> SheetImportProgress:
    """Return an import without what people wrote, as responses to commands are kept."""
    return SheetImportProgress(
        **{name: getattr(found, name) for name in _OF_IMPORT},
        for_store=None if found.store_id == GROUP else found.store_id,
    )


def _view(found: SheetImport, reason: str | None, wrong: Sequence[StagedRow]) -> SheetImportView:
    errors_found = [each for row in wrong for each in row.errors]
    return SheetImportView(
        **vars(_progress(found)),
        reason=reason,
        errors=[CellErrorView(**asdict(each)) for each in errors_found[:MOST_ERRORS]],
    )


_OF_IMPORT = SheetImportProgress.model_fields.keys() - {"for_store"}


def _row_view(row: StagedRow) -> SheetRowView:
    values = asdict(row)
    return SheetRowView(**{name: values[name] for name in SheetRowView.model_fields})
