"""Rules as the group folder has them: what an import defines in management."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contracts.management import (
    CorrectiveActionRules,
    DeliveryChecklistRules,
    FacilityChecklistRules,
    LoyaltyRules,
    MessageRules,
    RuleContent,
    SettlementRules,
)
from shared.group import CalendarDay, read_yaml

M = TypeVar("M", bound=BaseModel)

_LOYALTY, _MESSAGES = "loyalty.yaml", "messages.yaml"
_SETTLEMENT, _CORRECTIVE_ACTIONS = "catalog/invoicing.yaml", "corrective_actions.yaml"
_DELIVERY, _FACILITY = "catalog/delivery.yaml", "facility_checks.yaml"


class GroupFileError(ValueError):
    """File of the group folder that cannot be read, with the place and the reason."""


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


class _Dated(BaseModel):
    """Entry of a file: the first day on which its content holds, and the content."""

    model_config = ConfigDict(extra="allow")

    valid_from: CalendarDay


class _LoyaltyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: list[dict[str, Any]]


class _StoresFile(_Dated):
    """File of the group's rules, with those that stores have of their own."""

    stores: dict[str, dict[str, Any]] = Field(default_factory=dict)


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid")

    step: str
    zh: str
    en: str
    repeat_after: list[Literal["work", "invoice"]] = Field(default_factory=list)


class _DeliveryFile(BaseModel):
    """Steps, and the checklists made of them; the workshop reads the items of inspection."""

    valid_from: CalendarDay
    steps: list[_Step]
    templates: dict[str, list[str]]
    inspection: dict[str, Any] = Field(default_factory=dict)


def read_rules(folder: Path) -> list[RuleDefinition]:
    """Read the files of all kinds of rules; of each rule set the earliest version first.

    Raises:
        GroupFileError: a file is missing or not YAML, lacks a field, has an unknown one, or a wrong
            value.
    """
    found = [
        *_loyalty(folder),
        *_with_stores(folder, _MESSAGES, MessageRules),
        *_with_stores(folder, _SETTLEMENT, SettlementRules),
        *_with_stores(folder, _CORRECTIVE_ACTIONS, CorrectiveActionRules),
        *_with_stores(folder, _FACILITY, FacilityChecklistRules),
        *_delivery(folder),
    ]
    return sorted(found, key=lambda each: (each.rule_id, each.valid_from))


def _loyalty(folder: Path) -> Iterator[RuleDefinition]:
    file = _read(_LOYALTY, _LoyaltyFile, _content(folder, _LOYALTY))
    for number, given in enumerate(file.rules):
        place = f"{_LOYALTY}: rules.{number}"
        entry = _read(place, _Dated, given)
        content = _read(place, LoyaltyRules, entry.model_extra)
        yield RuleDefinition(None, entry.valid_from, content)


def _with_stores(
    folder: Path,
    name: str,
    model: type[MessageRules | SettlementRules | FacilityChecklistRules | CorrectiveActionRules],
) -> Iterator[RuleDefinition]:
    file = _read(name, _StoresFile, _content(folder, name))
    yield RuleDefinition(None, file.valid_from, _read(name, model, file.model_extra))
    for store_id, given in file.stores.items():
        place = f"{name}: stores.{store_id}"
        entry = _read(place, _Dated, {"valid_from": file.valid_from, **given})
        own = _read(place, model, entry.model_extra)
        yield RuleDefinition(store_id, entry.valid_from, own)


def _delivery(folder: Path) -> Iterator[RuleDefinition]:
    file = _read(_DELIVERY, _DeliveryFile, _content(folder, _DELIVERY))
    known = {
        each.step: {
            **each.model_dump(exclude={"repeat_after"}),
            "repeat_after_work": "work" in each.repeat_after,
            "repeat_after_invoice": "invoice" in each.repeat_after,
        }
        for each in file.steps
    }
    for owner, listed in file.templates.items():
        place = f"{_DELIVERY}: templates.{owner}"
        if unknown := [step for step in listed if step not in known]:
            raise GroupFileError(f"{place}: There is no step {unknown[0]}.")
        steps = [known[step] for step in listed]
        content = _read(place, DeliveryChecklistRules, {"steps": steps})
        yield RuleDefinition(None if owner == "group" else owner, file.valid_from, content)


def _content(folder: Path, name: str) -> Any:
    try:
        return read_yaml(folder, name)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise GroupFileError(f"{folder / name}: {reason}") from None


def _read(place: str, kind: type[M], given: Any) -> M:
    extra: Literal["forbid"] | None = None if issubclass(kind, _Dated) else "forbid"
    try:
        return kind.model_validate(given, extra=extra)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise GroupFileError(f"{place}.{field}: {first['msg']}") from None
