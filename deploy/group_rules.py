"""Rules as the group folder has them: what an import defines in management."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from shared.contracts.management import LoyaltyRules, MessageRules, RuleContent
from shared.group import read_yaml


@dataclass(frozen=True)
class RuleDefinition:
    """Content of the group's rules, or of those of one store, from a day on."""

    for_store: str | None
    valid_from: date
    content: RuleContent

    @property
    def rule_id(self) -> str:
        kind = self.content.kind
        return kind if self.for_store is None else f"{kind}.{self.for_store}"


def read_rules(folder: Path) -> list[RuleDefinition]:
    """Read ``loyalty.yaml`` and ``messages.yaml``; of each rule set the earliest version first.

    Raises:
        ValidationError: a file has a field that its rules lack, or a wrong value.
    """
    return [*_loyalty(folder), *_messages(folder)]


def _loyalty(folder: Path) -> Iterator[RuleDefinition]:
    for entry in read_yaml(folder, "loyalty.yaml")["rules"]:
        valid_from, content = _dated(entry)
        yield RuleDefinition(None, valid_from, _strict(LoyaltyRules, content))


def _messages(folder: Path) -> Iterator[RuleDefinition]:
    valid_from, content = _dated(read_yaml(folder, "messages.yaml"))
    stores = content.pop("stores", {})
    yield RuleDefinition(None, valid_from, _strict(MessageRules, content))
    for store_id, own in stores.items():
        since, own_content = _dated({"valid_from": valid_from, **own})
        yield RuleDefinition(store_id, since, _strict(MessageRules, own_content))


def _dated(entry: Mapping[str, Any]) -> tuple[date, dict[str, Any]]:
    """Return the first day of an entry, and the rest of it."""
    rest = dict(entry)
    return rest.pop("valid_from"), rest


def _strict(kind: type[Any], content: Mapping[str, Any]) -> Any:
    return kind.model_validate(content, extra="forbid")
