"""Changes of a record (变更记录): who decided what, from when and why, and the difference."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from nicegui import ui
from pydantic import BaseModel

from services.desk.components.elements import badge, box, cell, row, table, test_id, text
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.model_words import VALUES, field_of, place_in_words, value_in_words
from services.desk.pages.master_data.record import day_and_time
from shared.clients.management.models import ChangeView, FieldDifference

TONES = {"defined": "busy", "put_back": "busy", "ended": "quiet", "withdrawn": "quiet"}

_SHOWN_AT_ONCE = 12
_KIND = "kind"


def change_entry(
    ctx: PageContext, change: ChangeView, offer: Callable[[], None] = lambda: None
) -> None:
    """Show one change, with what ``offer`` adds to it."""
    t = ctx.t
    with test_id(f"change-{change.revision}", box("record-change")):
        with box("state-line"):
            text(f"#{change.revision}", "number")
            badge(t.code("rule_action", change.action), TONES[change.action])
            text(t("from {day}", day=change.valid_from), "event-name")
            if change.of_revision is not None:
                text(t("content of #{revision}", revision=change.of_revision), "hint")
            who, at = ctx.colleague(change.changed_by), day_and_time(ctx, change.changed_at)
            text(f"{who} · {at}", "card-note")
            offer()
        text(t("Reason: {reason}", reason=change.reason or NOTHING), "record-reason")
        told = [each for each in change.differences if each.field != _KIND]
        if told:
            with ui.element("details").classes("record-differences") as details:
                details.props["open"] = len(told) <= _SHOWN_AT_ONCE
                with ui.element("summary"):
                    text(t("{number} fields changed", number=len(told)))
                show_differences(ctx, told, ctx.t("Before"), ctx.t("After"))


def differences(before: BaseModel | None, after: BaseModel) -> list[FieldDifference]:
    """Return the fields in which two contents differ."""
    old = dict(_values("", before.model_dump(mode="json"))) if before else {}
    new = dict(_values("", after.model_dump(mode="json")))
    return [
        FieldDifference(field=path, old=old.get(path), new=new.get(path))
        for path in {**old, **new}
        if old.get(path) != new.get(path)
    ]


def _values(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the single values inside a content, with their paths."""
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in parts:
            yield from _values(f"{path}.{name}".lstrip("."), part)
    else:
        yield path, value


def show_differences(
    ctx: PageContext, told: Sequence[FieldDifference], before: str, after: str
) -> None:
    """Show fields that differ, with both values side by side."""
    t = ctx.t
    with table([t("Field"), before, after]):
        for each in told:
            with row("difference"):
                cell(place_in_words(ctx, each.field))
                show_both(ctx, each, told)


def show_both(ctx: PageContext, each: FieldDifference, told: Sequence[FieldDifference]) -> None:
    """Show both values of a field; one is absent where all of its part was."""
    name, (part, _, _) = field_of(ctx.t, each.field), each.field.rpartition(".")
    others = [one for one in told if one is not each and one.field.rpartition(".")[0] == part]
    for value, beside, look in (
        (each.old, [one.old for one in others], "old"),
        (each.new, [one.new for one in others], "new"),
    ):
        absent = value is None and None in beside
        said = NOTHING if absent else value_in_words(ctx, VALUES.get(name, name), value)
        cell(said, f"difference-text {look}")
