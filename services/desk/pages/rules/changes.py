"""Changes of a rule set (变更记录): who decided what, from when and why, and the difference."""

from collections.abc import Callable, Sequence

from nicegui import ui

from services.desk.components.elements import badge, box, cell, row, table, test_id, text
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.model_words import path_in_words, value_in_words
from services.desk.pages.rules.rule_set import day_and_time
from shared.clients.management.models import ChangeView, FieldDifference

TONES = {"defined": "busy", "put_back": "busy", "ended": "quiet", "withdrawn": "quiet"}

_SHOWN_AT_ONCE = 12
_KIND = "kind"


def change_entry(
    ctx: PageContext, change: ChangeView, offer: Callable[[], None] = lambda: None
) -> None:
    """Show one change, with what ``offer`` adds to it."""
    t = ctx.t
    with test_id(f"change-{change.revision}", box("rule-change")):
        with box("state-line"):
            text(f"#{change.revision}", "number")
            badge(t.code("rule_action", change.action), TONES[change.action])
            text(t("from {day}", day=change.valid_from), "event-name")
            if change.of_revision is not None:
                text(t("content of #{revision}", revision=change.of_revision), "hint")
            who, at = ctx.colleague(change.changed_by), day_and_time(ctx, change.changed_at)
            text(f"{who} · {at}", "card-note")
            offer()
        text(t("Reason: {reason}", reason=change.reason or NOTHING), "rule-reason")
        told = [each for each in change.differences if each.field != _KIND]
        if told:
            with ui.element("details").classes("rule-differences") as details:
                details.props["open"] = len(told) <= _SHOWN_AT_ONCE
                with ui.element("summary"):
                    text(t("{number} fields changed", number=len(told)))
                _differences(ctx, told)


def _differences(ctx: PageContext, told: Sequence[FieldDifference]) -> None:
    t = ctx.t
    with table([t("Field"), t("Before"), t("After")]):
        for each in told:
            name = next(part for part in reversed(each.field.split(".")) if not part.isdecimal())
            with row("difference"):
                cell(path_in_words(t, each.field))
                cell(value_in_words(ctx, name, each.old), "difference-text old")
                cell(value_in_words(ctx, name, each.new), "difference-text new")
