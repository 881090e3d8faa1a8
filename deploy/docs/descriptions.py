"""Descriptions of events and fields, in English and Chinese."""

from functools import cache
from typing import Any

import yaml

from deploy.generated import REPOSITORY
from shared.contracts import Event

_FILE = REPOSITORY / "shared/contracts/descriptions.yaml"


class IncompleteContractError(Exception):
    """Contract that lacks a description or a golden record."""


def meaning(event: type[Event]) -> str:
    """Return the meaning of an event in one paragraph."""
    return " ".join((event.__doc__ or "").split())


def meaning_in_chinese(event: type[Event]) -> str:
    """Return the meaning of an event in one Chinese sentence.

    Raises:
        IncompleteContractError: the sentence is missing.
    """
    sentence = _described()["events"].get(event.__name__)
    if not sentence:
        raise IncompleteContractError(f"{_FILE.name} does not describe {event.__name__}")
    return sentence


def describe_fields(owner: str, schema: dict[str, Any]) -> None:
    """Add its description to each field of the object ``owner``.

    What the schema says already, such as the unit, follows it.

    Raises:
        IncompleteContractError: a description is missing.
    """
    fields = _described()["fields"]
    for name, field in schema.get("properties", {}).items():
        words = fields.get(f"{owner}.{name}") or fields.get(name)
        if not words:
            raise IncompleteContractError(f"{_FILE.name} does not describe {owner}.{name}")
        field["description"] = "; ".join(filter(None, (words, field.get("description"))))


@cache
def _described() -> dict[str, dict[str, str]]:
    described: dict[str, dict[str, str]] = yaml.safe_load(_FILE.read_text())
    return described
