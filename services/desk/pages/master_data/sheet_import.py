"""One import of a sheet: errors beside their cells, what it would do, its progress and result."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from nicegui import ui

from services.desk.client import new_attempt
from services.desk.components.elements import (
    box,
    button,
    cell,
    cell_box,
    empty,
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
from services.desk.components.problems import field_error_text, with_known
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.i18n import Translator
from services.desk.model_words import path_in_words
from services.desk.page import Page
from services.desk.pages.master_data.changes import show_both
from services.desk.pages.master_data.overview import SHEETS
from services.desk.pages.master_data.record import day_and_time, owner_of
from services.desk.pages.master_data.sheets import Sheets, sheets_of, short_code, status_badge
from shared.calls import ApiError
from shared.clients.management.models import (
    CellErrorView,
    SheetImportProgress,
    SheetImportView,
    SheetRowView,
)
from shared.problems import FieldError

PAGE = Page(
    path=f"{SHEETS.path}/{{scope}}/{{import_id}}",
    title="Import of a sheet",
    roles=SHEETS.roles,
    requirements=SHEETS.requirements,
)

_SHOWN_ROWS = 50


@dataclass(frozen=True)
class Found:
    """An import with some of its rows: those with changes, warnings or a refusal."""

    view: SheetImportView
    changed: Sequence[SheetRowView]
    warned: Sequence[SheetRowView]
    refused: Sequence[SheetRowView]
    added: Sequence[SheetRowView]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the import that the address names, until it is done."""
    sheets = next((each for each in sheets_of(ctx) if each.scope == ctx.parameters["scope"]), None)
    if sheets is None:
        empty(ctx.t("There is no such record."))
        return
    import_id, sections = ctx.parameters["import_id"], _Sections(sheets)
    await ctx.stores()
    link(ctx.t("Import and export"), SHEETS.address(ctx.store.id), "text-link")
    await live(ctx, lambda: _found(sheets, import_id), sections.render)


async def _found(sheets: Sheets, import_id: str) -> Found:
    view = await sheets.get(import_id)

    async def some(count: int, **asked: object) -> Sequence[SheetRowView]:
        return await sheets.rows(import_id, limit=_SHOWN_ROWS, **asked) if count else ()

    return Found(
        view,
        await some(view.changed, outcome="changed"),
        await some(view.warned, warned=True),
        await some(view.refused, refused=True),
        await some(view.new, outcome="new"),
    )


class _Sections:
    """Sections of the page; one attempt stands for applying or discarding the sheet."""

    def __init__(self, sheets: Sheets) -> None:
        self._sheets, self._ctx, self._t = sheets, sheets.ctx, sheets.ctx.t
        self._attempt = new_attempt()

    def render(self, found: Found, renderer: PartialRenderer) -> None:
        view = found.view
        renderer.section("head", self._head, view)
        renderer.section("actions", self._actions, view)
        if view.errors:
            renderer.section("errors", self._errors, view)
        if found.refused:
            renderer.section("refused", self._refused, found.refused)
        if found.warned:
            renderer.section("warned", self._warned, found.warned)
        if found.changed:
            renderer.section("changed", self._changed, view.changed, found.changed)
        if found.added:
            renderer.section("new", self._new, view.new, found.added)

    def _head(self, view: SheetImportView) -> None:
        ctx, t = self._ctx, self._t
        with panel(name="sheet-import"):
            with box("state-line"):
                status_badge(ctx, view)
                text(t.code("rule_kind", view.kind), "event-name")
                text(self._sheets.owner, "card-note")
            counts = ("new", "changed", "unchanged", "wrong")
            facts(
                [
                    *(
                        (t.code("sheet_outcome", each), f"{getattr(view, each):,}")
                        for each in counts
                    ),
                    (t("With warnings"), f"{view.warned:,}"),
                    (t("Valid from"), f"{view.valid_from}"),
                    (t("Reason"), view.reason or NOTHING),
                    (
                        t("Uploaded"),
                        f"{day_and_time(ctx, view.staged_at)} · {ctx.colleague(view.staged_by)}",
                    ),
                ]
            )

    def _actions(self, view: SheetImportView) -> None:
        t = self._t
        if not (view.to_apply or view.wrong):
            said = t("The sheet says what holds already: it changes nothing.")
            test_id("sheet-without-change", text(said, "event-name"))
        if view.status == "staged":
            with box("card-actions"):
                if view.to_apply and not view.wrong:
                    button(
                        t("Apply {count} rows", count=view.to_apply),
                        partial(self._send, self._sheets.apply, view),
                        name="apply-sheet",
                        kind="main",
                    )
                button(
                    t("Discard"),
                    partial(self._send, self._sheets.discard, view),
                    name="discard-sheet",
                )
        elif view.to_apply and view.status in ("applying", "applied"):
            done = view.defined + view.refused
            with test_id("sheet-progress", box("sheet-progress")):
                ui.linear_progress(done / view.to_apply, show_value=False).props(
                    "rounded size=10px"
                )
                text(
                    t(
                        "{done} of {total} rows: {defined} defined, {refused} refused",
                        done=done,
                        total=view.to_apply,
                        defined=view.defined,
                        refused=view.refused,
                    )
                )

    async def _send(
        self,
        command: Callable[[str, str, str], Awaitable[SheetImportProgress]],
        view: SheetImportView,
    ) -> None:
        await send_now(self._ctx, lambda: command(view.import_id, view.version, self._attempt))

    def _errors(self, view: SheetImportView) -> None:
        t = self._t
        text(t("{count} errors", count=view.error_count), "section-title")
        text(t("Nothing was changed. Correct the file and upload it again."), "hint")
        headings = [t("Cell"), t("Column"), t("Value"), t("Error"), t("What would be right")]
        with table(headings):
            for error in view.errors:
                with test_id(f"cell-{error.cell}", row()):
                    cell(error.cell or NOTHING, "number")
                    cell(path_in_words(t, error.column) if error.column else NOTHING)
                    cell(error.value or NOTHING, "difference-text old")
                    cell(cell_error_text(t, error))
                    cell(error.expected or NOTHING)

    def _changed(self, count: int, rows: Sequence[SheetRowView]) -> None:
        ctx, t = self._ctx, self._t
        text(f"{t.code('sheet_outcome', 'changed')} · {count:,}", "section-title")
        with table([t("Row"), t("Code"), t("Field"), t("Before"), t("After")]):
            for each in rows:
                for told in each.differences:
                    with test_id(f"row-{each.row}", row("difference")):
                        cell(f"{each.row}", "number")
                        cell(short_code(each.code))
                        cell(path_in_words(t, told.field))
                        show_both(ctx, told, each.differences)
        self._more(count, rows)

    def _new(self, count: int, rows: Sequence[SheetRowView]) -> None:
        t = self._t
        text(f"{t.code('sheet_outcome', 'new')} · {count:,}", "section-title")
        with table([t("Row"), t("Code"), t("Valid for")]):
            for each in rows:
                with test_id(f"row-{each.row}", row()):
                    cell(f"{each.row}", "number")
                    cell(short_code(each.code))
                    cell(owner_of(self._ctx, each.for_store))
        self._more(count, rows)

    def _warned(self, rows: Sequence[SheetRowView]) -> None:
        t = self._t
        text(t("With warnings"), "section-title")
        with table([t("Row"), t("Code"), t("Field"), t("Warning")]):
            for each in rows:
                for warning in each.warnings:
                    with row():
                        cell(f"{each.row}", "number")
                        cell(short_code(each.code))
                        cell(path_in_words(t, warning.field.removeprefix("content.")))
                        said = t.known(f"rule.{warning.rule}")
                        cell(with_known(t, said, warning.known) if said else warning.detail)

    def _refused(self, rows: Sequence[SheetRowView]) -> None:
        ctx, t = self._ctx, self._t
        text(t("Refused rows"), "section-title")
        with table([t("Row"), t("Code"), t("Why"), t("Changed by")]):
            for each in rows:
                with test_id(f"refused-{each.row}", row()):
                    cell(f"{each.row}", "number")
                    cell(short_code(each.code))
                    cell(_refusal(t, each.rule, each.detail) or NOTHING)
                    with cell_box():
                        at = day_and_time(ctx, each.first_at)
                        by = ctx.colleague(each.first_by) if each.first_by else ""
                        text(f"{by} · {at}" if by else NOTHING)

    def _more(self, count: int, rows: Sequence[SheetRowView]) -> None:
        if count > len(rows):
            text(self._t("The first {shown} are shown.", shown=len(rows)), "hint")


def cell_error_text(t: Translator, error: CellErrorView) -> str:
    """Return the error of a cell in words; a rule of the trade may name what stands in it."""
    known = t.known(f"cell.{error.rule}")
    named = {"code": error.value, "skill": error.value}
    return known or _refusal(t, error.rule, error.detail, **named) or error.rule


def _refusal(t: Translator, rule: str | None, detail: str | None, **named: str) -> str:
    """Return why a record was refused, in words, which may speak of what is ``named``."""
    refused = FieldError(field="", rule=rule or "", message=detail or "")
    return field_error_text(t, refused, ApiError(422, values=named))
