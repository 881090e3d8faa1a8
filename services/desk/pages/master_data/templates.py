"""Message templates (消息模板): each type with both languages side by side, and a preview."""

import re
from collections.abc import Mapping
from typing import Any

from nicegui import ui

from services.desk.components.elements import box, panel, test_id, text
from services.desk.components.forms import Field, styled
from services.desk.context import PageContext
from services.desk.i18n import Language
from shared.contracts.management import (
    LINKED_MESSAGES,
    MESSAGE_LANGUAGES,
    MESSAGE_PLACEHOLDERS,
)

Templates = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Templates by message type and language."""

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(\w*)\}")
_EXAMPLES = {
    "name": {"zh": "王女士", "en": "Ms. Wang"},
    "amount_cents": {"zh": "¥1,280.00", "en": "¥1,280.00"},
    "promised_at": {"zh": "3月5日 17:00", "en": "Mar 5 17:00"},
    "likely_at": {"zh": "3月5日 18:30", "en": "Mar 5 18:30"},
    "ready_at": {"zh": "3月5日 16:40", "en": "Mar 5 16:40"},
    "due_at": {"zh": "3月5日 23:59", "en": "Mar 5 23:59"},
    "appointment_at": {"zh": "3月5日 09:30", "en": "Mar 5 09:30"},
    "link": {"zh": "https://…", "en": "https://…"},
}
"""Values of a customer's message, as a preview shows them."""


def show_templates(ctx: PageContext, templates: Templates) -> None:
    """Show the messages as customers read them; those that are missing are the group's."""
    for message_type in MESSAGE_PLACEHOLDERS:
        texts = templates.get(message_type, {})
        if not texts:
            continue
        with test_id(f"template-{message_type}", box("message-type")):
            text(ctx.t.code("message_type", message_type), "section-title")
            with box("columns even"):
                for language in MESSAGE_LANGUAGES:
                    with box("message-language"):
                        text(ctx.t.code("template_language", language), "hint")
                        if template := texts.get(language):
                            _message(ctx, language, template)
                        else:
                            text(ctx.t("As in the group"), "hint")


def _message(ctx: PageContext, language: str, template: Mapping[str, Any]) -> None:
    """Show one message with example values."""
    with box("message-preview"):
        text(_filled(ctx, language, template.get("title")), "message-title")
        text(_filled(ctx, language, template.get("text")), "message-text")
        if call := template.get("call"):
            text(ctx.t("On the phone"), "hint")
            text(_filled(ctx, language, call), "message-text")


def _filled(ctx: PageContext, language: str, template: str | None) -> str:
    """Return a text with example values; a placeholder without one stays as it was typed."""
    store = ctx.store.zh if language == "zh" else ctx.store.en

    def example(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if found[1] == "store":
            return store
        return _EXAMPLES.get(found[1], {}).get(language, found[0])

    return _PLACEHOLDER.sub(example, template or "")


class TemplatesEditor:
    """Fields for the templates of all message types.

    Where a store may leave a template out, a switch says so, and the group's is shown instead.
    """

    def __init__(self, ctx: PageContext, templates: Templates, of_group: Templates | None) -> None:
        self._editors: dict[tuple[str, str], _TemplateEditor] = {}
        for message_type in MESSAGE_PLACEHOLDERS:
            with panel(ctx.t.code("message_type", message_type), "message-type"):
                _placeholders(ctx, message_type)
                with box("columns even"):
                    for language in MESSAGE_LANGUAGES:
                        own = templates.get(message_type, {}).get(language)
                        groups = None
                        if of_group is not None:
                            groups = of_group.get(message_type, {}).get(language, {})
                        self._editors[message_type, language] = _TemplateEditor(
                            ctx, message_type, language, own, groups
                        )

    def read(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for (message_type, language), editor in self._editors.items():
            if (template := editor.read()) is not None:
                found.setdefault(message_type, {})[language] = template
        return found

    def find(self, path: str) -> Field | None:
        message_type, _, rest = path.partition(".")
        language, _, field = rest.partition(".")
        editor = self._editors.get((message_type, language))
        return editor.fields.get(field) if editor else None

    def name(self, path: str) -> None:
        for (message_type, language), editor in self._editors.items():
            editor.name(f"{path}.{message_type}.{language}")


class _TemplateEditor:
    """Fields of one template with its preview; ``of_group`` is what holds without an own one."""

    def __init__(
        self,
        ctx: PageContext,
        message_type: str,
        language: Language | str,
        own: Mapping[str, Any] | None,
        of_group: Mapping[str, Any] | None,
    ) -> None:
        self._ctx, self._language = ctx, language
        t = ctx.t
        start = own or of_group or {}
        with box("message-language"):
            with box("message-head"):
                text(t.code("template_language", language), "hint")
                self._own = ui.switch(t("Own text"), value=own is not None or of_group is None)
                self._own.set_visibility(of_group is not None)
            with box("message-fields") as fields:
                self.fields: dict[str, Field] = {
                    "title": styled(ui.input(t("Title"), value=start.get("title", ""))),
                    "text": self._area(t("Text"), start.get("text")),
                }
                if message_type in LINKED_MESSAGES:
                    self.fields["call"] = self._area(t("On the phone"), start.get("call"))
            fields.bind_visibility_from(self._own, "value")
            self._of_group = of_group or {}
            self._preview = box("message-shown")
        for each in (self._own, *self.fields.values()):
            each.on_value_change(self._show)
        self._show()

    def read(self) -> dict[str, Any] | None:
        if not self._own.value:
            return None
        return {name: each.value or None for name, each in self.fields.items()}

    def name(self, path: str) -> None:
        test_id(f"{path}.own", self._own).update()
        for name, each in self.fields.items():
            test_id(f"{path}.{name}", each).update()

    def _area(self, label: str, value: str | None) -> Field:
        return styled(ui.textarea(label, value=value or "").props("autogrow rows=3"))

    def _show(self) -> None:
        self._preview.clear()
        with self._preview:
            _message(self._ctx, self._language, self.read() or self._of_group)


def _placeholders(ctx: PageContext, message_type: str) -> None:
    """List what a text of this type may contain."""
    own = sorted(MESSAGE_PLACEHOLDERS[message_type])
    linked = ["link"] if message_type in LINKED_MESSAGES else []
    with box("placeholders"):
        text(ctx.t("Placeholders"), "hint")
        for name in ("store", "name", *own, *linked):
            made = text(f"{{{name}}}", "chip")
            made.props["title"] = ctx.t.code("placeholder", name)
            text(ctx.t.code("placeholder", name), "hint")
