"""Kinds of master data: the collection, the model of the content, and how a record is named."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from services.desk import formats
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from shared.contracts.base import DisplayName
from shared.contracts.management import (
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
    LaborRate,
    LeadRules,
    LoyaltyRules,
    MessageRules,
    MonthlyCosts,
    OperationPrice,
    PartMaster,
    PartPrice,
    PostDescription,
    PromiseRules,
    Questionnaire,
    RecallCampaign,
    ServicePackageDefinition,
    ServiceReminderRules,
    SettlementRules,
    ShiftRules,
    StaffProfile,
    StoreProfile,
    SurveyRules,
    SymptomSystem,
    VoucherRules,
    WorkingCalendarRules,
    WorkshopRules,
)

Content = BaseModel
"""Content of a record: a model of its kind."""

CollectionName = Literal["rules", "stores", "bays", "staff", "catalog", "prices", "costs"]
"""规则、门店、工位、员工、目录、价目、月度成本."""


class Person(StaffProfile):
    """Person (员工) as management knows them, with names and telephone."""

    zh: DisplayName
    en: DisplayName
    telephone: Annotated[str, Field(max_length=40)] | None = None


MODELS: Mapping[CollectionName, Mapping[str, type[Content]]] = {
    "rules": {
        "loyalty": LoyaltyRules,
        "messages": MessageRules,
        "settlement": SettlementRules,
        "delivery_checklist": DeliveryChecklistRules,
        "facility_checklist": FacilityChecklistRules,
        "corrective_actions": CorrectiveActionRules,
        "inspection_checklist": InspectionChecklistRules,
        "shifts": ShiftRules,
        "working_calendar": WorkingCalendarRules,
        "group_profile": GroupProfile,
        "greeting": GreetingRules,
        "follow_up": FollowUpRules,
        "promises": PromiseRules,
        "appointments": AppointmentRules,
        "authorizations": AuthorizationRules,
        "workshop": WorkshopRules,
        "customer_care": CustomerCareRules,
        "feedback": FeedbackRules,
        "attendance": AttendanceRules,
        "insurance": InsuranceRules,
        "service_reminders": ServiceReminderRules,
        "questionnaire": Questionnaire,
        "survey": SurveyRules,
        "complaints": ComplaintRules,
        "defection": DefectionRules,
        "leads": LeadRules,
        "vouchers": VoucherRules,
        "post_description": PostDescription,
        "follow_up_reasons": FollowUpReasonRules,
    },
    "stores": {"store": StoreProfile},
    "bays": {"bay": BayProfile},
    "staff": {"person": Person},
    "catalog": {
        "operation": LaborOperation,
        "part": PartMaster,
        "package": ServicePackageDefinition,
        "symptoms": SymptomSystem,
        "recall": RecallCampaign,
    },
    "prices": {
        "part_price": PartPrice,
        "operation_price": OperationPrice,
        "labor_rate": LaborRate,
    },
    "costs": {"monthly_costs": MonthlyCosts},
}
"""Models of content by collection and kind."""

CODES_BEGIN_WITH_KIND: frozenset[CollectionName] = frozenset({"catalog", "prices"})

POST = "post_description"
"""Kind of rules of which there is one set a role, whose code ends with the role."""


def kind_of(collection: CollectionName, code: str) -> str | None:
    """Return the kind of the record with this code, where there can be one."""
    kinds = MODELS[collection]
    if collection == "rules":
        kind, _, role = code.partition(":")
        return kind if kind in kinds and bool(role) == (kind == POST) else None
    if collection in CODES_BEGIN_WITH_KIND:
        kind, _, rest = code.partition(":")
        return kind if kind in kinds and rest else None
    return next(iter(kinds))


def name_of_record(ctx: PageContext, kind: str, code: str, content: Content | None) -> str:
    """Return the name of a record: of rules the kind, else that of its content, else the code."""
    t = ctx.t
    _, _, item = code.partition(":")
    if kind == POST:
        return t.code("role", item)
    if kind in MODELS["rules"]:
        return t.code("rule_kind", kind)
    if kind in MODELS["prices"]:
        *price_list, item = item.split(":", 1)
        named = t.code("skill_code", item) if kind == "labor_rate" else item
        return " · ".join([*price_list, named])
    values: dict[str, Any] = content.model_dump() if content else {}
    if kind == "bay" and content:
        return f"{t.code('bay', values['type'])} {values['number']}"
    return str(values.get(t.language, code))


def summary_of(ctx: PageContext, kind: str, content: Content | None) -> str:
    """Return what matters most in the content of a record, in one line."""
    if content is None:
        return NOTHING
    t, values = ctx.t, content.model_dump()
    summaries: Mapping[str, Callable[[], str]] = {
        "person": lambda: t.listed(_post(ctx, post) for post in values["posts"]),
        "store": lambda: f"{values['city'][t.language]} · {values['brand'][t.language]}",
        "bay": lambda: t.listed(t.code("bay", each) for each in values["capabilities"]),
        "operation": lambda: (
            f"{t.code('skill_code', values['skill_code'])} · "
            f"{t('{hours} h', hours=format(values['standard_hours'], 'g'))}"
        ),
        "part": lambda: formats.money(values["list_price_cents"]),
        "monthly_costs": lambda: formats.money(_costs(values) - values["vehicle_profit_cents"]),
        **dict.fromkeys(
            ("package", *MODELS["prices"]), lambda: formats.money(values["price_cents"])
        ),
    }
    return summaries[kind]() if kind in summaries else NOTHING


def _costs(values: Mapping[str, Any]) -> int:
    """Return the sum of all costs of a month."""
    costs = ("building_cents", "staff_cents", "working_capital_cents", "advertising_cents")
    return sum(values[each] for each in costs)


def _post(ctx: PageContext, post: Mapping[str, Any]) -> str:
    role = ctx.t.code("role", post["role"])
    return ctx.t("{role} ({store})", role=role, store=_place(ctx, post["in_store"]))


def _place(ctx: PageContext, store_id: str | None) -> str:
    return ctx.t("Whole group") if store_id is None else ctx.t.of(ctx.store_of(store_id))
