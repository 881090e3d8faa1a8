"""``docs/events.md``: every event, for developers who consume them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from deploy.docs.descriptions import meaning
from deploy.docs.streams import Stream, consumers_of
from shared.contracts import Event

FILE = Path("docs/events.md")

_INTRODUCTION = """# Events

Generated from `shared/contracts` by `python -m deploy.docs`; don't edit.

Records are [CloudEvents 1.0.2](https://cloudevents.io) in Kafka's binary mode. The value is the
data as JSON; the headers are `ce_id`, `ce_type`, `ce_source` (`/stores/{store_id}/{service}`),
`ce_subject`, `ce_time`, `ce_sequence`, `ce_storeid`, `ce_correlationid`, `ce_causationid`,
`ce_partitionkey`, `ce_dataschema`, `ce_specversion`, `content-type`, and `traceparent` where there
is one. JSON schemas are in [`shared/contracts/schemas`](../shared/contracts/schemas), a record of
each type in [`shared/contracts/golden`](../shared/contracts/golden), everything for a machine in
[`shared/contracts/asyncapi.yaml`](../shared/contracts/asyncapi.yaml), and beside it a document of
what each service sends and receives. The desk answers all but the records without sign-in. For
other companies' systems there is a [guide](subscribers.md) with samples.

How to read them: keep the last `ce_sequence` that you applied per topic, key and `ce_storeid`, in
the transaction of the effect. The next number is applied, a lower one is a repetition, a higher one
waits. Two records with one number and different `ce_id` or data are a conflict (事件冲突): apply
the first, set the other aside and raise an alarm, for one of them is forged. Ignore fields and
types that you don't know. Inside a major version only optional fields are added; another meaning is
another type (`….v2`). Times are UTC, money is integer cents (分), `?` marks what may be absent or
null. Every event carries `store_id`; none carries personal data.
"""


def events_page(streams: Iterable[Stream]) -> dict[Path, str]:
    """Return the page as a file."""
    sections = "".join(_section(stream) for stream in streams if stream.events)
    return {FILE: _INTRODUCTION + sections}


def _section(stream: Stream) -> str:
    rows = "".join(_row(event) for event in stream.events)
    return (
        f"\n## `{stream.name}`\n\n"
        f"Key `{stream.key}`, published by {stream.publisher}, {stream.partitions} partitions. "
        f"{stream.promise}\n\n"
        "| event | says | consumers | requirements | fields |\n|---|---|---|---|---|\n" + rows
    )


def _row(event: type[Event]) -> str:
    schema = event.model_json_schema()
    parts = schema.get("$defs", {})
    fields = ", ".join(
        _field(name, field, name in schema["required"], parts)
        for name, field in schema["properties"].items()
        if name != "store_id"
    )
    cells = (
        f"**{event.__name__}**",
        meaning(event),
        ", ".join(consumers_of(event)) or "–",
        ", ".join(event.requirements),
        fields,
    )
    return "| " + " | ".join(cells) + " |\n"


def _field(name: str, field: Mapping[str, Any], required: bool, parts: Mapping[str, Any]) -> str:
    kind, nullable = _kind(field, parts)
    return f"`{name}{'?' if nullable or not required else ''}` {kind}"


def _kind(field: Mapping[str, Any], parts: Mapping[str, Any]) -> tuple[str, bool]:
    """Return how a field's type is written, and whether it may be null."""
    if "anyOf" in field:
        some = [option for option in field["anyOf"] if option.get("type") != "null"]
        return _kind(some[0], parts)[0], len(some) < len(field["anyOf"])
    if "$ref" in field:
        return _part(parts[field["$ref"].rpartition("/")[2]], parts), False
    if "oneOf" in field:
        return " or ".join(_kind(option, parts)[0] for option in field["oneOf"]), False
    if values := field.get("enum") or ([field["const"]] if "const" in field else []):
        return "/".join(values), False
    match field["type"]:
        case "array":
            return f"[{_kind(field['items'], parts)[0]}]", False
        case "object":
            return f"{{text: {_kind(value_schema(field), parts)[0]}}}", False
        case "string":
            return {"date-time": "time"}.get(field.get("format", ""), "text"), False
        case other:
            return str(other), False


def value_schema(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of the values of a field with keys that are texts."""
    (value,) = field.get("patternProperties", {}).values() or (field["additionalProperties"],)
    return cast("Mapping[str, Any]", value)


def _part(part: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    inner = ", ".join(
        _field(name, field, name in part.get("required", ()), parts)
        for name, field in part["properties"].items()
    )
    return f"{{{inner}}}"
