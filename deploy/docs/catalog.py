"""``shared/contracts/catalog.json``: the events as the desk shows them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.docs.descriptions import meaning, meaning_in_chinese
from deploy.docs.events import value_schema
from deploy.docs.golden import golden_records
from deploy.docs.schemas import Schema, schema
from deploy.docs.streams import Stream, consumers_of
from deploy.generated import REPOSITORY
from shared.contracts import Event, type_name
from shared.event_catalog import FILE, CatalogEvent, CatalogField, CatalogTopic, EventCatalog


def catalog(streams: Iterable[Stream]) -> dict[Path, str]:
    """Return the catalog as a file."""
    topics = [_topic(stream) for stream in streams if stream.events]
    text = EventCatalog(topics=topics).model_dump_json(indent=1)
    return {FILE.relative_to(REPOSITORY): text + "\n"}


def _topic(stream: Stream) -> CatalogTopic:
    return CatalogTopic(
        name=stream.name,
        key=stream.key,
        publisher=stream.publisher,
        compacted=stream.compacted,
        events=[_event(event) for event in stream.events],
    )


def _event(event: type[Event]) -> CatalogEvent:
    kind = type_name(event)
    described = schema(kind)
    return CatalogEvent(
        name=event.__name__,
        type=kind,
        en=meaning(event).replace("``", ""),
        zh=meaning_in_chinese(event),
        consumers=consumers_of(event),
        requirements=event.requirements,
        fields=list(_fields("", described, described.get("$defs", {}))),
        example=golden_records()[kind][-1]["value"],
    )


def _fields(path: str, owner: Schema, parts: Mapping[str, Schema]) -> Iterator[CatalogField]:
    """Yield the fields of an object, each followed by those below it."""
    for name, field in owner["properties"].items():
        english, _, chinese = field["description"].partition(";")[0].rpartition(" (")
        shape = _shape(field)
        yield CatalogField(
            name=f"{path}{name}",
            kind=shape.kind,
            optional=shape.nullable or name not in owner.get("required", ()),
            en=english,
            zh=chinese.removesuffix(")"),
        )
        if shape.part:
            yield from _fields(f"{path}{name}{shape.suffix}.", parts[shape.part], parts)


@dataclass(frozen=True)
class _Shape:
    """Kind of a field's value; ``part`` is the object in it, if it has one kind of them."""

    kind: str
    nullable: bool = False
    part: str = ""
    suffix: str = ""


def _shape(field: Schema) -> _Shape:
    if "anyOf" in field:
        some = [option for option in field["anyOf"] if option.get("type") != "null"]
        return replace(_shape(some[0]), nullable=len(some) < len(field["anyOf"]))
    if "oneOf" in field:
        return _Shape(" / ".join(_part(option) for option in field["oneOf"]))
    if "$ref" in field:
        return _Shape("object", part=_part(field))
    if values := field.get("enum") or ([field["const"]] if "const" in field else []):
        return _Shape(" / ".join(values))
    return _shape_of_type(field)


def _shape_of_type(field: Schema) -> _Shape:
    match field["type"]:
        case "array":
            each = _shape(field["items"])
            return replace(each, kind=f"list: {each.kind}", suffix=f"[]{each.suffix}")
        case "object":
            each = _shape(value_schema(field))
            return replace(each, kind=f"map: {each.kind}", suffix=f"{{}}{each.suffix}")
        case "string":
            return _Shape("time" if field.get("format") == "date-time" else "text")
        case other:
            return _Shape(str(other))


def _part(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
