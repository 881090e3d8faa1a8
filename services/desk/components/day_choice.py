"""The day that a page shows: part of its address, with steps to the days around."""

from datetime import date, timedelta

from services.desk.components.elements import box, link, text
from services.desk.context import PageContext


def chosen_day(ctx: PageContext) -> date:
    """Return the day that the address names, otherwise the store's present day."""
    try:
        return date.fromisoformat(ctx.query.get("day", ""))
    except ValueError:
        return ctx.today()


def day_choice(ctx: PageContext, day: date) -> None:
    """Add steps to the days around."""
    with box("day-choice"):
        link("‹", f"?day={day - timedelta(days=1)}", "day-step")
        text(f"{day}", "day number")
        link("›", f"?day={day + timedelta(days=1)}", "day-step")
        if day != ctx.today():
            link(ctx.t("Today"), "?", "day-step")
