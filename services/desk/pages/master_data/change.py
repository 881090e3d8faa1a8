"""Change of a record: the content as a form, the day from which it holds, and the reason."""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from urllib.parse import urlencode

from nicegui import ui
from pydantic import ValidationError

from services.desk.client import invalid_request
from services.desk.components.elements import box, button, empty, link, panel, test_id, text
from services.desk.components.forms import Form, who_was_first
from services.desk.context import PageContext
from services.desk.page import Page
from services.desk.pages.master_data.changes import change_entry, differences, show_differences
from services.desk.pages.master_data.contents import Content
from services.desk.pages.master_data.decisions import Acceptance, day_field
from services.desk.pages.master_data.form import Surroundings, form_of, surroundings_of, words_of
from services.desk.pages.master_data.overview import PAGE as OVERVIEW
from services.desk.pages.master_data.preview import (
    Preview,
    ask_preview,
    may_preview,
    show_preview,
)
from services.desk.pages.master_data.record import MasterRecord, is_future, record_of
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.access import roles_of
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import (
    ChangeView,
    DefineRequest,
    RecordResponse,
    RecordView,
)

PAGE = Page(
    path=f"{OVERVIEW.path}/{{scope}}/{{code:path}}/change",
    title="Edit",
    roles=roles_of(ManagementApi.define_group_rules) | roles_of(ManagementApi.define_store_rules),
    requirements=OVERVIEW.requirements,
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the content of the version that the address names, or of today, as a form."""
    record = record_of(ctx)
    if record is None or not record.may_change:
        empty(ctx.t("There is no such record."))
        return
    view = await record.get()
    await ctx.stores()
    ctx.words.update(await words_of(record, view))
    text(record.title(view), "subtitle")
    _ChangeForm(record, view, await surroundings_of(record))


class _ChangeForm:
    """Form whose input outlives refusals.

    After a conflict it shows what others changed, and replaces that only when the person says so.
    """

    def __init__(self, record: MasterRecord, view: RecordView, around: Surroundings) -> None:
        self._record, self._ctx, t = record, record.ctx, record.ctx.t
        self._seen = int(view.version)
        versions = {version.valid_from: version for version in view.versions}
        shown = versions.get(record.ctx.query.get("from", ""), view.holds)
        self._versions, self._base = view.versions, shown
        with test_id("record-form", box("record-form")):
            self._form = Form(record.ctx, view.version)
            self._acceptance = Acceptance(self._form)
            self._conflict = test_id("conflict", box("conflict"))
            with panel():
                self._content = form_of(record, shown and shown.content, around)
            self._form.part("content", self._content)
            self._content.name("content")
            with panel(t("When and why")):
                with box("fields"):
                    to_come = shown and is_future(shown.valid_from, view.today)
                    day = shown.valid_from if shown and to_come else f"{view.today}"
                    self._day = day_field(self._form, view.today, day)
                    self._reason = self._form.field("reason", ui.input(t("Reason")))
                self._other_version = test_id("other-version", box("conflict"))
                self._day.on_value_change(self._compare_versions)
                self._form.speak_here()
                with box("card-actions"):
                    self._save = button(t("Save"), self._send, name="save-record", kind="main")
                    if may_preview(record):
                        button(t("Preview effect"), self._preview, name="preview-rules")
                    link(t("Cancel"), record.address, "as-button")
                self._shown = box("preview-place")

    def _compare_versions(self) -> None:
        """Say so when another version than the one in the form holds on the chosen day."""
        t, day = self._ctx.t, self._day.value or ""
        begun = [version for version in self._versions if version.valid_from <= day]
        held = begun[-1] if begun else None
        self._other_version.clear()
        if held is None or self._base is None or held == self._base:
            return
        with self._other_version:
            text(
                t(
                    "The version from {day} holds on this day. This form began with {base}.",
                    day=held.valid_from,
                    base=self._base.valid_from,
                )
            )
            address = f"{self._record.address}/change?{urlencode({'from': held.valid_from})}"
            link(t("Begin with the version from {day}", day=held.valid_from), address, "text-link")

    def _read(self) -> Content:
        """Return the content as it was typed.

        Raises:
            ApiError: it does not fit the model of its kind.
        """
        try:
            return self._record.model.model_validate(self._content.read())
        except ValidationError as error:
            raise invalid_request(error, "content") from error

    def _command(self) -> Awaitable[RecordResponse]:
        content = self._read()
        body = DefineRequest.model_validate(
            {
                "version": self._form.version,
                "valid_from": self._day.value,
                "reason": self._reason.value,
                "content": content.model_dump(mode="json"),
                "accepts_warnings": self._acceptance.of(content),
            }
        )
        return self._record.define(body, self._form.attempt)

    async def _send(self) -> None:
        form, t = self._form, self._ctx.t
        if not form.require("valid_from", "reason"):
            form.show_problem()
            return
        defined = await form.send(self._command)
        if defined is None:
            if form.error and form.conflict:
                await self._show_others(form.error)
            elif form.error and "warnings" in form.error.values:
                self._acceptance.warn(self._read())
            form.show_problem()
        elif defined.changed:
            await self._ctx.changed()
            ui.navigate.to(f"{self._record.address}?from={self._day.value}")
        else:
            form.say(t("This holds already on that day; nothing was changed."))

    async def _preview(self) -> None:
        def ask() -> Awaitable[Preview]:
            return ask_preview(self._record, self._read())

        preview = await self._form.send(ask)
        if preview is None:
            self._form.show_problem()
        else:
            show_preview(self._ctx, self._shown, preview)

    async def _show_others(self, error: ApiError) -> None:
        """Show what others changed since the form was opened, and how the input differs."""
        changes: Sequence[ChangeView] = ()
        present: RecordView | None = None
        with suppress(ApiError, ServiceUnavailableError):
            changes, present = await self._record.history(), await self._record.get()
        t = self._ctx.t
        self._save.set_visibility(False)
        self._conflict.clear()
        with self._conflict:
            text(who_was_first(self._ctx, error), "section-title")
            for change in changes:
                if change.revision > self._seen:
                    change_entry(self._ctx, change)
            if present:
                self._versions = present.versions
                self._show_difference(present)
            text(t("Your input is kept. It replaces what holds then only if you say so."))
            with box("card-actions"):
                button(t("Replace on this day"), self._send, name="replace-record", kind="main")
                link(t("Begin again"), f"{self._record.address}/change", "as-button")

    def _show_difference(self, present: RecordView) -> None:
        """Show what holds on the chosen day beside the input."""
        day, t = self._day.value or "", self._ctx.t
        held = [each.content for each in present.versions if each.valid_from <= day]
        with suppress(ApiError):
            told = differences(held[-1] if held else None, self._read())
            text(t("What holds on {day}, and your input", day=day), "section-title")
            with test_id("held-then", box("record-change")):
                show_differences(self._ctx, told, t("Holds then"), t("Your input"))
