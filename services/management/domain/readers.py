"""Readers of records, and the fields that not all of them see."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from services.management.domain.kinds import Content
from services.management.domain.person import Person

SEE_COSTS = frozenset(
    {
        "parts_clerk",
        "service_manager",
        "group_parts_manager",
        "group_finance_manager",
        "group_manager",
    }
)
"""Roles that read what parts cost: they buy them, set prices or answer for the profit."""


@dataclass(frozen=True)
class Reader:
    """Reader of records, with their roles, the stores whose records they ``read`` under the group,
    and the stores whose staff they ``manage``; None stands for all.
    """

    subject: str
    roles: Set[str]
    reads: Set[str]
    manages: Set[str] | None


@dataclass(frozen=True)
class Shown:
    """Record that a reader is shown: whose it is, and its contents of today and of days to come;
    where there is none, its last one.
    """

    record_id: str
    owner: str
    contents: Sequence[Content]


MayRead = Callable[[Reader, Shown], bool]
"""Rule that says whether a reader sees a field."""


def _manages(reader: Reader, shown: Shown) -> bool:
    """Return whether it is a person of the reader's staff, or the reader."""
    if reader.manages is None or shown.record_id == reader.subject:
        return True
    people = [each for each in shown.contents if isinstance(each, Person)]
    stores = {post.in_store for person in people for post in person.posts}
    return not reader.manages.isdisjoint(stores if people else {shown.owner})


def _sees_costs(reader: Reader, _: Shown) -> bool:
    return not reader.roles.isdisjoint(SEE_COSTS)


READERS: Mapping[str, Mapping[str, MayRead]] = {
    "person": {"telephone": _manages, "reason": _manages},
    "part": {"cost_cents": _sees_costs},
}
"""Rules of fields by the kinds of content, and of the ``reason`` of a change; all others are for
all readers.
"""


def hidden_fields(kind: str, reader: Reader, shown: Shown) -> Set[str]:
    """Return the fields of a record that its reader does not see."""
    rules = READERS.get(kind, {})
    return {field for field, may_read in rules.items() if not may_read(reader, shown)}


def seen(content: Content | None, hidden: Set[str]) -> Content | None:
    """Return content without the hidden fields."""
    if content is None:
        return None
    absent = hidden & type(content).model_fields.keys()
    return content.model_copy(update=dict.fromkeys(absent)) if absent else content
