"""Names for the coded values of a service, such as ``OrderStatus``, where OpenAPI has none."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Literal, get_args, get_origin

from deploy.clients.openapi import Description, Operation, as_reference
from shared.contracts import PUBLISHERS

Values = tuple[str, ...]

_ENDINGS = ("View", "Request", "Entry", "Response", "Detail")


def with_named_choices(description: Description, contracts: Container[str]) -> Description:
    """Return the description with a schema for each set of coded values.

    The models of ``contracts`` stay as they are. A contract's own name comes first, then one made
    from the field and the shortest model that has it.
    """
    own = {name: each for name, each in description.schemas.items() if name not in contracts}
    uses: dict[Values, list[tuple[str, str]]] = {}
    for model, schema in own.items():
        for field, part in schema.get("properties", {}).items():
            for values in _choices(part):
                uses.setdefault(values, []).append((model, field))
    names = _names(uses, description)
    named = {name: _replaced(schema, names) for name, schema in own.items()}
    made = {
        name: {"enum": list(values)}
        for values, name in names.items()
        if name not in contract_choices(description.service).values()
    }
    operations = [
        Operation(each.method, each.path, _replaced(each.content, names))
        for each in description.operations
    ]
    return replace(
        description, operations=operations, schemas={**description.schemas, **named, **made}
    )


@cache
def contract_choices(service: str) -> Mapping[Values, str]:
    """Return the names of the coded values in the contracts of ``service``."""
    module = PUBLISHERS.get(service)
    return {
        get_args(kind): name
        for name, kind in (vars(module) if module else {}).items()
        if get_origin(kind) is Literal and not name.startswith("_")
    }


def _names(
    uses: Mapping[Values, list[tuple[str, str]]], description: Description
) -> dict[Values, str]:
    names = dict(contract_choices(description.service))
    for values, places in sorted(uses.items()):
        if values not in names:
            taken = {*names.values(), *description.schemas}
            names[values] = next(each for each in _suggested(places) if each not in taken)
    return {values: name for values, name in names.items() if values in uses}


def _suggested(places: list[tuple[str, str]]) -> Iterator[str]:
    """Return names by the field and the shortest model that has it, the simplest first."""
    stem, field = min(
        ((_stem(model), field) for model, field in places), key=lambda each: (len(each[0]), each)
    )
    if "_" in field:
        yield _camel(field)
    yield stem.removesuffix(_camel(field)) + _camel(field)
    yield stem + _camel(field)


def _choices(schema: Any) -> Iterator[Values]:
    """Return the sets of at least two coded values anywhere in ``schema``."""
    if isinstance(schema, Mapping):
        if len(values := schema.get("enum", ())) > 1:
            yield tuple(values)
        for part in schema.values():
            yield from _choices(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _choices(part)


def _replaced(schema: Any, names: Mapping[Values, str]) -> Any:
    """Return ``schema`` with a reference in the place of coded values that have a name."""
    if isinstance(schema, list):
        return [_replaced(part, names) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    if name := names.get(tuple(schema.get("enum", ()))):
        rest = {key: schema[key] for key in ("default",) if key in schema}
        return as_reference(name) | rest
    return {key: _replaced(part, names) for key, part in schema.items()}


def _stem(model: str) -> str:
    ending = next((each for each in _ENDINGS if model.endswith(each)), "")
    return model.removesuffix(ending)


def _camel(field: str) -> str:
    one = field if field.endswith(("ss", "us")) else field.removesuffix("s")
    return "".join(map(str.capitalize, one.split("_")))
