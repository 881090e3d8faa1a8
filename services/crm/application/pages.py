"""Pages of lists that stand by a day and an id."""

from datetime import date

from shared.contracts.violations import unknown


def page_after(day: date, last_id: str) -> str:
    """Return the name of the page that begins after an entry."""
    return f"{day.isoformat()}~{last_id}"


def place_of(after: str | None) -> tuple[date, str]:
    """Return the day and id after which a page begins.

    Raises:
        RuleViolation: there is no such page.
    """
    if after is None:
        return date.min, ""
    day, _, last_id = after.partition("~")
    try:
        return date.fromisoformat(day), last_id
    except ValueError:
        raise unknown("page", after) from None
