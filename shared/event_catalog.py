"""Catalog of the events (事件目录), for people; generated from the contracts."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

FILE = Path(__file__).parent / "contracts/catalog.json"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True)


class CatalogField(_Entry):
    """Field of an event; ``name`` has the path to it, ``[]`` stands for each of a list."""

    name: str
    kind: str
    optional: bool
    en: str
    zh: str


class CatalogEvent(_Entry):
    """Event with its fields and an example."""

    name: str
    type: str
    en: str
    zh: str
    consumers: Sequence[str]
    requirements: Sequence[str]
    fields: Sequence[CatalogField]
    example: JsonValue


class CatalogTopic(_Entry):
    """Topic with its events, in the order of a visit."""

    name: str
    key: str
    publisher: str
    compacted: bool
    events: Sequence[CatalogEvent]


class EventCatalog(_Entry):
    """All topics."""

    topics: Sequence[CatalogTopic]


@cache
def event_catalog() -> EventCatalog:
    """Return the catalog of this release."""
    return EventCatalog.model_validate_json(FILE.read_bytes())
