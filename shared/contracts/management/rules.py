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
    Identifier,
    LocalTime,
    State,
)
from shared.contracts.crm import ComplaintCause, ComplaintSeverity
from shared.contracts.management.surveys import Questionnaire, SurveyRules
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
    "promises",
    "appointments",
    "authorizations",
    "workshop",
    "customer_care",
    "feedback",
    "attendance",
    "insurance",
    "service_reminders",
    "questionnaire",
    "survey",
    "defection",
    "leads",
    "vouchers",
    "post_description",
    "follow_up_reasons",
    "complaints",
]
"""Kinds of rules: 忠诚度、客户通知、结算、交车检查单、日常检查单、整改责任、
质检单、班次、工作日历、集团档案、接待、回访、承诺、预约、客户授权、车间、客户关怀、客户评价、考勤、
续保、保养提醒、满意度问卷、满意度调查、流失、销售线索、发券、岗位说明书、回访事由、投诉."""

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
    "survey": set(),
    "campaign": {"campaign", "ends_at"},
}
"""Placeholders of each message type, besides ``{store}`` and ``{name}``."""

LINKED_MESSAGES: Set[str] = frozenset({"authorization", "additional_work", "survey"})
"""Message types whose text has a ``{link}`` for the customer's answer."""

CORRECTIVE_ACTION_SOURCES: tuple[str, ...] = get_args(CorrectiveActionSource)
"""Codes of what leads to a corrective action (整改来源)."""

COMPLAINT_SEVERITIES: tuple[str, ...] = get_args(ComplaintSeverity)
"""Codes of the severity classes of complaints (投诉等级)."""

COMPLAINT_CAUSES: tuple[str, ...] = get_args(ComplaintCause)
"""Codes of the causes of complaints (投诉原因)."""

FEEDBACK_FINDINGS: tuple[str, ...] = ("work_quality", "technical_skill", "service_attitude")
"""Codes of what a customer may find bad: 维修质量、技术水平、服务态度."""

FINDINGS_OF_SOURCE: Mapping[str, Set[str]] = {
    "feedback": frozenset(FEEDBACK_FINDINGS),
    "follow_up": frozenset({"satisfaction"}),
    "complaint": frozenset(COMPLAINT_CAUSES),
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
    "sales_manager",
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


EntitlementKind = Literal["priority", "lounge", "gift", "voucher"]
"""Special treatment (特别待遇): 优先接待、贵宾休息室、礼品、代金券."""


class Entitlement(EventPart):
    """What a customer of a tier is entitled to at reception (特别待遇).

    A gift or voucher is given once in ``days_between``; a voucher is worth ``value_cents`` and
    expires ``valid_days`` after it is issued.
    """

    entitlement: EntitlementKind
    days_between: Annotated[int, Field(ge=1, le=3660)] | None = None
    value_cents: Cents | None = None
    valid_days: Annotated[int, Field(ge=1, le=3660)] | None = None


Entitlements = Annotated[tuple[Entitlement, ...], Field(min_length=1, max_length=4)]

LoyaltyTiers = Annotated[tuple[LoyaltyTier, ...], Field(min_length=1, max_length=10)]


class LoyaltyRules(EventPart):
    """Rules of loyalty (忠诚度规则): tiers, best first, for all brands or those of ``brands``.

    ``entitlements`` say by tier what its customers are entitled to.
    """

    kind: Literal["loyalty"] = "loyalty"
    period_days: Annotated[int, Field(ge=1, le=3660)]
    tiers: LoyaltyTiers
    brands: dict[str, LoyaltyTiers] = Field(default_factory=dict)
    entitlements: dict[Code, Entitlements] = Field(default_factory=dict)


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
    limit_s: Annotated[int, Field(ge=1, le=86_400)] = 600


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


FOLLOW_UP_REASONS: tuple[str, ...] = (
    "complaint_revisit",
    "ad_hoc",
    "delivery",
    "first_contact",
    "insurance_renewal",
    "service_reminder",
    "win_back",
    "long_silence",
    "survey",
    "birthday",
    "campaign",
)
"""Codes of the reasons to call a customer (回访事由), those that matter most first."""


CallScript = Annotated[str, Field(min_length=1, max_length=2000)]


class FollowUpReasonRule(EventPart):
    """Reason to call a customer (回访事由).

    Where a call that matters more is too close, this one is moved behind it, dropped, or kept at
    its time (``if_crowded``). ``after_days`` lie between what gives the reason and the call, where
    that matters. The scripts (话术) are what an agent says.
    """

    reason: Code
    if_crowded: Literal["move", "drop", "keep"] = "move"
    after_days: Annotated[int, Field(ge=0, le=3660)] | None = None
    script_zh: CallScript | None = None
    script_en: CallScript | None = None


_REASON_RULES: tuple[FollowUpReasonRule, ...] = (
    FollowUpReasonRule(reason="complaint_revisit"),
    FollowUpReasonRule(reason="ad_hoc", if_crowded="keep"),
    FollowUpReasonRule(reason="delivery"),
    FollowUpReasonRule(reason="first_contact", if_crowded="drop", after_days=3),
    FollowUpReasonRule(reason="insurance_renewal"),
    FollowUpReasonRule(reason="service_reminder"),
    FollowUpReasonRule(reason="win_back"),
    FollowUpReasonRule(reason="long_silence", if_crowded="drop", after_days=180),
    FollowUpReasonRule(reason="survey", if_crowded="drop"),
    FollowUpReasonRule(reason="birthday", if_crowded="drop", after_days=0),
    FollowUpReasonRule(reason="campaign", if_crowded="drop"),
)


class FollowUpReasonRules(EventPart):
    """Reasons to call customers (回访事由规则), those that matter most first.

    A customer is reached once in ``days_between_contacts``. No customer is called for a reason that
    is left out.
    """

    kind: Literal["follow_up_reasons"] = "follow_up_reasons"
    days_between_contacts: Annotated[int, Field(ge=1, le=90)] = 7
    reasons: Annotated[tuple[FollowUpReasonRule, ...], Field(min_length=1, max_length=20)] = (
        _REASON_RULES
    )


class PromiseRules(EventPart):
    """Rules of promises (承诺规则).

    A promise is quoted with the confidence ``confidence_bp``, for ``days_ahead`` at most. Reserved
    capacity expires after ``hold_minutes`` without an order. While the customer decides, a promise
    may move by ``tolerance_minutes``. Where the workshop is unavailable and has not published
    enough free time, a promise is ``provisional_delay_minutes`` later than the work alone would
    take. An alert of a promise at risk ends ``alert_margin_bp`` above the store's threshold.
    """

    kind: Literal["promises"] = "promises"
    confidence_bp: Annotated[int, Field(ge=5_000, le=9_900)] = 9_500
    days_ahead: Annotated[int, Field(ge=1, le=365)] = 365
    tolerance_minutes: Annotated[int, Field(ge=0, le=240)] = 15
    provisional_delay_minutes: Annotated[int, Field(ge=0, le=10_080)] = 1_440
    hold_minutes: Annotated[int, Field(ge=1, le=240)] = 15
    alert_margin_bp: Annotated[int, Field(ge=0, le=5_000)] = 1_000


class AppointmentRules(EventPart):
    """Rules of appointments (预约规则).

    An appointment is booked ``days_ahead`` at most. Work begins within ``latest_start_minutes`` of
    the booked time, and capacity stays reserved for ``hold_grace_minutes`` after it.
    """

    kind: Literal["appointments"] = "appointments"
    days_ahead: Annotated[int, Field(ge=1, le=365)] = 60
    latest_start_minutes: Annotated[int, Field(ge=0, le=480)] = 60
    hold_grace_minutes: Annotated[int, Field(ge=0, le=480)] = 60


class AuthorizationRules(EventPart):
    """Rules of authorization by a one-time link (客户授权规则).

    A link expires after ``link_minutes``. An address counts as new for ``new_contact_days``.
    """

    kind: Literal["authorizations"] = "authorizations"
    link_minutes: Annotated[int, Field(ge=15, le=20_160)] = 1_440
    new_contact_days: Annotated[int, Field(ge=1, le=365)] = 14


class WorkshopRules(EventPart):
    """Rules of the workshop (车间规则).

    A return for the same symptom within ``comeback_days`` is a comeback (外返). Rework takes
    ``rework_share_bp`` of the standard hours of its job. The workshop plans ``planning_days``
    ahead, and plans work again that has not begun ``late_start_grace_minutes`` after its time. The
    board shows a promise as close with less than ``close_promise_minutes`` left.
    """

    kind: Literal["workshop"] = "workshop"
    comeback_days: Annotated[int, Field(ge=1, le=365)] = 30
    rework_share_bp: Annotated[int, Field(ge=100, le=10_000)] = 5_000
    planning_days: Annotated[int, Field(ge=2, le=30)] = 14
    late_start_grace_minutes: Annotated[int, Field(ge=1, le=240)] = 10
    close_promise_minutes: Annotated[int, Field(ge=0, le=240)] = 15


class CustomerCareRules(EventPart):
    """Rules of customer care (客户关怀规则).

    A message that a channel did not accept is sent again after each of ``retry_minutes``. Customers
    are called by the staff of the first of ``calling_roles`` that is at work; a new customer within
    ``first_contact_days``.
    """

    kind: Literal["customer_care"] = "customer_care"
    retry_minutes: Annotated[
        tuple[Annotated[int, Field(ge=1, le=1_440)], ...], Field(min_length=1, max_length=10)
    ] = (1, 5, 15)
    calling_roles: Annotated[tuple[Code, ...], Field(min_length=1, max_length=11)] = (
        "customer_care_agent",
        "customer_care_manager",
        "service_manager",
    )
    first_contact_days: Annotated[int, Field(ge=1, le=90)] = 7


class FeedbackRules(EventPart):
    """Rules of feedback (客户评价规则).

    A rating under ``lowest_acceptable_rating``, of 1 to 5, leads to a corrective action.
    """

    kind: Literal["feedback"] = "feedback"
    lowest_acceptable_rating: Annotated[int, Field(ge=2, le=5)] = 3


class AttendanceRules(EventPart):
    """Rules of attendance (考勤规则).

    The day of someone without a shift begins at the local time ``day_begins``. A sign-out is missed
    ``missed_sign_out_minutes`` after a sign-in past the end of the shift.
    """

    kind: Literal["attendance"] = "attendance"
    day_begins: LocalTime = "04:00"
    missed_sign_out_minutes: Annotated[int, Field(ge=30, le=960)] = 240


class Insurer(EventPart):
    """Insurer (保险公司) whose policies the group's stores sell."""

    insurer: Code
    zh: DisplayName
    en: DisplayName


class DefectionRules(EventPart):
    """Rules of defection (流失规则).

    By the formula, a customer is lost who did not come in the ``lapse_months`` calendar months
    after that of the last visit. By their own rhythm they are lost when they stay away for longer
    than their earlier visits explain; ``fewest_visits`` make a rhythm. ``lost_by`` says which of
    both counts. From ``risk_bp`` of the time until the lapse on, a customer is at risk. One who has
    been away for more than ``longest_absence_days`` is not reported any more.
    """

    kind: Literal["defection"] = "defection"
    lapse_months: Annotated[int, Field(ge=1, le=36)] = 6
    lost_by: Literal["formula", "rhythm", "either"] = "either"
    fewest_visits: Annotated[int, Field(ge=3, le=20)] = 3
    risk_bp: Annotated[int, Field(ge=1_000, le=9_900)] = 7_500
    longest_absence_days: Annotated[int, Field(ge=30, le=3_660)] = 730


class OfferedModel(EventPart):
    """Model that the sales department offers (意向车型)."""

    model_code: Code
    zh: DisplayName
    en: DisplayName


class InsuranceRules(EventPart):
    """Rules of insurance renewal (续保规则).

    A renewal is raised when a policy has ``reminder_days`` or fewer days to its end, once for each.
    One that has no result ``close_after_days`` after the end is lost.
    """

    kind: Literal["insurance"] = "insurance"
    reminder_days: Annotated[
        tuple[Annotated[int, Field(ge=0, le=365)], ...], Field(min_length=1, max_length=20)
    ] = (45, 33, 30, 15, 7, 3, 1)
    close_after_days: Annotated[int, Field(ge=0, le=365)] = 30
    insurers: Annotated[tuple[Insurer, ...], Field(min_length=1, max_length=100)] = (
        Insurer(insurer="picc", zh="人保财险", en="PICC Property and Casualty"),
        Insurer(insurer="ping_an", zh="平安产险", en="Ping An Property & Casualty"),
        Insurer(insurer="cpic", zh="太平洋产险", en="China Pacific Property"),
        Insurer(insurer="china_life", zh="国寿财险", en="China Life Property & Casualty"),
        Insurer(insurer="cic", zh="中华财险", en="China United Property"),
    )


class ServiceInterval(EventPart):
    """Service interval (保养间隔) of a brand, or of one model of it.

    The first service is due ``first_km`` or ``first_months`` after the registration, each next one
    ``km`` or ``months`` after the last, whichever is first.
    """

    brand: DisplayName
    model: DisplayName | None = None
    first_km: Annotated[int, Field(ge=500, le=100_000)]
    first_months: Annotated[int, Field(ge=1, le=60)]
    km: Annotated[int, Field(ge=500, le=100_000)]
    months: Annotated[int, Field(ge=1, le=60)]


class InspectionYear(EventPart):
    """Year of a vehicle's age in which its inspection mark (检验标志) is renewed.

    ``on_line``: it must pass the test line (上线检验), else the mark is issued without a test.
    """

    year: Annotated[int, Field(ge=1, le=40)]
    on_line: bool


class ServiceReminderRules(EventPart):
    """Rules of service reminders (保养提醒规则).

    Work with one of ``maintenance_op_codes`` is a maintenance. ``intervals`` name brands and
    models; the other vehicles have the default interval. A maintenance is raised ``days_ahead``
    before it is predicted, an inspection ``inspection_days_ahead``, and declined work
    ``declined_after_days`` after it was declined. A reminder without an answer ends
    ``close_after_days`` after it was raised; that of an open recall is raised again then.

    The inspections (年检) by default are China's of private cars of up to nine seats, in force from
    2022-10-01: a mark every two years, on the test line in the years 6 and 10, and on it each year
    after the last of the table. Source: 公交管〔2022〕295号, 关于深化机动车检验制度改革优化车检
    服务工作的意见.
    """

    kind: Literal["service_reminders"] = "service_reminders"
    maintenance_op_codes: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50)] = (
        "MNT-001",
    )
    first_km: Annotated[int, Field(ge=500, le=100_000)] = 5_000
    first_months: Annotated[int, Field(ge=1, le=60)] = 6
    km: Annotated[int, Field(ge=500, le=100_000)] = 10_000
    months: Annotated[int, Field(ge=1, le=60)] = 12
    intervals: Annotated[tuple[ServiceInterval, ...], Field(max_length=500)] = ()
    days_ahead: Annotated[int, Field(ge=0, le=120)] = 14
    declined_after_days: Annotated[int, Field(ge=1, le=365)] = 30
    inspections: Annotated[tuple[InspectionYear, ...], Field(max_length=40)] = (
        InspectionYear(year=2, on_line=False),
        InspectionYear(year=4, on_line=False),
        InspectionYear(year=6, on_line=True),
        InspectionYear(year=8, on_line=False),
        InspectionYear(year=10, on_line=True),
    )
    inspection_days_ahead: Annotated[int, Field(ge=0, le=120)] = 45
    close_after_days: Annotated[int, Field(ge=7, le=365)] = 60


WorkingHours = Annotated[int, Field(ge=1, le=240)]


class ComplaintDeadlines(EventPart):
    """Deadlines of a severity class (投诉时限).

    The first answer is due within ``answer_hours`` working hours of the opening, the solution
    within ``solution_days`` working days.
    """

    severity: Code
    answer_hours: WorkingHours
    solution_days: WorkingDays


class CompensationLimit(EventPart):
    """Largest compensation that a role may approve for a complaint (补偿审批权限)."""

    role: Code
    limit_cents: Cents


class ComplaintRules(EventPart):
    """Rules of complaints, inquiries and public voice (投诉规则).

    An overdue complaint goes up, and goes up again after each ``escalation_hours`` working hours. A
    department has ``task_days`` working days for its task where the task names no other time. The
    customer is called ``revisit_days`` working days after the solution. A cause that
    ``repeat_count`` complaints of a store have in common within ``repeat_days`` leads to a
    corrective action. An inquiry is answered within ``inquiry_hours`` working hours, a public post
    within ``public_post_hours``.
    """

    kind: Literal["complaints"] = "complaints"
    deadlines: Annotated[tuple[ComplaintDeadlines, ...], Field(min_length=1, max_length=3)] = (
        ComplaintDeadlines(severity="minor", answer_hours=4, solution_days=5),
        ComplaintDeadlines(severity="major", answer_hours=2, solution_days=3),
        ComplaintDeadlines(severity="critical", answer_hours=1, solution_days=2),
    )
    escalation_hours: WorkingHours = 4
    task_days: WorkingDays = 1
    revisit_days: WorkingDays = 2
    compensation_limits: Annotated[tuple[CompensationLimit, ...], Field(max_length=20)] = (
        CompensationLimit(role="customer_care_agent", limit_cents=20_000),
        CompensationLimit(role="customer_care_manager", limit_cents=100_000),
        CompensationLimit(role="service_manager", limit_cents=500_000),
        CompensationLimit(role="group_customer_care_manager", limit_cents=2_000_000),
        CompensationLimit(role="group_manager", limit_cents=10_000_000),
    )
    repeat_count: Annotated[int, Field(ge=2, le=100)] = 3
    repeat_days: Annotated[int, Field(ge=1, le=365)] = 30
    inquiry_hours: WorkingHours = 4
    public_post_hours: WorkingHours = 8


class LeadRules(EventPart):
    """Rules of leads for the sales department (销售线索规则).

    A lead is answered within ``answer_working_days``. After that the department is reminded on
    each working day, ``most_reminders`` times.
    """

    kind: Literal["leads"] = "leads"
    answer_working_days: Annotated[int, Field(ge=1, le=30)] = 2
    most_reminders: Annotated[int, Field(ge=1, le=30)] = 3
    models: Annotated[tuple[OfferedModel, ...], Field(max_length=200)] = ()


class VoucherLimit(EventPart):
    """What a person of a role may issue (发券额度): the value of one, and how many, and of what
    value, in a calendar month.
    """

    role: Code
    most_value_cents: Cents
    most_in_month: Annotated[int, Field(ge=0, le=100_000)]
    most_cents_in_month: Cents


_VOUCHER_LIMITS: tuple[VoucherLimit, ...] = (
    VoucherLimit(
        role="customer_care_agent",
        most_value_cents=20_000,
        most_in_month=50,
        most_cents_in_month=500_000,
    ),
    VoucherLimit(
        role="customer_care_manager",
        most_value_cents=100_000,
        most_in_month=500,
        most_cents_in_month=10_000_000,
    ),
    VoucherLimit(
        role="service_manager",
        most_value_cents=500_000,
        most_in_month=1_000,
        most_cents_in_month=20_000_000,
    ),
)


class VoucherRules(EventPart):
    """Rules of vouchers, service cards and gifts (发券规则).

    In a calendar month a store issues ``store_cents_in_month`` at most, and a customer gets
    ``most_to_customer_in_month`` at most. One is valid for ``longest_valid_days`` at most, where
    that is said. What a loyalty tier entitles to is issued whatever the limits say, and counts.
    """

    kind: Literal["vouchers"] = "vouchers"
    limits: Annotated[tuple[VoucherLimit, ...], Field(max_length=20)] = _VOUCHER_LIMITS
    store_cents_in_month: Cents = 50_000_000
    most_to_customer_in_month: Annotated[int, Field(ge=1, le=1_000)] = 10
    longest_valid_days: Annotated[int, Field(ge=1, le=3660)] | None = None


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
    | PromiseRules
    | AppointmentRules
    | AuthorizationRules
    | WorkshopRules
    | CustomerCareRules
    | FeedbackRules
    | AttendanceRules
    | InsuranceRules
    | ServiceReminderRules
    | Questionnaire
    | SurveyRules
    | DefectionRules
    | LeadRules
    | VoucherRules
    | PostDescription
    | FollowUpReasonRules
    | ComplaintRules,
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
