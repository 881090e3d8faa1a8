"""Imports of customers (客户导入) from the systems of sales and insurance."""

import base64
from functools import partial
from typing import Any, get_args

from nicegui import events, ui

from services.desk import formats
from services.desk.components.customer_import import PATH, TONES, address
from services.desk.components.elements import (
    badge,
    box,
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
from services.desk.components.forms import Form, choices
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.calls import ApiError
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    CustomerImportSource,
    CustomerImportView,
    UploadCustomersRequest,
)

PAGE = Page(
    path=PATH,
    title="Import of customers",
    icon="upload_file",
    roles=roles_of(CrmApi.upload_customers),
    requirements=("R19",),
)

LARGEST_FILE = 9_000_000
_PICK = '(event) => runMethod(event.currentTarget.dataset.picks, "pickFiles", [])'
_UNDECIDED = "columns_undecided"


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Offer to upload a file; below, the last imports."""
    _Upload(ctx)

    async def fetch() -> list[CustomerImportView]:
        return await ctx.services.crm.list_imports(ctx.store.id)

    def render(found: list[CustomerImportView], renderer: PartialRenderer) -> None:
        t = ctx.t
        if not found:
            renderer.section("none", empty, t("Nothing was imported."))
            return
        headings = [t("Uploaded"), t("Source"), t("Status"), t("Rows"), t("By")]
        with renderer.frame("table", table, headings):
            for each in found:
                renderer.section(each.import_id, partial(_row, ctx), each)

    await live(ctx, fetch, render)


class _Upload:
    """Panel with the file, and the columns that are not known by their headings."""

    def __init__(self, ctx: PageContext) -> None:
        t = ctx.t
        self._ctx, self._form = ctx, Form(ctx)
        self._content = ""
        self._chosen: dict[str, ui.select] = {}
        with panel(t("Upload")):
            said = t("Workbook (XLSX) or CSV in UTF-8 or GB18030, up to 10,000 rows and 9 MB.")
            text(said, "hint")
            with box("fields"):
                sources = choices(t, "import_source", get_args(CustomerImportSource))
                self._source = self._form.field(
                    "source", ui.select(sources, label=t("Source"), value="sales")
                )
            self._columns = test_id("columns", box("fields"))
            self._form.speak_here()
            made = self._upload = ui.upload(
                on_upload=self._read,
                on_rejected=lambda: self._form.say(t("The file is larger than 9 MB.")),
                max_file_size=LARGEST_FILE,
                auto_upload=True,
            ).props('accept=".xlsx,.csv"')
            test_id("customer-file", made.classes("picker"))
            with box("card-actions"):
                pick = ui.button(t("Choose file"), icon="upload_file", color=None)
                pick.props("no-caps unelevated").classes("button button-main")
                pick.props["data-picks"] = made.id
                pick.on("click", js_handler=_PICK)

    async def _read(self, event: events.UploadEventArguments) -> None:
        self._content = base64.b64encode(await event.file.read()).decode()
        self._upload.reset()
        self._columns.clear()
        self._chosen = {}
        await self._send()

    async def _send(self) -> None:
        ctx = self._ctx
        body = {
            "source": self._source.value,
            "columns": {name: made.value for name, made in self._chosen.items() if made.value},
            "content": self._content,
        }

        async def upload() -> CustomerImportView | dict[str, Any]:
            try:
                return await ctx.services.crm_files.upload_customers(
                    ctx.store.id,
                    UploadCustomersRequest.model_validate(body),
                    idempotency_key=self._form.attempt,
                )
            except ApiError as error:
                if error.rule != _UNDECIDED:
                    raise
                return dict(error.values)

        match await self._form.send(upload):
            case CustomerImportView() as staged:
                ui.navigate.to(address(ctx, staged.import_id))
            case dict() as undecided:
                self._ask(undecided)

    def _ask(self, undecided: dict[str, Any]) -> None:
        """Ask which heading stands for each column that was not found."""
        t = self._ctx.t
        self._columns.clear()
        with self._columns:
            text(t("Say which columns these are:"), "hint")
            for name in undecided["missing"]:
                offers = ui.select(undecided["headings"], label=t.code("import_column", name))
                self._chosen[name] = test_id(f"column-{name}", offers)
            go_on = ui.button(t("Go on"), on_click=self._send, color=None)
            test_id("columns-send", go_on.props("no-caps unelevated").classes("button"))


def _row(ctx: PageContext, view: CustomerImportView) -> None:
    t = ctx.t
    with test_id(f"import-{view.import_id}", row("row-link")):
        with cell_box("number"):
            at = formats.day_and_clock(view.uploaded_at, ctx.store.timezone, ctx.now())
            link(at, address(ctx, view.import_id), "row-anchor")
        cell(t.code("import_source", view.source))
        with cell_box():
            badge(t.code("import_status", view.status), TONES[view.status])
        cell(f"{view.rows:,}", "number")
        cell(ctx.colleague(view.uploaded_by))
