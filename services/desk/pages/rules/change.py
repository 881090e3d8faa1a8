"""Change of rules: the content as a form, the day from which it holds, and the reason."""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from nicegui import ui
from pydantic import ValidationError

from services.desk.client import invalid_request
from services.desk.components.elements import box, button, empty, link, panel, test_id, text
from services.desk.components.forms import Form, who_was_first
from services.desk.components.model_form import ModelEditor, ModelForm
from services.desk.context import PageContext
from services.desk.model_words import findings
from services.desk.page import Page
from services.desk.pages.rules.changes import change_entry
from services.desk.pages.rules.decisions import day_field
from services.desk.pages.rules.detail import PAGE as DETAIL
from services.desk.pages.rules.preview import (
    Preview,
    ask_preview,
    may_preview,
    show_preview,
)
from services.desk.pages.rules.rule_set import MODELS, Content, RuleSet, is_future, rule_set_of
from services.desk.pages.rules.templates import Templates, TemplatesEditor
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.access import roles_of
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import (
    ChangeView,
    DefineRequest,
    RecordResponse,
    RecordView,
    VersionView,
)
from shared.contracts.management import (
    DeliveryChecklistRules,
    FacilityChecklistRules,
    MessageRules,
)

PAGE = Page(
    path=f"{DETAIL.path}/change",
    title="Change rules",
    roles=roles_of(ManagementApi.define_group_rules) | roles_of(ManagementApi.define_store_rules),
    requirements=DETAIL.requirements,
)

_SHOW_PROBLEM = (
    "setTimeout(() => document.querySelector("
    '".rule-form .conflict:not(:empty), .rule-form .q-field--error")'
    '?.scrollIntoView({block: "center"}), 200)'
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the content of the version that the address names, or of today, as a form."""
    rules = rule_set_of(ctx)
    if rules is None or not rules.may_change:
        empty(ctx.t("There are no such rules."))
        return
    text(rules.title, "subtitle")
    view = await rules.get()
    stores = (await ctx.stores()).values()
    brands = sorted({store.brand.zh for store in stores if store.brand})
    _ChangeForm(rules, view, await _content_of_group(rules), brands)


async def _content_of_group(rules: RuleSet) -> Content | None:
    """Return what holds where a store has no rules of its own."""
    if not rules.own:
        return None
    found = await rules.ctx.services.management.get_group_rules(rules.kind)
    return found.holds.content if found.holds else None


def _templates_of(rules: RuleSet, of_group: Content | None) -> Templates | None:
    """Return the templates that hold where a store has none of its own."""
    if not rules.own:
        return None
    return of_group.model_dump()["templates"] if isinstance(of_group, MessageRules) else {}


def _starts_with(shown: VersionView | None, of_group: Content | None) -> dict[str, Any]:
    """Return the content with which the form begins.

    A checklist of a store stands instead of the group's as a whole: the first begins with that one.
    """
    if shown and shown.content:
        return shown.content.model_dump()
    if isinstance(of_group, DeliveryChecklistRules | FacilityChecklistRules):
        return of_group.model_dump()
    return {}


class _ChangeForm:
    """Form whose input outlives refusals; after a conflict it shows what others changed."""

    def __init__(
        self,
        rules: RuleSet,
        view: RecordView,
        of_group: Content | None,
        brands: Sequence[str],
    ) -> None:
        self._rules, self._ctx, self._brands = rules, rules.ctx, brands
        self._seen = int(view.version)
        t = rules.ctx.t
        versions = {version.valid_from: version for version in view.versions}
        shown = versions.get(rules.ctx.query.get("from", ""), view.holds)
        self._versions, self._base = view.versions, shown
        with test_id("rule-form", box("rule-form")):
            self._form = Form(rules.ctx, view.version)
            self._conflict = test_id("conflict", box("conflict"))
            with panel():
                self._content = self._editor(
                    _starts_with(shown, of_group), _templates_of(rules, of_group)
                )
            self._form.part("content", self._content)
            self._content.name("content")
            with panel(t("When and why")):
                with box("fields"):
                    to_come = shown and is_future(shown.valid_from, view.today)
                    day = shown.valid_from if shown and to_come else ""
                    self._day = day_field(self._form, view.today, day)
                    self._reason = self._form.field("reason", ui.input(t("Reason")))
                self._other_version = test_id("other-version", box("conflict"))
                self._day.on_value_change(self._compare_versions)
                self._form.speak_here()
                with box("card-actions"):
                    button(t("Save"), self._send, name="save-rules", kind="main")
                    if may_preview(rules):
                        button(t("Preview effect"), self._preview, name="preview-rules")
                    link(t("Cancel"), rules.address, "as-button")
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
            address = f"{self._rules.address}/change?{urlencode({'from': held.valid_from})}"
            link(t("Begin with the version from {day}", day=held.valid_from), address, "text-link")

    def _editor(self, value: dict[str, Any], of_group: Templates | None) -> ModelEditor:
        ctx = self._ctx
        form = ModelForm(
            ctx.t,
            complete=not self._rules.own,
            by_hand={
                "templates": lambda templates: TemplatesEditor(ctx, templates or {}, of_group)
            },
            hints={"brands": self._brands},
            offers={"finding": {"": ctx.t("All other findings"), **findings(ctx)}},
        )
        return form.of_model(MODELS[self._rules.kind], value)

    def _read(self) -> Content:
        """Return the content as it was typed.

        Raises:
            ApiError: it does not fit the model of its kind.
        """
        try:
            return MODELS[self._rules.kind].model_validate(self._content.read())
        except ValidationError as error:
            raise invalid_request(error, "content") from error

    def _command(self) -> Awaitable[RecordResponse]:
        body = DefineRequest.model_validate(
            {
                "version": self._form.version,
                "valid_from": self._day.value,
                "reason": self._reason.value,
                "content": self._read(),
            }
        )
        return self._rules.define(body, self._form.attempt)

    async def _send(self) -> None:
        form, t = self._form, self._ctx.t
        if not form.require("valid_from", "reason"):
            return
        defined = await form.send(self._command)
        if defined is None:
            if form.error and form.conflict:
                await self._show_others(form.error)
            ui.run_javascript(_SHOW_PROBLEM)
        elif defined.changed:
            await self._ctx.changed()
            ui.navigate.to(f"{self._rules.address}?from={self._day.value}")
        else:
            form.say(t("This holds already on that day; nothing was changed."))

    async def _preview(self) -> None:
        def ask() -> Awaitable[Preview]:
            return ask_preview(self._rules, self._read())

        preview = await self._form.send(ask)
        if preview is None:
            ui.run_javascript(_SHOW_PROBLEM)
        else:
            show_preview(self._ctx, self._shown, preview)

    async def _show_others(self, error: ApiError) -> None:
        """Show what others changed since the form was opened."""
        changes: Sequence[ChangeView] = ()
        with suppress(ApiError, ServiceUnavailableError):
            changes = await self._rules.history()
        self._conflict.clear()
        with self._conflict:
            text(who_was_first(self._ctx, error), "section-title")
            text(
                self._ctx.t(
                    "Your input is kept. If you save again, it replaces these changes on its day."
                )
            )
            for change in changes:
                if change.revision > self._seen:
                    change_entry(self._ctx, change)
