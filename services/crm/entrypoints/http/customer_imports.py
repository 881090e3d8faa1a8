"""Imports of customers from the systems of sales and insurance (客户导入)."""

from typing import Annotated, Any

from fastapi import Path, Query, Response
from fastapi.responses import JSONResponse

from services.crm.application import customer_imports
from services.crm.application.customer_imports import (
    LARGEST_UPLOAD,
    CustomerImportView,
    ImportedRowView,
    UploadCustomersRequest,
)
from services.crm.domain.customer_import import RowState
from services.crm.entrypoints.http.access import DuplicateReader, InjectedDeps, MergeCommand
from shared.contracts.base import Identifier
from shared.request_model import VersionedRequest
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()

_MOST_ROWS = 200
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}
}

ImportId = Annotated[Identifier, Path()]


@router.post(
    "/customer-imports",
    status_code=201,
    response_model=CustomerImportView,
    max_body_size=LARGEST_UPLOAD,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def upload_customers(
    body: UploadCustomersRequest, command: MergeCommand, deps: InjectedDeps
) -> JSONResponse:
    """Check a file whole, and stage its rows with their errors; nothing is imported (上传).

    Where headings are not known, it is refused (``columns_undecided``) with the headings, until
    ``columns`` names them.
    """
    return await command.run_prepared(
        lambda: customer_imports.read_customers(body, deps),
        lambda uow, rows: customer_imports.stage_customers(uow, body, rows, deps),
        status=201,
    )


@router.get("/customer-imports", tags=["customers"], openapi_extra=serves("R19"))
async def list_imports(
    store_id: str, _: DuplicateReader, deps: InjectedDeps
) -> list[CustomerImportView]:
    return await customer_imports.list_imports(store_id, deps)


@router.get("/customer-imports/{import_id}", tags=["customers"], openapi_extra=serves("R19"))
async def get_import(
    store_id: str, import_id: ImportId, _: DuplicateReader, deps: InjectedDeps
) -> CustomerImportView:
    return await customer_imports.get_import(store_id, import_id, deps)


@router.get("/customer-imports/{import_id}/rows", tags=["customers"], openapi_extra=serves("R19"))
async def list_import_rows(
    store_id: str,
    import_id: ImportId,
    reader: DuplicateReader,
    deps: InjectedDeps,
    state: Annotated[list[RowState] | None, Query(max_length=6)] = None,
    after: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = 50,
) -> list[ImportedRowView]:
    return await customer_imports.list_import_rows(
        store_id, import_id, state or (), after, limit, reader, deps
    )


@router.get(
    "/customer-imports/{import_id}/errors",
    response_class=Response,
    responses=_CSV,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def write_import_errors(
    store_id: str, import_id: ImportId, reader: DuplicateReader, deps: InjectedDeps
) -> Response:
    content = await customer_imports.write_import_errors(store_id, import_id, reader, deps)
    return Response(content, media_type="text/csv")


@router.post(
    "/customer-imports/{import_id}/begin",
    response_model=CustomerImportView,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def begin_import(
    import_id: ImportId, body: VersionedRequest, command: MergeCommand
) -> JSONResponse:
    return await command.run(lambda uow: customer_imports.begin_import(uow, import_id, body))


@router.post(
    "/customer-imports/{import_id}/cancel",
    response_model=CustomerImportView,
    tags=["customers"],
    openapi_extra=serves("R19"),
)
async def cancel_import(import_id: ImportId, command: MergeCommand) -> JSONResponse:
    return await command.run(lambda uow: customer_imports.cancel_import(uow, import_id))
