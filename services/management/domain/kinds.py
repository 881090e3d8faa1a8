"""Kinds of master data, each with its model and its checks; the mechanism is the same for all.

Managers look at the records of a collection together: rules, stores, bays, the staff, the catalog.
Each collection is announced on a topic of its own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, TypeAdapter

from services.management.domain import (
    catalog,
    checklists,
    codes,
    complaints,
    completeness,
    corrective_actions,
    costs,
    customer_care,
    errors,
    leads,
    loyalty,
    messages,
    person,
    prices,
    questionnaire,
    retention,
    schedules,
    settlement,
    stores,
    vouchers,
)
from services.management.domain.person import Person
from services.management.domain.references import Beside, CollectionName, Doubt, Reference
from shared.contracts.base import GROUP, LONGEST_IDENTIFIER, EventPart, State
from shared.contracts.management import (
    GROUP_ROLES,
    STORE_ROLES,
    AppointmentRules,
    AttendanceRules,
    AuthorizationRules,
    BayDefined,
    BayProfile,
    CatalogContent,
    CatalogItemDefined,
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
    LaborRate,
    LeadRules,
    LoyaltyRules,
    MessageRules,
    MonthlyCosts,
    MonthlyCostsDefined,
    OperationPrice,
    PartMaster,
    PartPrice,
    PersonDefined,
    PostDescription,
    PriceContent,
    PriceDefined,
    PromiseRules,
    Questionnaire,
    RecallCampaign,
    RuleContent,
    RuleSetDefined,
    ServicePackageDefinition,
    ServiceReminderRules,
    SettlementRules,
    ShiftRules,
    StoreDefined,
    StoreProfile,
    SurveyRules,
    SymptomSystem,
    VoucherRules,
    WorkingCalendarRules,
    WorkshopRules,
)

Content = Annotated[
    RuleContent | StoreProfile | BayProfile | Person | CatalogContent | PriceContent | MonthlyCosts,
    Field(discriminator="kind"),
]
"""Content of a record, by its kind."""

CONTENT: TypeAdapter[Content] = TypeAdapter(Content)


class Dated(Protocol):
    """Version of a record: content that holds from a day on."""

    @property
    def content(self) -> Content | None: ...


@dataclass(frozen=True)
class Collection:
    """Records that are looked at together, and the state that announces each of them.

    ``decided_by`` says whether the group, each store, or both decide on records.
    ``stores_of`` returns the stores that a record concerns, given its owner, code and versions. Of
    records that are ``named_by_store``, each store may have its own under the same code; the code
    of another record of a store begins with that of the store.
    """

    name: CollectionName
    event: type[State]
    decided_by: Literal["group", "stores", "both"]
    stores_of: Callable[[str, str, Iterable[Dated]], Iterable[str]]
    named_by_store: bool = False

    def require_new_code(self, store_id: str, code: str) -> None:
        """Check the code of a new record, which takes none of another store, or of a program.

        Raises:
            RuleViolation: it is no code, is too long, or has to begin with that of the store.
        """
        codes.check(code.partition(":")[2] if self is CATALOG else code, of_item=self is CATALOG)
        if not (self.named_by_store or store_id == GROUP or code.startswith(f"{store_id}-")):
            raise errors.code_of_store_needed(store_id, code)
        if self.named_by_store and store_id != GROUP and len(code) > LONGEST_OWN_CODE:
            raise errors.code_too_long(LONGEST_OWN_CODE)


def _of_owner(store_id: str, _: str, __: Iterable[Dated]) -> Iterable[str]:
    return () if store_id == GROUP else (store_id,)


def _of_code(_: str, code: str, __: Iterable[Dated]) -> Iterable[str]:
    return (code,)


def _of_posts(_: str, __: str, versions: Iterable[Dated]) -> Iterable[str]:
    return {
        post.in_store
        for version in versions
        if isinstance(version.content, Person)
        for post in version.content.posts
        if post.in_store
    }


RULES = Collection("rules", RuleSetDefined, "both", _of_owner, named_by_store=True)
STORES = Collection("stores", StoreDefined, "group", _of_code)
BAYS = Collection("bays", BayDefined, "stores", _of_owner)
STAFF = Collection("staff", PersonDefined, "both", _of_posts)
CATALOG = Collection("catalog", CatalogItemDefined, "group", _of_owner)
PRICES = Collection("prices", PriceDefined, "both", _of_owner, named_by_store=True)
COSTS = Collection("costs", MonthlyCostsDefined, "stores", _of_owner, named_by_store=True)

COLLECTIONS: Mapping[CollectionName, Collection] = {
    each.name: each for each in (RULES, STORES, BAYS, STAFF, CATALOG, PRICES, COSTS)
}

Check = Callable[[Any], None]
"""Check of the content of a kind, which raises a RuleViolation."""

LONGEST_OWN_CODE = LONGEST_IDENTIFIER - len(".") - stores.LONGEST_CODE
"""Longest code of a record that each store may have: its id ends with that of the store."""

CheckBeside = Callable[[Any, Any], None]
"""Check of a store's content beside the group's, which raises a RuleViolation."""

CheckCode = Callable[[str, date], None]
"""Check of the code of a record, given the day of today, which raises a RuleViolation."""

CheckOwner = Callable[[Any, str], None]
"""Check of content for the store, or the group, that decides on it; raises a RuleViolation."""

DecidedBy = Callable[[Any, str], str]
"""Store that decides on content, or GROUP, given the owner of its record."""

References = Callable[[Any, str, str], Iterable[Reference]]
"""Other records that content names, or the code of its record, given their owner."""

Doubts = Callable[[Any, str, str, Beside], Iterable[Doubt]]
"""Possible mistakes in the content of a record with this owner and code."""


def _nothing(*_: Any) -> None:
    """Check nothing more."""


def _owner(_: Any, owner: str) -> str:
    """Return the owner of a record, who decides on it."""
    return owner


def _none(*_: Any) -> tuple[()]:
    """Return nothing."""
    return ()


@dataclass(frozen=True)
class Kind:
    """One kind of content.

    Of rules, a store may have its own where it is ``for_stores``; they come before the group's,
    must pass ``check_beside`` them, and the group's must pass ``check_complete``. Where they are
    ``by_role``, there is one set a role.
    """

    name: str
    collection: Collection
    content: type[EventPart]
    check: Check = _nothing
    for_stores: bool = True
    by_role: bool = False
    check_complete: Check = _nothing
    check_beside: CheckBeside = _nothing
    check_owner: CheckOwner = _nothing
    check_code: CheckCode = _nothing
    decided_by: DecidedBy = _owner
    references: References = _none
    doubts: Doubts = _none

    def codes(self, store_id: str) -> Sequence[str]:
        """Return the codes of the rules of this kind on which a store, or the group, decides."""
        if store_id != GROUP and not self.for_stores:
            return ()
        if not self.by_role:
            return (self.name,)
        return tuple(f"{self.name}:{role}" for role in _roles_of(store_id))

    def require(self, content: EventPart, store_id: str, group: Content | None = None) -> None:
        """Check content before it is decided on; ``group`` is what the group's rules say then.

        Raises:
            RuleViolation: it breaks a rule of its kind.
        """
        self.check(content)
        self.check_owner(content, store_id)
        if store_id == GROUP:
            self.check_complete(content)
        elif group is not None:
            self.check_beside(content, group)


def _rules(name: str, content: type[EventPart], check: Check, **more: Any) -> Kind:
    return Kind(name, RULES, content, check, **more)


def _roles_of(store_id: str) -> Sequence[str]:
    """Return the roles on whose posts a store, or the group, decides."""
    return (*STORE_ROLES, *GROUP_ROLES) if store_id == GROUP else STORE_ROLES


def _price(name: str, content: type[EventPart]) -> Kind:
    return Kind(name, PRICES, content, references=prices.references, doubts=prices.doubts)


def _catalog(name: str, content: type[EventPart]) -> Kind:
    return Kind(
        name,
        CATALOG,
        content,
        catalog.check,
        references=catalog.references,
        doubts=catalog.doubts,
    )


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        _rules("loyalty", LoyaltyRules, loyalty.check, for_stores=False),
        _rules("messages", MessageRules, messages.check, check_complete=messages.check_complete),
        _rules(
            "settlement",
            SettlementRules,
            settlement.check,
            check_complete=completeness.check_complete,
            check_beside=settlement.check_beside,
        ),
        _rules("delivery_checklist", DeliveryChecklistRules, checklists.check_delivery),
        _rules("facility_checklist", FacilityChecklistRules, checklists.check_facility),
        _rules(
            "corrective_actions",
            CorrectiveActionRules,
            corrective_actions.check,
            check_complete=corrective_actions.check_complete,
        ),
        _rules("inspection_checklist", InspectionChecklistRules, schedules.check_inspection),
        _rules("shifts", ShiftRules, schedules.check_shifts),
        _rules(
            "working_calendar", WorkingCalendarRules, schedules.check_calendar, for_stores=False
        ),
        _rules("group_profile", GroupProfile, _nothing, for_stores=False),
        _rules("greeting", GreetingRules, _nothing),
        _rules("follow_up", FollowUpRules, _nothing, check_complete=completeness.check_complete),
        _rules("follow_up_reasons", FollowUpReasonRules, customer_care.check_reasons),
        _rules("promises", PromiseRules, _nothing),
        _rules("appointments", AppointmentRules, _nothing),
        _rules("authorizations", AuthorizationRules, _nothing),
        _rules("workshop", WorkshopRules, _nothing),
        _rules("customer_care", CustomerCareRules, customer_care.check),
        _rules("feedback", FeedbackRules, _nothing),
        _rules("attendance", AttendanceRules, schedules.check_attendance),
        _rules("insurance", InsuranceRules, retention.check_insurance),
        _rules("service_reminders", ServiceReminderRules, retention.check_reminders),
        _rules("questionnaire", Questionnaire, questionnaire.check, for_stores=False),
        _rules("survey", SurveyRules, _nothing),
        _rules("complaints", ComplaintRules, complaints.check),
        _rules("defection", DefectionRules, _nothing),
        _rules("leads", LeadRules, leads.check),
        _rules("vouchers", VoucherRules, vouchers.check),
        _rules("post_description", PostDescription, _nothing, by_role=True),
        Kind("store", STORES, StoreProfile, stores.check_store),
        Kind("bay", BAYS, BayProfile, stores.check_bay),
        Kind(
            "person",
            STAFF,
            Person,
            person.check,
            check_owner=person.check_owner,
            decided_by=person.decided_by,
            references=person.references,
        ),
        _catalog("operation", LaborOperation),
        _catalog("part", PartMaster),
        _catalog("package", ServicePackageDefinition),
        _catalog("symptoms", SymptomSystem),
        _catalog("recall", RecallCampaign),
        _price("part_price", PartPrice),
        _price("operation_price", OperationPrice),
        _price("labor_rate", LaborRate),
        Kind("monthly_costs", COSTS, MonthlyCosts, check_code=costs.check_month),
    )
}


def kind_of(content: EventPart) -> Kind:
    """Return the kind of ``content``."""
    name: str = content.kind  # type: ignore[attr-defined]
    return KINDS[name]


def kind_in(collection: Collection, store_id: str, code: str) -> Kind:
    """Return the kind of the record with this code.

    Raises:
        RuleViolation: the group, or a store, has no such records.
    """
    if collection is STORES:
        stores.check_code(code)
    if collection.decided_by == ("stores" if store_id == GROUP else "group"):
        raise errors.decided_by_others(collection.name)
    if collection is RULES:
        return _kind_of_rules(store_id, code)
    if collection in (CATALOG, PRICES):
        kind = KINDS.get(code.partition(":")[0])
        if kind is None or kind.collection is not collection or not code.partition(":")[2]:
            raise errors.unknown_kind(code)
        if collection is PRICES:
            prices.check_code(store_id, code)
        return kind
    return next(kind for kind in KINDS.values() if kind.collection is collection)


def _kind_of_rules(store_id: str, code: str) -> Kind:
    name, _, role = code.partition(":")
    kind = KINDS.get(name)
    if kind is None or kind.collection is not RULES or bool(role) > kind.by_role:
        raise errors.unknown_kind(code)
    if store_id != GROUP and not kind.for_stores:
        raise errors.no_rules_of_stores(code)
    if kind.by_role and role not in _roles_of(store_id):
        raise errors.no_such_role_there(role, "code", _roles_of(store_id))
    return kind


def record_id_of(collection: Collection, store_id: str, code: str) -> str:
    """Return the id of the record with this code, which names the store where each has its own."""
    return f"{code}.{store_id}" if collection.named_by_store and store_id != GROUP else code
