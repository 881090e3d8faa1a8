"""Group folder: what an import defines in management."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.clients.management.models import Definition, Person
from shared.contracts.management import (
    GROUP_ROLES,
    AppointmentRules,
    AttendanceRules,
    AuthorizationRules,
    BayProfile,
    ComplaintRules,
    CorrectiveActionRules,
    CustomerCareRules,
    DefectionRules,
    DeliveryChecklistRules,
    FacilityChecklistRules,
    FeedbackRules,
    FollowUpReasonRules,
    FollowUpRules,
    GreetingRules,
    GroupProfile,
    InspectionChecklistRules,
    InsuranceRules,
    LaborOperation,
    LeadRules,
    LoyaltyRules,
    MessageRules,
    PartMaster,
    PostDescription,
    PromiseRules,
    Questionnaire,
    RecallCampaign,
    RuleContent,
    ServicePackageDefinition,
    ServiceReminderRules,
    SettlementRules,
    ShiftRules,
    StoreProfile,
    SurveyRules,
    SymptomSystem,
    VoucherRules,
    WorkingCalendarRules,
    WorkshopRules,
)
from shared.contracts.violations import in_words
from shared.group import CalendarDay, Store

M = TypeVar("M", bound=BaseModel)

_LOYALTY, _MESSAGES = "loyalty.yaml", "messages.yaml"
_SETTLEMENT, _CORRECTIVE_ACTIONS = "catalog/invoicing.yaml", "corrective_actions.yaml"
_DELIVERY, _FACILITY = "catalog/delivery.yaml", "facility_checks.yaml"
_GREETING, _FOLLOW_UP, _POSTS = "greeting.yaml", "follow_up.yaml", "posts.yaml"
_DEPARTMENTS, _QUESTIONNAIRE = "departments.yaml", "questionnaire.yaml"
_STORES, _BAYS, _STAFF, _CALENDAR = "stores.yaml", "bays.yaml", "staff.yaml", "calendar.yaml"

_CATALOG: tuple[tuple[str, str, str, type[BaseModel]], ...] = (
    ("catalog/symptoms.yaml", "systems", "system", SymptomSystem),
    ("catalog/parts.yaml", "parts", "part_number", PartMaster),
    ("catalog/operations.yaml", "operations", "id", LaborOperation),
    ("catalog/packages.yaml", "packages", "id", ServicePackageDefinition),
    ("catalog/recalls.yaml", "recalls", "id", RecallCampaign),
)
"""File, list, field with the code, and model of each kind of catalog item."""

_DEPARTMENT_RULES: Mapping[str, type[RuleContent]] = {
    "promises": PromiseRules,
    "appointments": AppointmentRules,
    "authorizations": AuthorizationRules,
    "workshop": WorkshopRules,
    "customer_care": CustomerCareRules,
    "feedback": FeedbackRules,
    "attendance": AttendanceRules,
    "follow_up_reasons": FollowUpReasonRules,
    "insurance": InsuranceRules,
    "service_reminders": ServiceReminderRules,
    "survey": SurveyRules,
    "complaints": ComplaintRules,
    "defection": DefectionRules,
    "leads": LeadRules,
    "vouchers": VoucherRules,
}
"""Models of the rules of departments, by kind."""


class GroupFileError(ValueError):
    """File of the group folder that cannot be read, with the place and the reason."""


@dataclass(frozen=True)
class RuleDefinition:
    """Content of the group's rules, or of those of one store, from a day on."""

    for_store: str | None
    valid_from: date
    content: RuleContent


def read_group(folder: Path) -> list[Definition]:
    """Read all files, in the order in which managers would decide: stores first.

    Raises:
        GroupFileError: a file is missing or not YAML, lacks a field, has an unknown one, or a wrong
            value.
    """
    return [
        *_stores(folder),
        *(_rule(each) for each in read_rules(folder)),
        *_posts(folder),
        *_bays(folder),
        *_staff(folder),
        *_catalog(folder),
    ]


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
    """Steps, the checklists made of them, and the items of inspection by skill."""

    valid_from: CalendarDay
    steps: list[_Step]
    templates: dict[str, list[str]]
    inspection: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)


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
        *_with_stores(folder, _GREETING, GreetingRules),
        *_with_stores(folder, _FOLLOW_UP, FollowUpRules),
        *_questionnaire(folder),
        *_of_departments(folder),
        *_delivery(folder),
        *_calendar(folder),
        *_group_profile(folder),
    ]
    return sorted(
        found, key=lambda each: (each.content.kind, each.for_store or "", each.valid_from)
    )


def _loyalty(folder: Path) -> Iterator[RuleDefinition]:
    file = _read(_LOYALTY, _LoyaltyFile, _content(folder, _LOYALTY))
    for number, given in enumerate(file.rules):
        place = f"{_LOYALTY}: rules.{number}"
        entry = _read(place, _Dated, given)
        content = _read(place, LoyaltyRules, entry.model_extra)
        yield RuleDefinition(None, entry.valid_from, content)


def _questionnaire(folder: Path) -> Iterator[RuleDefinition]:
    entry = _read(_QUESTIONNAIRE, _Dated, _content(folder, _QUESTIONNAIRE))
    content = _read(_QUESTIONNAIRE, Questionnaire, entry.model_extra)
    yield RuleDefinition(None, entry.valid_from, content)


def _with_stores(
    folder: Path,
    name: str,
    model: type[
        MessageRules
        | SettlementRules
        | FacilityChecklistRules
        | CorrectiveActionRules
        | GreetingRules
        | FollowUpRules
    ],
) -> Iterator[RuleDefinition]:
    file = _read(name, _StoresFile, _content(folder, name))
    yield RuleDefinition(None, file.valid_from, _read(name, model, file.model_extra))
    for store_id, given in file.stores.items():
        place = f"{name}: stores.{store_id}"
        entry = _read(place, _Dated, {"valid_from": file.valid_from, **given})
        own = _read(place, model, entry.model_extra)
        yield RuleDefinition(store_id, entry.valid_from, own)


def _of_departments(folder: Path) -> Iterator[RuleDefinition]:
    file = _read(_DEPARTMENTS, _StoresFile, _content(folder, _DEPARTMENTS))
    sections = [(None, file.model_extra or {}), *file.stores.items()]
    for store_id, given in sections:
        place = f"{_DEPARTMENTS}: stores.{store_id}" if store_id else _DEPARTMENTS
        for kind, content in given.items():
            if kind not in _DEPARTMENT_RULES:
                raise GroupFileError(f"{place}.{kind}: There are no such rules.")
            own = _read(f"{place}.{kind}", _DEPARTMENT_RULES[kind], content)
            yield RuleDefinition(store_id, file.valid_from, own)


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

    checklists = [{"skill_code": skill, "items": items} for skill, items in file.inspection.items()]
    inspection = _read(f"{_DELIVERY}: inspection", InspectionChecklistRules, {"skills": checklists})
    yield RuleDefinition(None, file.valid_from, inspection)


class _CalendarFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    valid_from: CalendarDay
    closed: list[str] = Field(default_factory=list)
    overrides: dict[int, dict[str, Any]] = Field(default_factory=dict)
    shifts: dict[str, dict[str, Any]]


def _calendar(folder: Path) -> Iterator[RuleDefinition]:
    file = _read(_CALENDAR, _CalendarFile, _content(folder, _CALENDAR))
    years = [{"year": year, **given} for year, given in file.overrides.items()]
    calendar = _read(_CALENDAR, WorkingCalendarRules, {"closed": file.closed, "years": years})
    yield RuleDefinition(None, file.valid_from, calendar)
    shifts = [{"shift": code, **given} for code, given in file.shifts.items()]
    yield RuleDefinition(
        None, file.valid_from, _read(f"{_CALENDAR}: shifts", ShiftRules, {"shifts": shifts})
    )


class _Listed(BaseModel):
    """File with a list of records, which hold from the day ``valid_from`` on."""

    model_config = ConfigDict(extra="allow")

    valid_from: CalendarDay


def _group_profile(folder: Path) -> Iterator[RuleDefinition]:
    file = _read(_STORES, _Listed, _content(folder, _STORES))
    given = (file.model_extra or {}).get("group")
    yield RuleDefinition(None, file.valid_from, _read(f"{_STORES}: group", GroupProfile, given))


def _rule(rule: RuleDefinition) -> Definition:
    return Definition(
        collection="rules",
        for_store=rule.for_store,
        code=rule.content.kind,
        valid_from=rule.valid_from,
        content=rule.content,
    )


def _posts(folder: Path) -> Iterator[Definition]:
    for place, day, given in _entries(folder, _POSTS, "posts"):
        role = _code(place, given, "role")
        yield Definition(
            collection="rules",
            code=f"post_description:{role}",
            valid_from=day,
            content=_read(place, PostDescription, given),
        )


def _stores(folder: Path) -> Iterator[Definition]:
    for place, day, given in _entries(folder, _STORES, "stores"):
        store_id = _code(place, given, "id")
        yield Definition(
            collection="stores",
            code=store_id,
            valid_from=day,
            content=_read(place, StoreProfile, given),
        )


def _bays(folder: Path) -> Iterator[Definition]:
    for place, day, given in _entries(folder, _BAYS, "bays"):
        bay_id, store_id = _code(place, given, "id"), _code(place, given, "store")
        yield Definition(
            collection="bays",
            for_store=store_id,
            code=bay_id,
            valid_from=day,
            content=_read(place, BayProfile, given),
        )


def _staff(folder: Path) -> Iterator[Definition]:
    for place, day, given in _entries(folder, _STAFF, "staff"):
        person_id = _code(place, given, "id")
        stores, roles = given.pop("stores", ()), given.pop("roles", ())
        posts = [
            {"role": role, "in_store": store, "full_time": store == stores[0]}
            for role in roles
            for store in ([None] if role in GROUP_ROLES else stores)
        ]
        certificates = [{"certificate": code} for code in given.pop("certificates", ())]
        person = _read(place, Person, {**given, "posts": posts, "certificates": certificates})
        yield Definition(
            collection="staff",
            for_store=stores[0] if [post["in_store"] for post in posts] == stores[:1] else None,
            code=person_id,
            valid_from=day,
            content=person,
        )


def _catalog(folder: Path) -> Iterator[Definition]:
    for name, listed, code, model in _CATALOG:
        for place, day, given in _entries(folder, name, listed):
            kind = model.model_fields["kind"].default
            yield Definition(
                collection="catalog",
                code=f"{kind}:{_code(place, given, code)}",
                valid_from=day,
                content=_read(place, model, given),
            )


def _entries(folder: Path, name: str, listed: str) -> Iterator[tuple[str, date, dict[str, Any]]]:
    """Return the place, the first day and the fields of each entry of a list."""
    file = _read(name, _Listed, _content(folder, name))
    entries = (file.model_extra or {}).get(listed)
    if not isinstance(entries, list):
        raise GroupFileError(f"{name}.{listed}: A list is required.")
    for number, given in enumerate(entries):
        place = f"{name}: {listed}.{number}"
        if not isinstance(given, dict):
            raise GroupFileError(f"{place}: Fields are required.")
        yield place, file.valid_from, dict(given)


def _code(place: str, given: dict[str, Any], field: str) -> str:
    """Take the field that identifies an entry out of its fields."""
    code = given.pop(field, None)
    if not isinstance(code, str):
        raise GroupFileError(f"{place}.{field}: It is missing.")
    return code


def read_yaml(folder: Path, name: str) -> Any:
    """Read one file of the group folder."""
    return yaml.load((folder / name).read_text(encoding="utf-8"), yaml.CSafeLoader)


def load_stores(folder: Path) -> dict[str, Store]:
    """Return the stores by id, in the order of the file."""
    stores = (Store.model_validate(entry) for entry in read_yaml(folder, "stores.yaml")["stores"])
    return {store.id: store for store in stores}


def _content(folder: Path, name: str) -> Any:
    try:
        return read_yaml(folder, name)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise GroupFileError(f"{folder / name}: {reason}") from None


def _read(place: str, kind: type[M], given: Any) -> M:
    extra: Literal["forbid"] | None = None if issubclass(kind, _Dated | _Listed) else "forbid"
    try:
        return kind.model_validate(given, extra=extra)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise GroupFileError(f"{place}.{field}: {in_words(first['type'], first['msg'])}") from None
