"""What every event contract has in common."""

from datetime import UTC, date, datetime
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

FIRST_YEAR, LAST_YEAR = 1990, 2100
LAST_TIMESTAMP = datetime(LAST_YEAR, 12, 31, 23, 59, 59, tzinfo=UTC)
DateT = TypeVar("DateT", bound=date)


def in_business_years(value: DateT) -> DateT:
    """``value``, a day or a time that every clock, calendar and database here can handle."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise PydanticCustomError(
            "outside_business_years",
            "The year must be from {first} to {last}",
            {"first": FIRST_YEAR, "last": LAST_YEAR},
        )
    return value


LONGEST_IDENTIFIER = 120
Identifier = Annotated[str, Field(min_length=1, max_length=LONGEST_IDENTIFIER, pattern="^[!-~]+$")]
"""The name of one thing, never words: printable ASCII without blanks."""

Code = Annotated[str, Field(max_length=60, pattern="^[a-z][a-z0-9_]*$")]
"""One of a list that its publisher keeps."""

Cents = Annotated[int, Field(ge=0, le=10**12, description="integer cents (分) of CNY")]
Seconds = Annotated[int, Field(ge=0)]
Hours = Annotated[float, Field(gt=0, le=200, description="standard hours (标准工时)")]
Timestamp = Annotated[AwareDatetime, AfterValidator(in_business_years)]
DAY_PATTERN, TIME_PATTERN = r"^\d{4}-\d{2}-\d{2}$", r"^([01]\d|2[0-3]):[0-5]\d$"
LocalTime = Annotated[str, Field(pattern=TIME_PATTERN, description="HH:MM")]
"""A time of day as the clocks of a store show it."""
DisplayName = Annotated[str, Field(min_length=1, max_length=100)]
"""The published name of a thing in one language."""


def _on_calendar(text: str) -> str:
    """Return ``text``, which names a day that there is."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("date_parsing", "There is no such day") from None
    in_business_years(day)
    return text


BusinessDate = Annotated[str, Field(pattern=DAY_PATTERN), AfterValidator(_on_calendar)]
"""A day as the calendar of a store shows it."""


Month = Annotated[
    str,
    Field(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$", description="YYYY-MM"),
    AfterValidator(lambda text: _on_calendar(f"{text}-01")[:7]),
]
"""A month as the calendar of a store shows it."""


class Event(BaseModel):
    """Data of one event. ``topic`` and ``key_field`` say where it stands and in which order.

    A publisher fills every field; a consumer ignores fields that it does not know.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: ClassVar[str]
    key_field: ClassVar[str]
    publisher: ClassVar[str]
    requirements: ClassVar[tuple[str, ...]]
    version: ClassVar[int] = 1
    compacted: ClassVar[bool] = False

    store_id: Identifier


class EventPart(BaseModel):
    """A value inside an event; never published alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


GROUP = "_group"
"""``store_id`` of every state: whatever store it concerns, all of them may read it."""


class State(Event):
    """A record of master data (主数据) as it is now decided: its newest state replaces the others.

    ``for_stores`` are the stores that it concerns; a record without any concerns the whole group.
    """

    key_field = "record_id"
    publisher = "management"
    requirements: ClassVar[tuple[str, ...]] = ("R40",)
    compacted = True

    store_id: Literal["_group"]
    record_id: Identifier
    for_stores: tuple[Identifier, ...]
