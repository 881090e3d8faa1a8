"""Staff (员工): posts, skills, certificates, shifts and leave; never names or reasons."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import BusinessDate, Code, EventPart, Identifier, State

MOST_LEAVE = 200
"""Largest number of leaves in a record."""


class Post(EventPart):
    """Post of a person (岗位): a role in a store, or in the group without one.

    A deputy (兼职) holds it beside a full-time post.
    """

    role: Code
    in_store: Identifier | None
    full_time: bool = True


class Certificate(EventPart):
    """Certificate (证书) that a person holds until the end of the day ``expires_on``, if any."""

    certificate: Code
    valid_from: BusinessDate | None = None
    expires_on: BusinessDate | None = None


class Leave(EventPart):
    """Planned leave (休假), from the first day to the last."""

    first_day: BusinessDate
    last_day: BusinessDate


class StaffProfile(EventPart):
    """Posts of a person and what is needed to plan their work.

    ``skills`` are levels from 1 to 3 by skill. ``time_factor`` is a factor of the standard hours:
    0.9 is quicker. ``shift`` is the code of a shift.
    """

    kind: Literal["person"] = "person"
    posts: Annotated[tuple[Post, ...], Field(min_length=1, max_length=50)]
    skills: dict[Code, Annotated[int, Field(ge=1, le=3)]] = Field(default_factory=dict)
    certificates: Annotated[tuple[Certificate, ...], Field(max_length=50)] = ()
    time_factor: Annotated[float, Field(ge=0.2, le=5)] = 1.0
    shift: Code | None = None
    leave: Annotated[tuple[Leave, ...], Field(max_length=MOST_LEAVE)] = ()


class StaffVersion(EventPart):
    """Profile that holds from a day on; without one, the person has left (离职)."""

    valid_from: BusinessDate
    content: StaffProfile | None


class PersonDefined(State):
    """A person as it is now decided (员工): all versions; ``for_stores`` are those of all posts."""

    topic = "aftersales.management.staff.v1"

    versions: tuple[StaffVersion, ...]
