"""STAR terms: the table names fields and terms that exist (R39)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.reception.application.star import StarRepairOrder
from shared.event_catalog import event_catalog

TABLE = Path(__file__).parents[2] / "docs/star.md"
ROW = re.compile(r"^\| (?P<ours>`.+?) \| `(?P<star>\w[\w/]+)`.*?\|(?P<mark> x)?", re.MULTILINE)


def rows() -> list[re.Match[str]]:
    return list(ROW.finditer(TABLE.read_text()))


def paths(model: Any, parts: Any, above: str = "") -> Iterator[str]:
    """Yield the paths of the terms in a schema, each with those above it."""
    for name, field in model["properties"].items():
        path = f"{above}{name}"
        yield path
        for reference in re.findall(r"'#/\$defs/(\w+)'", str(field)):
            if "properties" in parts[reference]:
                yield from paths(parts[reference], parts, f"{path}/")


def test_star_table_names_existing_fields() -> None:
    fields = {
        f"{event.name}.{field.name}"
        for topic in event_catalog().topics
        for event in topic.events
        for field in event.fields
    }
    named = {name for row in rows() for name in re.findall(r"`(.+?)`", row["ours"])}
    assert len(named) > 30
    assert named - fields == set()


def test_marked_star_terms_are_those_of_export() -> None:
    schema = StarRepairOrder.model_json_schema()
    exported = set(paths(schema, schema["$defs"]))
    marked = {row["star"] for row in rows() if row["mark"]}
    assert len(marked) > 20
    assert marked <= exported
    assert not {row["star"] for row in rows() if not row["mark"]} & exported
