"""Rules (规则): each kind's content, and the state of a rule set."""

from collections.abc import Mapping, Set
from typing import Annotated, Literal, get_args

from pydantic import Field

from shared.contracts.base import (
    BusinessDate,
    Cents,
    Code,
    DisplayName,
    EventPart,
    LocalTime,
    State,
)
from shared.contracts.management.work import CorrectiveActionSource

RuleKind = Literal[
    "loyalty",
    "messages",
    "settlement",
    "delivery_checklist",
    "facility_checklist",
    "corrective_actions",
    "inspection_checklist",
    "shifts",
    "working_calendar",
    "group_profile",
    "greeting",
    "follow_up",
    "post_description",
]
"""Kinds of rules: 忠诚度、客户通知、结算、交车检查单、日常检查单、整改责任、
质检单、班次、工作日历、集团档案、接待、回访、岗位说明书."""

LOYALTY_TIERS: tuple[str, ...] = ("gold", "silver", "bronze")
"""Codes of the tiers (忠诚度等级): 金卡、银卡、铜卡."""

MESSAGE_LANGUAGES: tuple[str, ...] = ("zh", "en")

MESSAGE_PLACEHOLDERS: Mapping[str, Set[str]] = {
    "authorization": {"amount_cents"},
    "additional_work": {"amount_cents", "promised_at"},
    "at_risk": {"promised_at", "likely_at"},
    "promise_changed": {"promised_at"},
    "ready": {"ready_at"},
    "overdue_payment": {"amount_cents", "due_at"},
    "appointment_reminder": {"appointment_at"},
}
"""Placeholders of each message type, besides ``{store}`` and ``{name}``."""

LINKED_MESSAGES: Set[str] = frozenset({"authorization", "additional_work"})
"""Message types whose text has a ``{link}`` for the customer's answer."""

CORRECTIVE_ACTION_SOURCES: tuple[str, ...] = get_args(CorrectiveActionSource)
"""Codes of what leads to a corrective action (整改来源)."""

FEEDBACK_FINDINGS: tuple[str, ...] = ("work_quality", "technical_skill", "service_attitude")
"""Codes of what a customer may find bad: 维修质量、技术水平、服务态度."""

FINDINGS_OF_SOURCE: Mapping[str, Set[str]] = {
    "feedback": frozenset(FEEDBACK_FINDINGS),
    "follow_up": frozenset({"satisfaction"}),
}
"""Codes of what a source may find, for sources that find nothing else; the others find what the
catalog and the checklists name.
"""

STORE_ROLES: tuple[str, ...] = (
    "service_advisor",
    "front_desk_supervisor",
    "dispatcher",
    "technician",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    "customer_care_agent",
    "customer_care_manager",
    "service_manager",
)
"""Codes of the roles of a store's staff (岗位)."""

GROUP_ROLES: tuple[str, ...] = (
    "trainer",
    "group_service_manager",
    "group_parts_manager",
    "group_customer_care_manager",
    "group_finance_manager",
    "group_manager",
    "operator",
)
"""Codes of the roles of the group's staff (集团岗位)."""


class LoyaltyTier(EventPart):
    """Requirements of a tier (忠诚度等级): visits and spend within the period, and the longest time
    since the last visit.
    """

    tier: Code
    visits: Annotated[int, Field(ge=0, le=1000)]
    spend_cents: Cents
    max_days_since_last_visit: Annotated[int, Field(ge=1, le=3660)]


LoyaltyTiers = Annotated[tuple[LoyaltyTier, ...], Field(min_length=1, max_length=10)]


class LoyaltyRules(EventPart):
    """Rules of loyalty (忠诚度规则): tiers, best first, for all brands or those of ``brands``."""

    kind: Literal["loyalty"] = "loyalty"
    period_days: Annotated[int, Field(ge=1, le=3660)]
    tiers: LoyaltyTiers
    brands: dict[str, LoyaltyTiers] = Field(default_factory=dict)


class QuietHours(EventPart):
    """Local times between which customers get no message (免打扰时段); it may pass midnight."""

    starts: LocalTime
    ends: LocalTime


class MessageTemplate(EventPart):
    """Published wording of a message (消息模板); ``call`` is what an agent says on the phone."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=2000)]
    call: Annotated[str, Field(min_length=1, max_length=2000)] | None = None


class MessageRules(EventPart):
    """Rules of messages to customers (客户通知规则).

    Templates stand by message type and language. A customer whom an agent calls about a message and
    does not reach is called ``most_calls`` times. What a store leaves out holds as in the group.
    """

    kind: Literal["messages"] = "messages"
    quiet_hours: QuietHours | None = None
    notify_at_risk: bool | None = None
    most_calls: Annotated[int, Field(ge=1, le=10)] | None = None
    templates: dict[Code, dict[Code, MessageTemplate]] = Field(default_factory=dict)


DiscountLimit = Annotated[int, Field(ge=0, le=10_000)]
"""Largest discount that a role may approve, in basis points of what the customer pays."""

ClaimDays = Annotated[int, Field(ge=1, le=365)]

DunningDays = Annotated[
    tuple[Annotated[int, Field(ge=0, le=365)], ...], Field(min_length=1, max_length=10)
]

ReminderDays = Annotated[
    tuple[Annotated[int, Field(ge=-365, le=365)], ...], Field(min_length=1, max_length=10)
]
"""Days from a deadline, before it where they are negative."""


class SettlementRules(EventPart):
    """Rules of settlement (结算规则): discounts, receivables and warranty claims.

    A receivable is reminded of ``dunning_days`` after it was due. A claim has to be submitted, and
    answered, within so many days; the advisor, then the manager, then the group is reminded on the
    days from either deadline. What a store leaves out holds as in the group.
    """

    kind: Literal["settlement"] = "settlement"
    service_advisor_discount_bp: DiscountLimit | None = None
    service_manager_discount_bp: DiscountLimit | None = None
    group_manager_discount_bp: DiscountLimit | None = None
    dunning_days: DunningDays | None = None
    claim_submission_days: ClaimDays | None = None
    claim_decision_days: ClaimDays | None = None
    claim_submission_reminder_days: ReminderDays | None = None
    claim_decision_reminder_days: ReminderDays | None = None


class ChecklistStep(EventPart):
    """Step of delivery (交车步骤), with what makes it necessary again after it was done.

    That is other work, or another amount that the customer pays.
    """

    step: Code
    zh: DisplayName
    en: DisplayName
    repeat_after_work: bool
    repeat_after_invoice: bool


class DeliveryChecklistRules(EventPart):
    """Steps of delivery in their order (交车检查单)."""

    kind: Literal["delivery_checklist"] = "delivery_checklist"
    steps: Annotated[tuple[ChecklistStep, ...], Field(min_length=1, max_length=40)]


class FacilityItem(EventPart):
    """Item of an area that is looked at each day (检查项目)."""

    item: Code
    zh: DisplayName
    en: DisplayName


class FacilityArea(EventPart):
    """Area of the premises (检查区域), looked at each day by the local time ``due``."""

    area: Code
    zh: DisplayName
    en: DisplayName
    due: LocalTime
    items: Annotated[tuple[FacilityItem, ...], Field(min_length=1, max_length=50)]


class FacilityChecklistRules(EventPart):
    """Areas of the premises with their items (日常检查单)."""

    kind: Literal["facility_checklist"] = "facility_checklist"
    areas: Annotated[tuple[FacilityArea, ...], Field(min_length=1, max_length=20)]


class CorrectiveActionRule(EventPart):
    """Role of the owner, and days until the deadline, for what a source finds.

    Without ``finding`` it holds for all other findings of the source.
    """

    source: Code
    finding: Code | None = None
    role: Code
    days: Annotated[int, Field(ge=1, le=365)]


class CorrectiveActionRules(EventPart):
    """Rules of corrective actions (整改责任规则): who puts right what, and by when.

    What a store leaves out holds as in the group.
    """

    kind: Literal["corrective_actions"] = "corrective_actions"
    rules: Annotated[tuple[CorrectiveActionRule, ...], Field(min_length=1, max_length=100)]


class InspectionItem(EventPart):
    """Item of an inspection (质检项目); a critical one is looked at on every job."""

    item: Code
    zh: DisplayName
    en: DisplayName
    critical: bool = False


class InspectionList(EventPart):
    """Items that are looked at on a job of one skill (质检单)."""

    skill_code: Code
    items: Annotated[tuple[InspectionItem, ...], Field(min_length=1, max_length=50)]


class InspectionChecklistRules(EventPart):
    """Inspection checklists by skill (质检单)."""

    kind: Literal["inspection_checklist"] = "inspection_checklist"
    skills: Annotated[tuple[InspectionList, ...], Field(min_length=1, max_length=20)]


class Break(EventPart):
    """Break within a shift (休息), in local times."""

    start: LocalTime
    finish: LocalTime


class ShiftPattern(EventPart):
    """Shift (班次) with its weekdays, of which 1 is Monday, and its local times.

    A shift that finishes before it starts ends on the next day, and counts to the day it starts on.
    """

    shift: Code
    zh: DisplayName
    en: DisplayName
    weekdays: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(min_length=1)]
    start: LocalTime
    finish: LocalTime
    breaks: Annotated[tuple[Break, ...], Field(max_length=10)] = ()


class ShiftRules(EventPart):
    """Shifts that the staff works in (班次)."""

    kind: Literal["shifts"] = "shifts"
    shifts: Annotated[tuple[ShiftPattern, ...], Field(min_length=1, max_length=100)]


class CalendarYear(EventPart):
    """Year whose holiday notice the platform does not know yet; an assumed one is not published."""

    year: Annotated[int, Field(ge=2000, le=2100)]
    assumed: bool = False
    holidays: Annotated[tuple[BusinessDate, ...], Field(max_length=120)] = ()
    workdays: Annotated[tuple[BusinessDate, ...], Field(max_length=60)] = ()


class WorkingCalendarRules(EventPart):
    """Working calendar of the group (工作日历): days on which every store is closed, and years."""

    kind: Literal["working_calendar"] = "working_calendar"
    closed: Annotated[tuple[BusinessDate, ...], Field(max_length=1000)] = ()
    years: Annotated[tuple[CalendarYear, ...], Field(max_length=50)] = ()


class GroupProfile(EventPart):
    """Name of the group (集团档案)."""

    kind: Literal["group_profile"] = "group_profile"
    zh: DisplayName
    en: DisplayName


class GreetingRules(EventPart):
    """Rules of greeting (接待规则): a customer is greeted within ``limit_s`` of the arrival."""

    kind: Literal["greeting"] = "greeting"
    limit_s: Annotated[int, Field(ge=1, le=86_400)]


WorkingDays = Annotated[int, Field(ge=1, le=30)]


class FollowUpRules(EventPart):
    """Rules of follow-up (回访规则).

    A customer is called so many working days after the delivery, at the local time ``calls_at``.
    Who is not reached is called again on working days with that distance, until the last of the
    ``attempts``. What a store leaves out holds as in the group.
    """

    kind: Literal["follow_up"] = "follow_up"
    days_after_delivery: WorkingDays | None = None
    calls_at: LocalTime | None = None
    attempts: Annotated[int, Field(ge=1, le=10)] | None = None
    days_between_attempts: WorkingDays | None = None


class Statement(EventPart):
    """Published sentence in both languages."""

    zh: Annotated[str, Field(min_length=1, max_length=300)]
    en: Annotated[str, Field(min_length=1, max_length=300)]


Statements = Annotated[tuple[Statement, ...], Field(max_length=40)]


class PostDescription(EventPart):
    """Description of a post (岗位说明书).

    It has tasks (职责), qualification (任职资格) and ability (能力).
    """

    kind: Literal["post_description"] = "post_description"
    tasks: Annotated[Statements, Field(min_length=1)]
    qualification: Statements = ()
    ability: Statements = ()


RuleContent = Annotated[
    LoyaltyRules
    | MessageRules
    | SettlementRules
    | DeliveryChecklistRules
    | FacilityChecklistRules
    | CorrectiveActionRules
    | InspectionChecklistRules
    | ShiftRules
    | WorkingCalendarRules
    | GroupProfile
    | GreetingRules
    | FollowUpRules
    | PostDescription,
    Field(discriminator="kind"),
]
"""Content of a rule set, by its kind."""


class RuleVersion(EventPart):
    """Content that holds from a day on until the next version's; without content, none holds."""

    valid_from: BusinessDate
    content: RuleContent | None


class RuleSetDefined(State):
    """A rule set as it is now decided (规则): all its versions, the earliest first.

    There is one set of a kind; of post descriptions one a role, such as
    ``post_description:technician``.
    ``for_stores`` is the store whose own rules they are; those of the group have none.
    """

    topic = "aftersales.management.rules.v1"

    versions: tuple[RuleVersion, ...]
