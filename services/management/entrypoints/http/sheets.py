"""Routes of sheets: the same for what the group and what a store decides on."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Response
from fastapi.responses import JSONResponse

from services.management.application import sheets
from services.management.application.sheets import (
    LARGEST_UPLOAD,
    SheetFile,
    SheetImportProgress,
    SheetImportView,
    SheetPart,
    SheetRowView,
    UploadSheetRequest,
)
from services.management.clients.workbooks import MEDIA_TYPE
from services.management.domain.sheet_import import Outcome
from services.management.domain.sheets import SheetKind
from services.management.entrypoints.http.access import InjectedDeps, accept_group_command
from shared.commands import CommandContext, accept_command
from shared.contracts.base import GROUP, Identifier
from shared.group import CalendarDay
from shared.request_model import VersionedRequest
from shared.requirements import serves
from shared.routing import Router, StoreRouter
from shared.security import Role, require_roles

_MOST_ROWS = 200

_WORKBOOK: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}

After = Annotated[str, Query(max_length=120, description="the last id of the part before")]
Last = Annotated[str, Query(max_length=120, description="the last id of the part")]
ImportId = Annotated[Identifier, Path()]


def _of_group() -> str:
    return GROUP


def _of_store(store_id: Annotated[str, Path()]) -> str:
    return store_id


@dataclass(frozen=True)
class _Sheets:
    """Sheets of the group, or of a store, which the ``writer`` exports and imports."""

    owner_name: str
    writer: Role
    of_store: bool

    @property
    def described(self) -> dict[str, Any]:
        return {"tags": ["sheets"], "openapi_extra": serves("R40")}

    @property
    def owner(self) -> Any:
        """The dependency for the owner of the records."""
        return Depends(_of_store if self.of_store else _of_group)

    @property
    def accepted(self) -> Any:
        """The dependency for a command."""
        accept = accept_command if self.of_store else accept_group_command
        return Depends(accept(self.writer))


def _add_files(router: Router, kept: _Sheets) -> None:
    owner, reader = kept.owner, Depends(require_roles(kept.writer))
    file = kept.described | {"response_class": Response, "responses": _WORKBOOK}

    @router.get("/sheets/{kind}/template", name=f"{kept.owner_name}_sheet_template", **file)
    async def template(
        kind: SheetKind,
        _: Annotated[Any, reader],
        store_id: Annotated[str, owner],
        deps: InjectedDeps,
    ) -> Response:
        """Return an empty workbook for the records of a kind (导入模板)."""
        return _file(await sheets.sheet_template(kind, store_id, deps))

    @router.get(
        "/sheets/{kind}/parts", name=f"list_{kept.owner_name}_sheet_parts", **kept.described
    )
    async def parts(
        kind: SheetKind,
        _: Annotated[Any, reader],
        store_id: Annotated[str, owner],
        deps: InjectedDeps,
    ) -> list[SheetPart]:
        """List the parts of an export, each with as many records as a sheet may have (导出分卷)."""
        return await sheets.list_sheet_parts(kind, store_id, deps)

    @router.get("/sheets/{kind}", name=f"export_{kept.owner_name}_sheet", **file)
    async def export(
        kind: SheetKind,
        _: Annotated[Any, reader],
        store_id: Annotated[str, owner],
        deps: InjectedDeps,
        day: CalendarDay | None = None,
        after: After = "",
        last: Last = "",
    ) -> Response:
        """Return a workbook with the records of a kind that hold on a day, or today (导出).

        Of more records than a sheet may have, it has a part: the ids past ``after``, up to
        ``last``.
        """
        return _file(await sheets.export_sheet(kind, store_id, day, after, last, deps))


def _file(written: SheetFile) -> Response:
    disposition = {"Content-Disposition": f'attachment; filename="{written.name}"'}
    return Response(written.content, media_type=MEDIA_TYPE, headers=disposition)


def _add_queries(router: Router, kept: _Sheets) -> None:
    described, owner, reader = kept.described, kept.owner, Depends(require_roles(kept.writer))

    @router.get("/sheet-imports", name=f"list_{kept.owner_name}_sheet_imports", **described)
    async def list_imports(
        _: Annotated[Any, reader], store_id: Annotated[str, owner], deps: InjectedDeps
    ) -> list[SheetImportView]:
        """List the last imports, the last one first (导入记录)."""
        return await sheets.list_sheet_imports(store_id, deps)

    @router.get(
        "/sheet-imports/{import_id}", name=f"get_{kept.owner_name}_sheet_import", **described
    )
    async def get_import(
        import_id: ImportId,
        _: Annotated[Any, reader],
        store_id: Annotated[str, owner],
        deps: InjectedDeps,
    ) -> SheetImportView:
        """Return an import with its progress and its first errors."""
        return await sheets.get_sheet_import(store_id, import_id, deps)

    @router.get(
        "/sheet-imports/{import_id}/rows", name=f"list_{kept.owner_name}_sheet_rows", **described
    )
    async def list_rows(
        import_id: ImportId,
        _: Annotated[Any, reader],
        store_id: Annotated[str, owner],
        deps: InjectedDeps,
        outcome: Outcome | None = None,
        warned: bool = False,
        refused: bool = False,
        after: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = _MOST_ROWS,
    ) -> list[SheetRowView]:
        """List rows: of an outcome, with warnings, or refused when they were applied."""
        return await sheets.list_sheet_rows(
            store_id,
            import_id,
            deps,
            after=after,
            limit=limit,
            outcome=outcome,
            warned=warned,
            refused=refused,
        )


def _add_commands(router: Router, kept: _Sheets) -> None:
    described = kept.described | {"response_model": SheetImportProgress}

    @router.post(
        "/sheet-imports",
        name=f"upload_{kept.owner_name}_sheet",
        max_body_size=LARGEST_UPLOAD,
        **described,
    )
    async def upload(
        body: UploadSheetRequest,
        command: Annotated[CommandContext, kept.accepted],
        deps: InjectedDeps,
    ) -> JSONResponse:
        """Check a workbook or a CSV file whole, and stage it; nothing is applied (上传)."""
        return await command.run_prepared(
            lambda: sheets.check_sheet(body, command, deps),
            lambda uow, checked: sheets.stage_sheet(uow, body, checked, deps),
        )

    @router.post(
        "/sheet-imports/{import_id}/apply", name=f"apply_{kept.owner_name}_sheet", **described
    )
    async def apply(
        import_id: ImportId,
        body: VersionedRequest,
        command: Annotated[CommandContext, kept.accepted],
    ) -> JSONResponse:
        """Apply a staged sheet in portions, each row once (应用).

        A row whose record has changed since it was staged is refused, and names who was first.
        """
        return await command.run(lambda uow: sheets.apply_sheet(uow, import_id, body))

    @router.post(
        "/sheet-imports/{import_id}/discard", name=f"discard_{kept.owner_name}_sheet", **described
    )
    async def discard(
        import_id: ImportId,
        body: VersionedRequest,
        command: Annotated[CommandContext, kept.accepted],
    ) -> JSONResponse:
        """Discard a staged sheet; its rows are deleted (放弃)."""
        return await command.run(lambda uow: sheets.discard_sheet(uow, import_id, body))


def _router(kept: _Sheets) -> Router:
    part: Router = StoreRouter() if kept.of_store else Router(prefix="/group")
    for add in (_add_files, _add_queries, _add_commands):
        add(part, kept)
    return part


router = Router()
for each in (
    _Sheets("group", "group_manager", of_store=False),
    _Sheets("store", "service_manager", of_store=True),
):
    router.include_router(_router(each))
