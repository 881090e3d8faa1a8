"""Deadline with the time that is left, in the color of its urgency."""

from datetime import datetime, timedelta

from services.desk import formats
from services.desk.components.elements import badge, box, test_id, text
from services.desk.components.partial_renderer import EverySecond
from services.desk.context import PageContext

_NEAR = timedelta(hours=2)
_TONES = "tone-bad tone-warn tone-calm"


def deadline(ctx: PageContext, every_second: EverySecond, due_at: datetime) -> None:
    """Show when something is due, and how much time is left or over."""
    with box("state-line"):
        text(formats.day_and_clock(due_at, ctx.store.timezone, ctx.now()), "number")
        left = test_id("deadline", badge("", "calm"))

    def tell(now: datetime) -> None:
        duration = formats.duration(ctx.t, abs((due_at - now).total_seconds()))
        late = due_at < now
        words = "Overdue by {time}" if late else "{time} left"
        tone = "bad" if late else "warn" if due_at - now < _NEAR else "calm"
        left.set_text(ctx.t(words, time=duration))
        left.classes(remove=_TONES, add=f"tone-{tone}")

    tell(ctx.now())
    every_second(tell)
