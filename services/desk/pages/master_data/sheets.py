"""Import and export of master data as sheets (表格): download, upload, and the last imports."""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import get_args

from nicegui import events, ui

from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    empty,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.pages.master_data.contents import MODELS
from services.desk.pages.master_data.overview import SHEETS
from services.desk.pages.master_data.record import OF_STORE as OWN_RECORDS
from services.desk.pages.master_data.record import day_and_time, owner_of
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import (
    SheetImportKind,
    SheetImportProgress,
    SheetImportView,
    SheetPart,
    SheetRowView,
    UploadSheetRequest,
    VersionedRequest,
)

PAGE = SHEETS

KINDS: Sequence[SheetImportKind] = get_args(SheetImportKind)
OF_STORE: Sequence[SheetImportKind] = [
    kind for kind in KINDS if any(kind in MODELS[collection] for collection in OWN_RECORDS)
]
"""Kinds of records on which a store decides."""

TONES = {
    "staged": "warn",
    "applying": "busy",
    "applied": "good",
    "discarded": "quiet",
    "expired": "quiet",
}

LARGEST_FILE = 9_000_000
_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PICK = '(event) => runMethod(event.currentTarget.dataset.picks, "pickFiles", [])'


@dataclass(frozen=True)
class Operations:
    """Operations of management on the sheets of the group, or of a store."""

    template: Callable[..., Awaitable[bytes]]
    parts: Callable[..., Awaitable[list[SheetPart]]]
    export: Callable[..., Awaitable[bytes]]
    listed: Callable[..., Awaitable[list[SheetImportView]]]
    get: Callable[..., Awaitable[SheetImportView]]
    rows: Callable[..., Awaitable[list[SheetRowView]]]
    upload: Callable[..., Awaitable[SheetImportProgress]]
    apply: Callable[..., Awaitable[SheetImportProgress]]
    discard: Callable[..., Awaitable[SheetImportProgress]]


_OPERATIONS: Mapping[str, Operations] = {
    "group": Operations(
        ManagementApi.group_sheet_template,
        ManagementApi.list_group_sheet_parts,
        ManagementApi.export_group_sheet,
        ManagementApi.list_group_sheet_imports,
        ManagementApi.get_group_sheet_import,
        ManagementApi.list_group_sheet_rows,
        ManagementApi.upload_group_sheet,
        ManagementApi.apply_group_sheet,
        ManagementApi.discard_group_sheet,
    ),
    "own": Operations(
        ManagementApi.store_sheet_template,
        ManagementApi.list_store_sheet_parts,
        ManagementApi.export_store_sheet,
        ManagementApi.list_store_sheet_imports,
        ManagementApi.get_store_sheet_import,
        ManagementApi.list_store_sheet_rows,
        ManagementApi.upload_store_sheet,
        ManagementApi.apply_store_sheet,
        ManagementApi.discard_store_sheet,
    ),
}


@dataclass(frozen=True)
class Sheets:
    """Sheets of the group, or of the page's own store, which the person may import."""

    ctx: PageContext
    scope: str

    @property
    def kinds(self) -> Sequence[SheetImportKind]:
        return OF_STORE if self.scope == "own" else KINDS

    @property
    def owner(self) -> str:
        return owner_of(self.ctx, self.ctx.store.id if self.scope == "own" else None)

    @property
    def owner_code(self) -> str:
        """The store, or ``group``, as the name of a file says it."""
        return self.ctx.store.id if self.scope == "own" else self.scope

    def address(self, import_id: str) -> str:
        """Return the address of the page of an import."""
        return f"{PAGE.address(self.ctx.store.id)}/{self.scope}/{import_id}"

    def template(self, kind: SheetImportKind) -> Awaitable[bytes]:
        return self._operations.template(self._files, *self._place, kind)

    def parts(self, kind: SheetImportKind) -> Awaitable[list[SheetPart]]:
        return self._operations.parts(self._files, *self._place, kind)

    def export(self, kind: SheetImportKind, day: date | None, part: SheetPart) -> Awaitable[bytes]:
        return self._operations.export(
            self._files, *self._place, kind, day=day, after=part.after, last=part.last
        )

    def listed(self) -> Awaitable[list[SheetImportView]]:
        return self._operations.listed(self._management, *self._place)

    def get(self, import_id: str) -> Awaitable[SheetImportView]:
        return self._operations.get(self._management, *self._place, import_id)

    def rows(self, import_id: str, **asked: object) -> Awaitable[list[SheetRowView]]:
        return self._operations.rows(self._management, *self._place, import_id, **asked)

    def upload(self, body: UploadSheetRequest, key: str) -> Awaitable[SheetImportProgress]:
        return self._operations.upload(self._files, *self._place, body, idempotency_key=key)

    def apply(self, import_id: str, version: str, key: str) -> Awaitable[SheetImportProgress]:
        body = VersionedRequest(version=version)
        place = (*self._place, import_id)
        return self._operations.apply(self._management, *place, body, idempotency_key=key)

    def discard(self, import_id: str, version: str, key: str) -> Awaitable[SheetImportProgress]:
        body = VersionedRequest(version=version)
        place = (*self._place, import_id)
        return self._operations.discard(self._management, *place, body, idempotency_key=key)

    @property
    def _operations(self) -> Operations:
        return _OPERATIONS[self.scope]

    @property
    def _management(self) -> ManagementApi:
        return self.ctx.services.management

    @property
    def _files(self) -> ManagementApi:
        return self.ctx.services.management_files

    @property
    def _place(self) -> tuple[str, ...]:
        return (self.ctx.store.id,) if self.scope == "own" else ()


def status_badge(ctx: PageContext, view: SheetImportView) -> None:
    """Show the status of an import; one with errors can only be discarded."""
    if view.status == "staged" and view.wrong:
        badge(ctx.t.code("sheet_outcome", "wrong"), "bad")
    else:
        badge(ctx.t.code("sheet_status", view.status), TONES[view.status])


def sheets_of(ctx: PageContext) -> list[Sheets]:
    """Return the sheets that the person may import: the group's, the store's, or both."""
    return [
        Sheets(ctx, scope)
        for scope, operations in _OPERATIONS.items()
        if ctx.may(operations.upload)
    ]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Offer to download and upload; below, the last imports."""
    allowed = sheets_of(ctx)
    for each in allowed:
        with test_id(f"sheets-{each.scope}", box("record-form")):
            _Download(each)
            _upload(each)

    async def fetch() -> list[tuple[Sheets, SheetImportView]]:
        return [(each, found) for each in allowed for found in await each.listed()]

    def render(found: list[tuple[Sheets, SheetImportView]], renderer: PartialRenderer) -> None:
        if not found:
            renderer.section("none", empty, ctx.t("Nothing was imported."))
            return
        t = ctx.t
        headings = [t("Uploaded"), t("Kind"), t("Valid for"), t("Status"), t("Valid from")]
        with renderer.frame("table", table, [*headings, t("Rows"), t("By"), t("Reason")]):
            for each, view in found:
                renderer.section(view.import_id, partial(_row, each), view)

    await live(ctx, fetch, render)


def short_code(code: str) -> str:
    """Return the code of a record without its kind."""
    return code.partition(":")[2] or code


def _kind_field(form: Form, sheets: Sheets, label: str) -> ui.select:
    t = form.ctx.t
    offers = {kind: t.code("rule_kind", kind) for kind in sheets.kinds}
    return form.field("kind", ui.select(offers, label=label, clearable=True))


class _Download:
    """Panel that offers exports and templates; a large export comes in parts."""

    def __init__(self, sheets: Sheets) -> None:
        self._sheets, self._t = sheets, sheets.ctx.t
        t = self._t
        with panel(f"{t('Download')} · {sheets.owner}", name=f"download-{sheets.scope}"):
            form = self._form = Form(sheets.ctx)
            with box("fields"):
                self._kind = _kind_field(form, sheets, t("Kind"))
                self._day = form.field("day", ui.input(t("As of")).props("type=date stack-label"))
            form.speak_here()
            with box("card-actions"):
                button(t("Export"), self._export, name="export-sheet", kind="main")
                button(t("Empty template"), self._template, name="template-sheet")
            self._parts = box("form-rows")
        for field in (self._kind, self._day):
            field.on_value_change(self._parts.clear)

    async def _template(self) -> None:
        if self._form.require("kind"):
            kind = self._kind.value
            await self._download(lambda: self._sheets.template(kind), kind, "template")

    async def _export(self) -> None:
        """Download the only part of an export, or offer its parts."""
        self._parts.clear()
        if not self._form.require("kind"):
            return
        kind = self._kind.value
        parts = await self._form.send(lambda: self._sheets.parts(kind))
        if parts is None:
            return
        if len(parts) > 1:
            self._offer(kind, parts)
        else:
            whole = parts[0] if parts else SheetPart(after="", first="", last="", records=0)
            await self._export_part(kind, whole)

    def _offer(self, kind: SheetImportKind, parts: Sequence[SheetPart]) -> None:
        t, count = self._t, sum(part.records for part in parts)
        said = t("{count} records are too many for one sheet: download each part.", count=count)
        with self._parts:
            text(said, "hint")
            for number, part in enumerate(parts, 1):
                label = t(
                    "Part {number} of {count}: {first} to {last}",
                    number=number,
                    count=len(parts),
                    first=short_code(part.first),
                    last=short_code(part.last),
                )
                place = f"{number}-of-{len(parts)}"
                get = partial(self._export_part, kind, part, place)
                button(label, get, name=f"export-part-{number}")

    async def _export_part(self, kind: SheetImportKind, part: SheetPart, *place: str) -> None:
        chosen = date.fromisoformat(self._day.value) if self._day.value else None
        day = f"{chosen or self._sheets.ctx.today()}"
        await self._download(lambda: self._sheets.export(kind, chosen, part), kind, day, *place)

    async def _download(self, ask: Callable[[], Awaitable[bytes]], kind: str, *more: str) -> None:
        """Download a file whose name says kind, store or group, and what else."""
        content = await self._form.send(ask)
        if content is not None:
            name = "-".join((kind, self._sheets.owner_code, *more))
            ui.download.content(content, f"{name}.xlsx", _MEDIA_TYPE)


def _upload(sheets: Sheets) -> None:
    ctx, t = sheets.ctx, sheets.ctx.t
    with panel(f"{t('Upload')} · {sheets.owner}", name=f"upload-{sheets.scope}"):
        form = Form(ctx)
        said = t("Workbook (XLSX) or CSV in UTF-8 or GB18030. All cells are checked first.")
        text(said, "hint")
        with box("fields"):
            kind = _kind_field(form, sheets, t("Kind, where the sheet does not say it"))
            day = ui.input(t("Valid from"), value=f"{ctx.today()}").props("type=date stack-label")
            form.field("valid_from", day)
            reason = form.field("reason", ui.input(t("Reason")))
        form.speak_here()

        async def read(event: events.UploadEventArguments) -> None:
            content = base64.b64encode(await event.file.read()).decode()
            made.reset()
            if form.require("valid_from", "reason"):
                body = {
                    "kind": kind.value,
                    "valid_from": day.value,
                    "reason": reason.value,
                    "content": content,
                }
                staged = await form.send(
                    lambda: sheets.upload(UploadSheetRequest.model_validate(body), form.attempt)
                )
                if staged is not None:
                    ui.navigate.to(sheets.address(staged.import_id))

        made = ui.upload(
            on_upload=read,
            on_rejected=lambda: form.say(t("The file is larger than 9 MB.")),
            max_file_size=LARGEST_FILE,
            auto_upload=True,
        ).props('accept=".xlsx,.csv"')
        test_id(f"sheet-file-{sheets.scope}", made.classes("picker"))
        with box("card-actions"):
            pick = ui.button(t("Choose file"), icon="upload_file", color=None)
            pick.props("no-caps unelevated").classes("button button-main")
            pick.props["data-picks"] = made.id
            pick.on("click", js_handler=_PICK)


def _row(sheets: Sheets, view: SheetImportView) -> None:
    ctx, t = sheets.ctx, sheets.ctx.t
    with test_id(f"import-{view.import_id}", row("row-link")):
        with cell_box("number"):
            at = day_and_time(ctx, view.staged_at)
            link(at, sheets.address(view.import_id), "row-anchor")
        cell(t.code("rule_kind", view.kind))
        cell(sheets.owner)
        with cell_box():
            status_badge(ctx, view)
        cell(f"{view.valid_from}", "number")
        cell(f"{view.new + view.changed + view.unchanged + view.wrong:,}", "number")
        cell(ctx.colleague(view.staged_by))
        cell(view.reason or NOTHING)
