"""Events of customer relations (客服). They carry references, never a person's data."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts.base import (
    BusinessDate,
    Cents,
    Code,
    Event,
    EventPart,
    Identifier,
    Month,
    Timestamp,
)

Tier = Literal["gold", "silver", "bronze"]
"""忠诚度等级: 金卡、银卡、铜卡, the best first."""

TierChangeReason = Literal["visit", "spend", "time", "rules"]
"""Why a tier changes (等级变动原因): 新到店、消费更正、久未到店、规则变更."""

LapseBasis = Literal["formula", "rhythm"]
"""What says that a customer is lost (流失判定): 公式、客户自身到店规律."""

LapseCause = Literal[
    "price",
    "work_quality",
    "service_attitude",
    "waiting_time",
    "parts_supply",
    "warranty_expired",
    "competitor",
    "moved_away",
    "vehicle_sold",
    "rarely_driven",
    "other",
]
"""Cause of a defection (流失原因): 价格、维修质量、服务态度、等待时间、备件供应、出保、竞争对手、
搬迁、车辆已售、很少用车、其他."""

WinBackResult = Literal["appointment", "will_return", "undecided", "declined", "not_reached"]
"""Result of a win-back (挽回结果): 已预约、答应回店、考虑中、拒绝、未联系上."""

LeadKind = Literal["replacement", "referral"]
"""Kind of a sales lead (销售线索): 置换、转介绍."""

LeadAnswer = Literal["accepted", "refused", "sold", "lost"]
"""Answer of the sales department (线索答复): 接受、拒收、成交、战败."""

LeadReason = Literal[
    "not_reached", "no_interest", "duplicate", "model_unavailable", "price", "competitor", "other"
]
"""Why a lead is refused or lost (拒收或战败原因): 联系不上、无意向、重复、车型缺货、价格、竞品、
其他."""

ConsentPurpose = Literal["sales_contact", "marketing", "service_calls", "surveys"]
"""What a customer consents to (同意目的): contacts by the sales department, marketing, calls about
service (服务回访), surveys (满意度调查).
"""

CampaignOrigin = Literal["manufacturer", "store"]
"""Whose campaign it is (活动来源): 厂家统一促销、本店活动."""

CampaignReason = Literal[
    "service_season",
    "off_peak",
    "new_service",
    "parts_promotion",
    "defection",
    "anniversary",
    "rebate_target",
    "other",
]
"""Reason for a campaign (活动原因): 季节保养、错峰引流、新服务、备件促销、流失招揽、周年庆、
返点目标、其他."""

InvitationChannel = Literal["message", "call"]
"""How a customer is invited (邀约方式): 短信或微信消息、电话."""

CampaignAnswer = Literal["booked", "came", "declined", "no_answer"]
"""What a customer does on an invitation (邀约反馈): 已预约、已到店、拒绝、无反馈."""

VehicleRole = Literal["owner", "driver", "payer", "bringer"]
"""车主, 驾驶人, 付款人, 送修人."""


ErasureReason = Literal["requested", "consent_withdrawn", "purpose_ended", "unlawful"]
"""Why what is kept about a person is erased (个人信息保护法第四十七条): 本人要求、撤回同意、目的已
实现、违法处理."""


class _CustomerEvent(Event):
    topic = "aftersales.crm.customer.v1"
    key_field = "customer_ref"
    publisher = "crm"

    customer_ref: Identifier


class CustomerRegistered(_CustomerEvent):
    """A customer is in customer records in a role for a vehicle (建档)."""

    requirements: ClassVar[tuple[str, ...]] = ("R19",)

    vehicle_ref: Identifier
    vehicle_role: VehicleRole = "owner"
    registered_at: Timestamp


class CustomerAssigned(_CustomerEvent):
    """A customer has an agent, or another one (客户分配)."""

    requirements: ClassVar[tuple[str, ...]] = ("R20",)

    agent_id: Identifier
    previous_agent_id: Identifier | None = None
    cause: Code
    assigned_at: Timestamp


class _FollowUpEvent(_CustomerEvent):
    requirements: ClassVar[tuple[str, ...]] = ("R21",)

    follow_up_id: Identifier
    reason: Code
    order_id: Identifier | None = None


class FollowUpScheduled(_FollowUpEvent):
    """A call to a customer is planned (回访计划).

    ``about`` is the id of what it concerns: an order, a complaint, a policy.
    """

    about: Identifier
    vehicle_ref: Identifier | None = None
    agent_id: Identifier
    due_at: Timestamp


class FollowUpRescheduled(_FollowUpEvent):
    """A planned call has another time or another agent (回访改期)."""

    agent_id: Identifier
    due_at: Timestamp


class FollowUpCancelled(_FollowUpEvent):
    """A planned call is not made (回访取消): another one matters more, the customer refuses it, or
    what it was about is settled.
    """

    cause: Code
    cancelled_at: Timestamp


class FollowUpAttempted(_FollowUpEvent):
    """A call did not reach the customer (回访未接通).

    Without ``next_due_at`` it was the last attempt.
    """

    agent_id: Identifier
    attempt: int = Field(ge=1)
    channel: Literal["phone", "email", "sms"]
    next_due_at: Timestamp | None = None
    attempted_at: Timestamp


class FollowUpCompleted(_FollowUpEvent):
    """An agent has spoken with the customer (回访完成)."""

    agent_id: Identifier
    reached: bool
    satisfaction: int | None = None
    needs: tuple[Code, ...] = ()
    channel: Literal["phone", "email", "sms"] = "phone"
    completed_at: Timestamp


class CustomerNotified(_CustomerEvent):
    """The customer has been told (客户通知): a channel took the message, or an agent said it."""

    requirements: ClassVar[tuple[str, ...]] = ("R9",)

    message_id: Identifier
    order_id: Identifier | None
    message_type: Identifier
    channel: Literal["wecom", "sms", "email", "phone"]
    notified_at: Timestamp


InsuranceKind = Literal["compulsory", "damage", "third_party", "occupants", "driver", "other"]
"""险种: 交强险、车损险、第三者责任险、车上人员责任险、驾乘意外险、其他."""

InsuranceChannel = Literal["in_store", "vehicle_sale", "phone", "online", "agency", "insurer"]
"""投保渠道: 到店、新车销售、电话、线上、代理、保险公司直销."""

RenewalLossCause = Literal[
    "price", "service", "vehicle_sold", "not_reached", "other_offer", "lapsed", "other"
]
"""战败原因: 价格、服务、车辆已售、联系不上、他人优惠、逾期未续、其他."""


class PolicyRecorded(_CustomerEvent):
    """A vehicle's insurance policy is known (保单登记).

    ``sold_here``: by this store. ``is_renewal``: it follows on an earlier policy;
    ``renews_renewal``: that one was a renewal too, absent where it is not known.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R27",)

    policy_id: Identifier
    vehicle_ref: Identifier
    insurer: Code
    kinds: tuple[InsuranceKind, ...]
    begins_on: BusinessDate
    ends_on: BusinessDate
    premium_cents: Cents
    sold_here: bool
    channel: InsuranceChannel
    is_renewal: bool
    renews_policy_id: Identifier | None = None
    renews_renewal: bool | None = None
    recorded_by: Identifier
    recorded_at: Timestamp


class LoyaltyChanged(_CustomerEvent):
    """A customer's loyalty tier has changed (忠诚度变动), by the rule that is named by its day."""

    requirements: ClassVar[tuple[str, ...]] = ("R25",)

    old_tier: Tier | None
    new_tier: Tier | None
    reasons: tuple[TierChangeReason, ...]
    tier_rule: BusinessDate
    changed_at: Timestamp


class CustomerLapsed(_CustomerEvent):
    """A customer has stayed away for so long that they count as lost (客户流失).

    ``tier`` is the one that they had at their last visit. ``interval_days`` is their own usual time
    between visits, absent for one with too few.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R26",)

    lapse_id: Identifier
    tier: Tier | None
    basis: LapseBasis
    visits: int = Field(ge=1)
    last_visit_at: Timestamp
    interval_days: float | None
    lapsed_at: Timestamp


class LapseCauseRecorded(_CustomerEvent):
    """A lost customer has said why they stayed away (流失原因)."""

    requirements: ClassVar[tuple[str, ...]] = ("R26",)

    lapse_id: Identifier
    cause: LapseCause
    recorded_by: Identifier
    recorded_at: Timestamp


class RenewalDue(_CustomerEvent):
    """A policy ends soon (续保到期提醒): ``reminder_days`` is the day of the cadence reached."""

    requirements: ClassVar[tuple[str, ...]] = ("R27",)

    policy_id: Identifier
    vehicle_ref: Identifier
    ends_on: BusinessDate
    days_left: int
    reminder_days: int = Field(ge=0)
    raised_at: Timestamp


class InsuranceQuoteRecorded(_CustomerEvent):
    """An insurer offers a renewal at a premium (保险报价)."""

    requirements: ClassVar[tuple[str, ...]] = ("R27",)

    policy_id: Identifier
    quote_id: Identifier
    insurer: Code
    kinds: tuple[InsuranceKind, ...]
    premium_cents: Cents
    valid_until: BusinessDate
    recorded_by: Identifier
    recorded_at: Timestamp


class WinBackRecorded(_CustomerEvent):
    """The attempt to win a lost customer back has a result (挽回结果)."""

    requirements: ClassVar[tuple[str, ...]] = ("R26",)

    lapse_id: Identifier
    result: WinBackResult
    recorded_by: Identifier
    recorded_at: Timestamp


class RenewalHandedOver(_CustomerEvent):
    """Another store serves the renewal, as the customer agreed (续保转店)."""

    requirements: ClassVar[tuple[str, ...]] = ("R16", "R27")

    policy_id: Identifier
    to_store_id: Identifier
    consent_channel: Literal["in_person", "phone", "wecom", "sms"]
    handed_over_by: Identifier
    handed_over_at: Timestamp


class RenewalWon(_CustomerEvent):
    """The customer renews with this store (续保成功)."""

    requirements: ClassVar[tuple[str, ...]] = ("R27",)

    policy_id: Identifier
    new_policy_id: Identifier
    quote_id: Identifier | None = None
    insurer: Code
    premium_cents: Cents
    won_by: Identifier
    won_at: Timestamp


class RenewalLost(_CustomerEvent):
    """The customer does not renew with this store (续保战败).

    ``insured_elsewhere``: the vehicle is insured, by ``insurer`` where that is known (他处投保).
    ``lost_by`` is absent where the policy ended without a result.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R27",)

    policy_id: Identifier
    loss_cause: RenewalLossCause
    insured_elsewhere: bool
    insurer: Code | None = None
    lost_by: Identifier | None = None
    lost_at: Timestamp


ServiceReminderKind = Literal[
    "maintenance", "first_service", "annual_inspection", "recall", "declined_work"
]
"""提醒类型: 定期保养、首次保养、年检、召回、未做增项."""

ReminderAnswer = Literal[
    "booked", "visited", "later", "declined", "done_elsewhere", "vehicle_sold", "expired"
]
"""提醒结果: 已预约、已到店、稍后、拒绝、已在他处完成、车辆已售、逾期未答复."""


class ServiceReminderDue(_CustomerEvent):
    """A vehicle needs service soon, and its customer is to be invited (保养提醒).

    ``km_per_day`` and ``due_km`` are what the day of a maintenance was predicted from, where the
    odometer was read often enough.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R26",)

    reminder_id: Identifier
    vehicle_ref: Identifier
    reminder_kind: ServiceReminderKind
    due_on: BusinessDate
    due_km: int | None = None
    odometer_km: int | None = None
    km_per_day: float | None = None
    op_codes: tuple[Identifier, ...] = ()
    raised_at: Timestamp


class ServiceReminderAnswered(_CustomerEvent):
    """What came of an invitation (提醒结果); without ``answered_by`` no person recorded it."""

    requirements: ClassVar[tuple[str, ...]] = ("R26",)

    reminder_id: Identifier
    vehicle_ref: Identifier
    reminder_kind: ServiceReminderKind
    answer: ReminderAnswer
    appointment_id: Identifier | None = None
    order_id: Identifier | None = None
    answered_by: Identifier | None = None
    answered_at: Timestamp


class _SurveyEvent(_CustomerEvent):
    requirements: ClassVar[tuple[str, ...]] = ("R24",)

    survey_id: Identifier
    order_id: Identifier
    questionnaire_version: Identifier
    channel: Literal["link", "phone"]


class SurveySent(_SurveyEvent):
    """A customer is asked about a visit (满意度调查), by a link or by an agent's call."""

    sent_at: Timestamp
    expires_at: Timestamp


class SurveyScore(EventPart):
    """Answer to one question (单题得分), of 1 to 10."""

    question: Code
    score: int = Field(ge=1, le=10)


class FactorScores(EventPart):
    """Answers to the questions of one factor (因子得分), which has this weight in basis points."""

    factor: Code
    weight_bp: int = Field(ge=1, le=10_000)
    scores: tuple[SurveyScore, ...]


class VisitStaff(EventPart):
    """Person who worked on the visit (服务人员), in a role."""

    role: Code
    person_id: Identifier


class SurveyAnswered(_SurveyEvent):
    """The customer has answered (满意度答卷); what they wrote stays in customer relations.

    ``answered_by`` is the agent who asked on the phone. ``weights_year`` is that of the weights.
    ``low_factors`` are those whose mean was not acceptable, the lowest first.
    """

    weights_year: int
    factors: tuple[FactorScores, ...]
    staff: tuple[VisitStaff, ...]
    low_factors: tuple[Code, ...] = ()
    answered_by: Identifier | None = None
    answered_at: Timestamp


class FactorMonth(EventPart):
    """A factor in a month (因子月度结果): number and mean of the answers, on 1,000."""

    factor: Code
    answers: int = Field(ge=1)
    mean: float = Field(ge=0, le=1_000)


class SurveyMonthEvaluated(Event):
    """The answers of a store's month are evaluated (满意度月度结果).

    ``weak_factors`` are those whose mean of enough answers was too low, the lowest first.
    """

    topic = "aftersales.crm.store.v1"
    key_field = "store_id"
    publisher = "crm"
    requirements: ClassVar[tuple[str, ...]] = ("R24",)

    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    answers: int = Field(ge=1)
    csi: float = Field(ge=0, le=1_000)
    factors: tuple[FactorMonth, ...]
    weak_factors: tuple[Code, ...] = ()
    evaluated_at: Timestamp


ComplaintSource = Literal["phone", "counter", "survey", "feedback", "public_post"]
"""Where a complaint comes from (投诉来源): 电话、到店、满意度调查、客户评价、公开发布."""

ComplaintSeverity = Literal["minor", "major", "critical"]
"""Severity class of a complaint (投诉等级): 一般、严重、重大."""

ComplaintCause = Literal[
    "repair_quality",
    "repeat_repair",
    "waiting_time",
    "late_delivery",
    "price",
    "parts_supply",
    "staff_attitude",
    "communication",
    "vehicle_damage",
    "product_quality",
    "unfounded",
    "other",
]
"""Cause of a complaint, as it was found (投诉原因)."""

EscalationRole = Literal["service_manager", "group_customer_care_manager", "group_manager"]
"""Who a complaint goes up to, the lowest first (升级)."""

InquirySubject = Literal[
    "price",
    "appointment",
    "repair_progress",
    "warranty",
    "parts",
    "insurance",
    "campaign",
    "vehicle_use",
    "other",
]
"""What an inquiry is about (咨询类别)."""

PublicPlatform = Literal[
    "weibo", "wechat", "douyin", "xiaohongshu", "review_site", "car_forum", "press", "other"
]
"""Where a post or an article about a store stands (发布平台)."""

PublicTone = Literal["positive", "neutral", "negative"]
"""Tone of a post or an article (倾向)."""


class _ComplaintEvent(_CustomerEvent):
    requirements: ClassVar[tuple[str, ...]] = ("R23",)

    complaint_id: Identifier


class ComplaintOpened(_ComplaintEvent):
    """A customer complains (投诉受理).

    The first answer and the solution are due by the rules of the severity, and ``owner_id`` is
    responsible. The complaint is about the vehicle, order, technician, inspector and part named.
    """

    source: ComplaintSource
    severity: ComplaintSeverity
    vehicle_ref: Identifier | None
    order_id: Identifier | None
    technician_id: Identifier | None
    inspector_id: Identifier | None
    part_number: Identifier | None
    owner_id: Identifier
    opened_by: Identifier
    answer_due_at: Timestamp
    solution_due_at: Timestamp
    opened_at: Timestamp


class ComplaintAnswered(_ComplaintEvent):
    """The customer has had the first answer (首次答复)."""

    answered_by: Identifier
    answered_at: Timestamp


class CustomerWonBack(_CustomerEvent):
    """A lost customer has come again (客户挽回)."""

    requirements: ClassVar[tuple[str, ...]] = ("R26",)

    lapse_id: Identifier
    tier: Tier | None
    cause: LapseCause | None
    visited_at: Timestamp
    won_back_at: Timestamp


class ConsentChanged(_CustomerEvent):
    """A customer has given or withdrawn consent for one purpose (同意或撤回同意).

    ``sales_contact``: the sales department may contact them; ``marketing``: the store may invite
    them to campaigns.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R19", "R28", "R47")

    purpose: ConsentPurpose
    is_given: bool
    changed_by: Identifier
    changed_at: Timestamp


class CustomerMerged(_CustomerEvent):
    """Two records of a store are one customer (客户合并).

    What names ``customer_ref`` is read as of ``into_customer_ref`` from now on; no fact changes.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R19",)

    into_customer_ref: Identifier
    merged_by: Identifier
    merged_at: Timestamp


class CustomerUnmerged(_CustomerEvent):
    """Records that were merged are two customers again (撤销合并), each with their own facts."""

    requirements: ClassVar[tuple[str, ...]] = ("R19",)

    from_customer_ref: Identifier
    unmerged_by: Identifier
    unmerged_at: Timestamp


class LeadHandedOver(_CustomerEvent):
    """After-sales has handed a lead over to the sales department (移交销售线索)."""

    requirements: ClassVar[tuple[str, ...]] = ("R47",)

    lead_id: Identifier
    lead_kind: LeadKind
    model_code: Code
    order_id: Identifier | None
    handed_over_by: Identifier
    answer_due_at: Timestamp
    handed_over_at: Timestamp


class LeadAnswerOverdue(_CustomerEvent):
    """The sales department has not answered a lead in time (线索答复超时)."""

    requirements: ClassVar[tuple[str, ...]] = ("R47",)

    lead_id: Identifier
    due_at: Timestamp
    reminder: int = Field(ge=1)


class LeadAnswered(_CustomerEvent):
    """The sales department has answered a lead (线索答复).

    One that is refused or lost has a reason.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R47",)

    lead_id: Identifier
    answer: LeadAnswer
    reason: LeadReason | None
    answered_by: Identifier
    answered_at: Timestamp


class ComplaintEscalated(_ComplaintEvent):
    """A complaint has gone up to ``escalated_to`` (投诉升级); without ``escalated_by`` because a
    deadline has passed.
    """

    escalated_to: EscalationRole
    escalated_by: Identifier | None
    escalated_at: Timestamp


class ComplaintTaskAssigned(_ComplaintEvent):
    """A department owes a task for a complaint (投诉协办), which it cannot refuse (执行权)."""

    complaint_task_id: Identifier
    role: Identifier
    assigned_by: Identifier
    due_at: Timestamp
    assigned_at: Timestamp


class ComplaintTaskEscalated(_ComplaintEvent):
    """A task for a complaint has gone up to ``escalated_to`` (协办升级); without ``escalated_by``
    because its deadline has passed.
    """

    complaint_task_id: Identifier
    role: Identifier
    escalated_to: EscalationRole
    escalated_by: Identifier | None
    escalated_at: Timestamp


class ComplaintTaskCompleted(_ComplaintEvent):
    """A department has given the result of its task (协办完成)."""

    complaint_task_id: Identifier
    role: Identifier
    completed_by: Identifier
    completed_at: Timestamp


class ComplaintResolved(_ComplaintEvent):
    """A solution is agreed (投诉解决): its cause, and the compensation with who approved it."""

    cause: ComplaintCause
    order_id: Identifier | None
    technician_id: Identifier | None
    inspector_id: Identifier | None
    part_number: Identifier | None
    compensation_cents: Cents
    compensation_approved_by: Identifier | None
    resolved_by: Identifier
    resolved_at: Timestamp


class ComplaintRevisited(_ComplaintEvent):
    """The customer has said whether the solution satisfies (投诉回访)."""

    satisfied: bool
    revisited_by: Identifier
    revisited_at: Timestamp


class ComplaintClosed(_ComplaintEvent):
    """A complaint is in the archive (投诉归档), after a satisfied revisit."""

    closed_by: Identifier
    closed_at: Timestamp


class ComplaintReopened(_ComplaintEvent):
    """A complaint is open again (投诉重开), because of its revisit or by a decision."""

    reopened_by: Identifier
    solution_due_at: Timestamp
    reopened_at: Timestamp


class _StoreEvent(Event):
    topic = "aftersales.crm.store.v1"
    key_field = "store_id"
    publisher = "crm"


class ComplaintCauseRepeated(_StoreEvent):
    """The same cause was found in several complaints of a store (投诉重复发生).

    These are ``complaint_ids`` of the last ``period_days``; ``complaint_id`` is the last one.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R23",)

    cause: ComplaintCause
    complaint_id: Identifier
    complaint_ids: tuple[Identifier, ...]
    period_days: int
    found_by: Identifier
    repeated_at: Timestamp


class CampaignStarted(_StoreEvent):
    """A campaign has begun (活动开始), and its customers are drawn.

    ``invited_count`` of them are invited; ``control_count`` are held back for comparison, a share
    of ``control_bp``.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R28",)

    campaign_id: Identifier
    origin: CampaignOrigin
    reason: CampaignReason
    begins_on: BusinessDate
    ends_on: BusinessDate
    invite_by: InvitationChannel
    invited_count: int = Field(ge=0)
    control_count: int = Field(ge=0)
    control_bp: int = Field(ge=0, le=5_000)
    rebate_target_cents: Cents | None
    started_by: Identifier
    started_at: Timestamp


class CampaignGroup(EventPart):
    """Customers of a campaign with their visits in its period, and what these paid."""

    customers: int = Field(ge=0)
    visitors: int = Field(ge=0)
    visits: int = Field(ge=0)
    spent_cents: int


class CampaignEnded(_StoreEvent):
    """A campaign is over (活动结束), with its cost and what it has changed so far.

    ``invited`` are all customers who were drawn for an invitation, ``control`` those held back.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R28",)

    campaign_id: Identifier
    invited: CampaignGroup
    control: CampaignGroup
    campaign_cost_cents: Cents
    ended_by: Identifier | None
    ended_at: Timestamp


class CampaignInvited(_CustomerEvent):
    """A customer is invited to a campaign (活动邀约), loyal ones in the first waves."""

    requirements: ClassVar[tuple[str, ...]] = ("R28",)

    campaign_id: Identifier
    invitation_id: Identifier
    tier: Tier | None
    wave: int = Field(ge=1)
    channel: InvitationChannel
    invited_at: Timestamp


class CampaignInvitationAnswered(_CustomerEvent):
    """What a customer has done on an invitation (邀约反馈).

    ``answered_by`` is absent for what follows from appointments, orders and the campaign's end.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R28",)

    campaign_id: Identifier
    invitation_id: Identifier
    answer: CampaignAnswer
    appointment_id: Identifier | None
    order_id: Identifier | None
    answered_by: Identifier | None
    answered_at: Timestamp


class _InquiryEvent(_StoreEvent):
    requirements: ClassVar[tuple[str, ...]] = ("R22",)

    inquiry_id: Identifier


class InquiryRecorded(_InquiryEvent):
    """A person asks something (咨询登记); one who is no customer yet has no ``customer_ref``."""

    customer_ref: Identifier | None
    vehicle_ref: Identifier | None
    order_id: Identifier | None
    subject: InquirySubject
    channel: Literal["phone", "counter", "wecom", "email"]
    recorded_by: Identifier
    due_at: Timestamp
    recorded_at: Timestamp


class InquiryPassedOn(_InquiryEvent):
    """A department owes the answer to an inquiry (咨询转办)."""

    role: Identifier
    passed_by: Identifier
    due_at: Timestamp
    passed_at: Timestamp


class InquiryAnswered(_InquiryEvent):
    """An inquiry is answered (咨询答复)."""

    answered_by: Identifier
    answered_at: Timestamp


ConversationChannel = Literal["sms", "wecom"]
"""短信、企业微信."""

ReceivedKind = Literal["text", "attachment", "opt_out"]
"""What a customer has sent (来信类型): 文字、附件（未接收）、退订."""

AnswerKind = Literal["message", "call", "none"]
"""How a message is answered (答复方式): 回复消息、电话答复、无需答复."""


class _ConversationEvent(_StoreEvent):
    requirements: ClassVar[tuple[str, ...]] = ("R9", "R22")

    conversation_id: Identifier


class MessageReceived(_ConversationEvent):
    """A message of a customer has come by SMS or WeCom (收到来信).

    ``customer_ref`` is absent where the sender is not known, ``agent_id`` where the store has no
    agent of theirs.
    """

    message_id: Identifier
    customer_ref: Identifier | None
    channel: ConversationChannel
    received_kind: ReceivedKind
    agent_id: Identifier | None
    received_at: Timestamp


class MessageAnswered(_ConversationEvent):
    """What a customer has written is answered (答复来信).

    ``message_id`` is the written answer. ``answer_s`` is the time in seconds since the oldest
    message without an answer; absent where the store writes on its own.
    """

    message_id: Identifier | None
    customer_ref: Identifier | None
    channel: ConversationChannel
    answer_kind: AnswerKind
    answer_s: int | None = Field(ge=0)
    answered_by: Identifier
    answered_at: Timestamp


class _PublicPostEvent(_StoreEvent):
    requirements: ClassVar[tuple[str, ...]] = ("R44",)

    public_post_id: Identifier


class PublicPostLogged(_PublicPostEvent):
    """A post or an article about a store is logged (舆情登记): where, its tone, who answers it."""

    platform: PublicPlatform
    tone: PublicTone
    posted_on: BusinessDate
    complaint_id: Identifier | None
    owner_id: Identifier
    logged_by: Identifier
    due_at: Timestamp
    logged_at: Timestamp


class PublicPostLinked(_PublicPostEvent):
    """A post belongs to a complaint (舆情关联投诉): it comes from it, or has led to it."""

    complaint_id: Identifier
    linked_by: Identifier
    linked_at: Timestamp


class PublicPostAnswered(_PublicPostEvent):
    """The store has answered a post (舆情回应)."""

    answered_by: Identifier
    answered_at: Timestamp


class PublicPostOverdue(_PublicPostEvent):
    """A post was not answered in time (舆情逾期)."""

    owner_id: Identifier
    due_at: Timestamp


class LeadWithdrawn(_CustomerEvent):
    """A lead has ended because the customer has withdrawn their consent (线索撤回)."""

    requirements: ClassVar[tuple[str, ...]] = ("R47",)

    lead_id: Identifier
    withdrawn_at: Timestamp


class _VehicleEvent(Event):
    """Something about a vehicle in one store's records, which other stores of the group may know.

    ``vehicle_record_id`` is the store and the vehicle, joined by a colon: each store has a stream.
    """

    topic = "aftersales.crm.vehicle.v1"
    key_field = "vehicle_record_id"
    publisher = "crm"

    vehicle_record_id: Identifier
    vehicle_ref: Identifier


class VehicleIdentified(_VehicleEvent):
    """The vehicle has its VIN (车架号识别), or another one after a correction.

    ``unusual``: its check digit is wrong, and a person has confirmed it.
    """

    requirements: ClassVar[tuple[str, ...]] = ("R19",)

    unusual: bool = False
    identified_at: Timestamp


class FirstRegistrationRecorded(_VehicleEvent):
    """The month in which the vehicle was first registered (注册登记) is known, or corrected."""

    requirements: ClassVar[tuple[str, ...]] = ("R26", "R29")

    first_registered_month: Month
    recorded_at: Timestamp


class OwnershipChanged(_VehicleEvent):
    """The vehicle belongs to another customer of the store (过户)."""

    requirements: ClassVar[tuple[str, ...]] = ("R19",)

    customer_ref: Identifier
    former_customer_ref: Identifier
    changed_at: Timestamp


class CustomerErased(Event):
    """What was kept about a customer is erased (个人信息删除).

    Every service destroys the keys of what it keeps about the customer and these orders, and blocks
    what a legal term keeps. An order that is still open stays readable; at its end the event comes
    again for it, with the same ``erased_at``. The topic has these events alone, for a service reads
    it whole whenever it starts: one that was restored from a backup erases again before it opens.
    """

    topic = "aftersales.crm.erasure.v1"
    key_field = "customer_ref"
    publisher = "crm"
    requirements: ClassVar[tuple[str, ...]] = ("R19",)

    customer_ref: Identifier
    order_ids: tuple[Identifier, ...]
    reason: ErasureReason
    erased_by: Identifier
    erased_at: Timestamp
