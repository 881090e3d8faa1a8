"""Imports of customers (客户导入) from the systems of sales and insurance.

A file is checked whole and staged; its rows are encrypted, and destroyed after some days. Right
rows are imported in portions, each a transaction, so that an import goes on where it was
interrupted, and one that is cancelled keeps what is done.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import orjson
from pydantic import Base64Bytes, BaseModel, Field, TypeAdapter, ValidationError

from services.crm.application.birthdays import add_birthdays
from services.crm.application.contact_reads import note_reads
from services.crm.application.deps import Deps
from services.crm.application.duplicates import find_duplicates
from services.crm.application.registration import (
    RegisterCustomerRequest,
    enter_customer,
    lock_registrations,
)
from services.crm.domain import customer_import, errors
from services.crm.domain.customer_import import (
    KEPT_FOR,
    MOST_ROWS,
    NOT_IMPORTED,
    CustomerImport,
    RowError,
    RowState,
    Source,
    Status,
)
from services.crm.persistence import customer_import as imports
from services.crm.persistence.customer_import import StagedRow
from shared import timers
from shared.contracts.versioned import require_version
from shared.contracts.violations import RuleViolation
from shared.formats import Phone, Vin
from shared.ids import new_id
from shared.personal_data import PersonalData
from shared.request_model import RequestModel, Version, VersionedRequest
from shared.security import Principal
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

IMPORT, EXPIRE = "customer_import_portion", "customer_import_expiry"

LARGEST_FILE = 9_000_000
"""Largest size of a file in bytes."""

LARGEST_UPLOAD = LARGEST_FILE * 4 // 3 + 10_000
"""Largest size of a request with a file, in bytes."""

_PORTION = 50
_PHONE: TypeAdapter[str] = TypeAdapter(Phone)
_VIN: TypeAdapter[str] = TypeAdapter(Vin)
_ERASED = RowError(None, "data_erased")
_MOST_IMPORTS = 20

Heading = Annotated[str, Field(min_length=1, max_length=200)]


class ImportColumns(RequestModel):
    """Headings of the columns of a file, for those that are not known by theirs."""

    name: Heading | None = None
    phone: Heading | None = None
    vin: Heading | None = None
    plate: Heading | None = None
    brand: Heading | None = None
    model: Heading | None = None
    kind: Heading | None = None
    vin_confirmed: Heading | None = None
    birthday: Heading | None = None


class UploadCustomersRequest(RequestModel):
    """Workbook (XLSX) or CSV file in UTF-8 or GB18030, in base64."""

    source: Source
    columns: ImportColumns | None = None
    content: Annotated[Base64Bytes, Field(min_length=1, max_length=LARGEST_FILE)]


class RowErrorView(BaseModel):
    """Error of a row: the column, absent for the row as a whole, and the rule that it breaks."""

    column: str | None
    rule: str


class CustomerImportView(BaseModel):
    """Import of customers with its progress: of its ``rows``, so many are ``wrong``; of the others,
    so many were ``registered``, were ``known`` already, are ``undecided`` as they may be another
    customer's, or were ``refused``; ``to_do`` are still to be imported.
    """

    import_id: str
    source: Source
    status: Status
    version: Version
    uploaded_by: str
    uploaded_at: datetime
    expires_at: datetime
    applied_by: str | None
    ended_at: datetime | None
    rows: int
    wrong: int
    registered: int
    known: int
    undecided: int
    refused: int
    to_do: int


class ImportedRowView(BaseModel):
    """Row of a file: its texts by column, absent once they are destroyed, and what became of it."""

    row: int
    state: RowState
    texts: dict[str, str] | None
    errors: Sequence[RowErrorView]


async def read_customers(request: UploadCustomersRequest, deps: Deps) -> list[StagedRow]:
    """Check each row of a file; nothing changes.

    Raises:
        RuleViolation: the file cannot be read, has no rows or too many, or columns are missing.
    """
    headings, *rows = await deps.tables.read(request.content, MOST_ROWS) or [[]]
    named = request.columns.model_dump(exclude_none=True) if request.columns else {}
    columns = customer_import.columns_of(headings, named)
    if not rows:
        raise errors.no_rows()
    return [
        _checked(number, customer_import.read_row(cells, columns), deps.personal)
        for number, cells in enumerate(rows, 2)
    ]


async def stage_customers(
    uow: UnitOfWork, request: UploadCustomersRequest, rows: Sequence[StagedRow], deps: Deps
) -> CustomerImportView:
    """Stage the rows of a file that was checked, with their errors; they are destroyed after seven
    days.
    """
    connection, store_id = uow.connection, uow.store_id
    staged = customer_import.stage(
        CustomerImport(
            store_id=store_id,
            import_id=str(new_id()),
            source=request.source,
            uploaded_by=uow.person,
            uploaded_at=uow.now,
            expires_at=uow.now + KEPT_FOR,
        ),
        rows=len(rows),
        wrong=sum(row.state == "wrong" for row in rows),
    )
    saved = await imports.add(uow, staged)
    contents = await deps.personal.encrypt_all(
        connection,
        [(store_id, saved.import_id, orjson.dumps(row.texts).decode()) for row in rows],
    )
    await imports.add_rows(connection, saved, rows, contents)
    await timers.schedule(uow, EXPIRE, saved.import_id, store_id=store_id, due_at=saved.expires_at)
    return _view(saved)


async def begin_import(
    uow: UnitOfWork, import_id: str, command: VersionedRequest
) -> CustomerImportView:
    """Import the right rows of a file in portions; wrong ones are left out (导入).

    Raises:
        RuleViolation: there is no such import, it has changed since it was seen, or it was begun or
            has ended.
    """
    found = await imports.lock(uow.connection, uow.store_id, import_id)
    begun = customer_import.begin(found, uow.person, uow.now)
    require_version(found, command.version)
    saved = await imports.save(uow, begun)
    if saved.status == "applying":
        await timers.schedule(uow, IMPORT, import_id, store_id=uow.store_id, due_at=uow.now)
    return _view(saved)


async def cancel_import(uow: UnitOfWork, import_id: str) -> CustomerImportView:
    """Cancel an import; the customers who were imported stay (取消).

    Raises:
        RuleViolation: there is no such import, or it has ended.
    """
    found = await imports.lock(uow.connection, uow.store_id, import_id)
    cancelled = customer_import.cancel(found, uow.now)
    saved = await imports.save(uow, cancelled)
    await timers.cancel(uow, IMPORT, import_id)
    return _view(saved)


async def lock_import(uow: UnitOfWork, store_id: str, import_id: str) -> None:
    """Take the lock that commands on an import take first."""
    await imports.lock(uow.connection, store_id, import_id)


async def import_portion(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Register the customers of the next rows, in the name of the person who began the import.

    The numbers and VINs of all of them are locked first, in one order. A birthday that a customer
    has already is left.
    """
    connection, store_id = uow.connection, timer.store_id
    found = await imports.lock(connection, store_id, timer.entity_id)
    if found.status != "applying":
        return
    rows = await imports.next_rows(connection, found, _PORTION)
    decrypted = await deps.personal.decrypt_all(
        connection, store_id, [(found.import_id, row["content"]) for row in rows]
    )
    texts = {
        row["row"]: orjson.loads(text)
        for row, text in zip(rows, decrypted, strict=True)
        if text is not None
    }
    in_their_name = replace(uow, actor=found.applied_by)
    wanted = {number: _registration(each) for number, each in texts.items()}
    right = [each for each in wanted.values() if isinstance(each, RegisterCustomerRequest)]
    await lock_registrations(in_their_name, right, deps)
    imported = {
        number: await _imported(in_their_name, each, deps)
        if isinstance(each, RegisterCustomerRequest)
        else _Imported("refused", errors=each)
        for number, each in wanted.items()
    }
    birthdays: dict[str, str] = {}
    for number, each in imported.items():
        if each.customer_ref and (month_day := customer_import.birthday_of(texts[number])):
            birthdays.setdefault(each.customer_ref, month_day)
    await add_birthdays(in_their_name, birthdays, deps)
    await find_duplicates(
        uow, [each.customer_ref for each in imported.values() if each.customer_ref], deps
    )
    results = [(number, each.state, each.errors) for number, each in imported.items()]
    await imports.save_results(connection, found, results)
    states = [each.state for each in imported.values()]
    advanced = await imports.save(uow, customer_import.advance(found, states, uow.now))
    if advanced.status == "applying":
        await timers.schedule(uow, IMPORT, found.import_id, store_id=store_id, due_at=uow.now)


async def expire_import(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Destroy the rows of a file; one that was never imported expires.

    An import that goes on gets a second term; one that is stuck is cancelled at its end.
    """
    found = await imports.lock(uow.connection, timer.store_id, timer.entity_id)
    expired = await imports.save(uow, customer_import.expire(found, uow.now))
    if expired.status == "applying":
        await timers.schedule(
            uow, EXPIRE, found.import_id, store_id=found.store_id, due_at=expired.expires_at
        )
        return
    await timers.cancel(uow, IMPORT, found.import_id)
    await imports.delete_rows(uow.connection, found)


async def erase_staged_rows(uow: UnitOfWork, customer_refs: Sequence[str]) -> None:
    """Erase the rows with a number or a VIN of customers who are erased; none is imported."""
    connection, store_id = uow.connection, uow.store_id
    found = await imports.lock_imports_of(connection, store_id, customer_refs)
    refused = await imports.erase_rows(connection, store_id, customer_refs, _ERASED)
    for each in found:
        left_out = refused.get(each.import_id, 0)
        await imports.save(uow, customer_import.leave_out(each, left_out, uow.now))


async def list_imports(store_id: str, deps: Deps) -> list[CustomerImportView]:
    """List the last imports of a store, the last one first (导入记录)."""
    async with deps.uow_factory.read(store_id) as connection:
        return [_view(each) for each in await imports.listed(connection, store_id, _MOST_IMPORTS)]


async def get_import(store_id: str, import_id: str, deps: Deps) -> CustomerImportView:
    """Return an import with its progress.

    Raises:
        RuleViolation: there is none.
    """
    async with deps.uow_factory.read(store_id) as connection:
        return _view(await imports.find(connection, store_id, import_id))


async def list_import_rows(
    store_id: str,
    import_id: str,
    states: Sequence[RowState],
    after: int,
    limit: int,
    principal: Principal,
    deps: Deps,
    *,
    operation: str = "list_import_rows",
) -> list[ImportedRowView]:
    """List rows of a file, of all or of some states, in their order.

    The read is recorded for the customers of the store whose telephone numbers are in them.

    Raises:
        RuleViolation: there is no such import.
    """
    async with deps.uow_factory.read(store_id) as connection:
        found = await imports.find(connection, store_id, import_id)
        rows = await imports.rows_of(connection, found, states, after, limit)
        kept = [row for row in rows if row["content"] is not None]
        decrypted = await deps.personal.decrypt_all(
            connection, store_id, [(import_id, row["content"]) for row in kept]
        )
        customers = await imports.customers_of_rows(connection, found, [row["row"] for row in kept])
        await note_reads(connection, store_id, customers, principal, operation, deps)
    texts = {row["row"]: text for row, text in zip(kept, decrypted, strict=True)}
    return [
        ImportedRowView(
            row=row["row"],
            state=row["state"],
            texts=orjson.loads(text) if (text := texts.get(row["row"])) is not None else None,
            errors=[RowErrorView(**each) for each in row["errors"]],
        )
        for row in rows
    ]


async def write_import_errors(
    store_id: str, import_id: str, principal: Principal, deps: Deps
) -> bytes:
    """Return the rows that were not imported as a CSV file, each with its errors (错误文件).

    What a spreadsheet would take for a formula is quoted.

    Raises:
        RuleViolation: there is no such import.
    """
    rows = await list_import_rows(
        store_id,
        import_id,
        NOT_IMPORTED,
        0,
        MOST_ROWS,
        principal,
        deps,
        operation="write_import_errors",
    )
    columns = sorted({name for row in rows for name in row.texts or {}})
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(["row", *columns, "errors"])
    for row in rows:
        said = "; ".join(f"{each.column or row.state}: {each.rule}" for each in row.errors)
        texts = row.texts or {}
        values = [customer_import.neutral(texts.get(name, "")) for name in columns]
        writer.writerow([row.row, *values, said])
    return written.getvalue().encode("utf-8-sig")


def _checked(
    number: int, texts: Mapping[customer_import.Field, str], personal: PersonalData
) -> StagedRow:
    found = [*customer_import.formulas_in(texts)]
    registration = _registration(texts)
    if not isinstance(registration, RegisterCustomerRequest):
        found += registration
    return StagedRow(
        number,
        "wrong" if found else "ready",
        texts,
        _reference("phone", _PHONE, texts, personal),
        _reference("vin", _VIN, texts, personal),
        found,
    )


def _registration(
    texts: Mapping[customer_import.Field, str],
) -> RegisterCustomerRequest | Sequence[RowError]:
    """Return what a row registers, or why it is none."""
    found: list[RowError] = []
    try:
        customer_import.birthday_of(texts)
    except ValueError:
        found.append(RowError("birthday", "wrong_form"))
    try:
        registration = RegisterCustomerRequest.model_validate(
            customer_import.registration_of(texts)
        )
    except ValidationError as refused:
        return found + [
            RowError(str(each["loc"][0]) if each["loc"] else None, _rule(each["type"]))
            for each in refused.errors(include_url=False, include_input=False)
            if each["loc"] != ("plate",) or texts.get("plate")
        ]
    return found or registration


def _reference(
    column: customer_import.Field,
    form: TypeAdapter[str],
    texts: Mapping[customer_import.Field, str],
    personal: PersonalData,
) -> str | None:
    """Return the keyed hash of a column by which an erasure finds the row."""
    try:
        return personal.reference(column, form.validate_python(texts.get(column, "")))
    except ValidationError:
        return None


def _rule(kind: str) -> str:
    return {"string_too_short": "missing", "value_error": "wrong_form"}.get(kind, kind)


@dataclass(frozen=True)
class _Imported:
    """What became of a row."""

    state: RowState
    customer_ref: str | None = None
    errors: Sequence[RowError] = ()


async def _imported(uow: UnitOfWork, command: RegisterCustomerRequest, deps: Deps) -> _Imported:
    """Register the customer of a row, unless it is to be decided whose it is."""
    try:
        response, is_new = await enter_customer(uow, command, deps)
    except RuleViolation as refused:
        state: RowState = "undecided" if refused.rule == "person_undecided" else "refused"
        return _Imported(state, errors=[RowError(refused.field or None, refused.rule)])
    return _Imported("registered" if is_new else "known", response.customer_ref)


def _view(found: CustomerImport) -> CustomerImportView:
    return CustomerImportView(
        **{name: getattr(found, name) for name in CustomerImportView.model_fields}
    )
