"""One import of customers (客户导入): its rows with their errors, progress and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from nicegui import ui

from services.desk.client import new_attempt
from services.desk.components.customer_import import PATH, TONES, address
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    facts,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import send_now
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    CustomerImportView,
    ImportedRowView,
    RowErrorView,
    VersionedRequest,
)

PAGE = Page(
    path=f"{PATH}/{{import_id}}",
    title="Import of customers",
    roles=roles_of(CrmApi.get_import),
    requirements=("R19",),
)

_SHOWN = 50
_COLUMNS = ("name", "phone", "plate", "vin", "brand", "model", "birthday")


@dataclass(frozen=True)
class Found:
    """An import with its first rows, and the first that were not imported."""

    view: CustomerImportView
    first: Sequence[ImportedRowView]
    left_out: Sequence[ImportedRowView]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the import that the address names, until it is done."""
    import_id, crm = ctx.parameters["import_id"], ctx.services.crm
    link(ctx.t("Import of customers"), address(ctx), "text-link")

    async def fetch() -> Found:
        return Found(
            await crm.get_import(ctx.store.id, import_id),
            await crm.list_import_rows(ctx.store.id, import_id, limit=_SHOWN),
            await crm.list_import_rows(
                ctx.store.id, import_id, state=["wrong", "undecided", "refused"], limit=_SHOWN
            ),
        )

    await live(ctx, fetch, _Sections(ctx).render)


class _Sections:
    """Sections of the page; one attempt stands for beginning or cancelling the import."""

    def __init__(self, ctx: PageContext) -> None:
        self._ctx, self._t = ctx, ctx.t
        self._attempt = new_attempt()

    def render(self, found: Found, renderer: PartialRenderer) -> None:
        view = found.view
        renderer.section("head", self._head, view)
        renderer.section("actions", self._actions, view)
        if found.left_out:
            renderer.section("left-out", self._left_out, view, found.left_out)
        if found.first:
            renderer.section("rows", self._rows, self._t("First rows"), found.first)

    def _head(self, view: CustomerImportView) -> None:
        t = self._t
        with panel(name="customer-import"):
            with box("state-line"):
                badge(t.code("import_status", view.status), TONES[view.status])
                text(t.code("import_source", view.source), "event-name")
            counts = ("wrong", "registered", "known", "undecided", "refused")
            facts(
                [
                    (t("Rows"), f"{view.rows:,}"),
                    *((t.code("import_row", each), f"{getattr(view, each):,}") for each in counts),
                ]
            )
            if view.status == "cancelled" and view.rows > view.to_do + view.wrong:
                said = t(
                    "Cancelled: {done} customers stay, {left} rows were not imported.",
                    done=view.registered + view.known,
                    left=view.to_do,
                )
                test_id("import-cancelled", text(said, "event-name"))

    def _actions(self, view: CustomerImportView) -> None:
        t = self._t
        importable = view.rows - view.wrong
        if view.status in ("applying", "applied") and importable:
            done = importable - view.to_do
            with test_id("import-progress", box("sheet-progress")):
                ui.linear_progress(done / importable, show_value=False).props("rounded size=10px")
                text(t("{done} of {total} rows", done=done, total=importable))
        with box("card-actions"):
            if view.status == "staged" and view.to_do:
                label = t("Import {count} rows", count=view.to_do)
                begin = partial(self._begin, view)
                button(label, begin, name="begin-import", kind="main")
            if view.status in ("staged", "applying"):
                cancel = partial(self._cancel, view)
                button(t("Cancel"), cancel, name="cancel-import")

    async def _begin(self, view: CustomerImportView) -> None:
        crm, body = self._ctx.services.crm, VersionedRequest(version=view.version)
        place = (self._ctx.store.id, view.import_id)
        await send_now(
            self._ctx, lambda: crm.begin_import(*place, body, idempotency_key=self._attempt)
        )

    async def _cancel(self, view: CustomerImportView) -> None:
        crm, place = self._ctx.services.crm, (self._ctx.store.id, view.import_id)
        await send_now(self._ctx, lambda: crm.cancel_import(*place, idempotency_key=self._attempt))

    def _left_out(self, view: CustomerImportView, rows: Sequence[ImportedRowView]) -> None:
        t = self._t
        self._rows(t("Rows that are not imported"), rows)
        with box("card-actions"):
            button(t("Download errors"), partial(self._download, view), name="download-errors")

    async def _download(self, view: CustomerImportView) -> None:
        content = await self._ctx.services.crm_files.write_import_errors(
            self._ctx.store.id, view.import_id
        )
        ui.download.content(content, f"errors-{view.import_id}.csv", "text/csv")

    def _rows(self, title: str, rows: Sequence[ImportedRowView]) -> None:
        t = self._t
        text(title, "section-title")
        headings = [t.code("import_column", each) for each in _COLUMNS]
        with table([t("Row"), *headings, t("Status"), t("Error")]):
            for each in rows:
                texts = each.texts or {}
                with test_id(f"row-{each.row}", row()):
                    cell(f"{each.row}", "number")
                    for name in _COLUMNS:
                        cell(texts.get(name) or NOTHING)
                    with cell_box():
                        text(t.code("import_row", each.state))
                    cell(t.listed(self._error(error) for error in each.errors) or NOTHING)

    def _error(self, error: RowErrorView) -> str:
        t = self._t
        column = t.code("import_column", error.column) if error.column else ""
        said = t.known(f"import_error.{error.rule}") or t.known(f"rule.{error.rule}") or error.rule
        return f"{column} {said}".strip()
