"""Campaigns (营销活动): plan, invitations in waves, answers, and effect by a control group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.crm.domain import errors
from services.crm.domain.confidence import RateDifference, rate_difference
from services.crm.domain.segment import Candidate, Draw, Segment, check, wave_of
from shared.contracts.base import Cents, Identifier
from shared.contracts.crm import (
    CampaignAnswer,
    CampaignEnded,
    CampaignGroup,
    CampaignInvitationAnswered,
    CampaignInvited,
    CampaignOrigin,
    CampaignReason,
    CampaignStarted,
    InvitationChannel,
    Tier,
)
from shared.contracts.versioned import Versioned

CampaignStatus = Literal["draft", "scheduled", "running", "ended", "cancelled"]
"""草稿、待开始、进行中、已结束、已取消."""

InvitationState = Literal["control", "waiting", "invited", "skipped"]
"""对照组、待邀约、已邀约、未邀约."""

SkipCause = Literal["consent_withdrawn", "complaint", "not_reachable", "crowded", "ended"]
"""Why a customer is not invited after all (未邀约原因): 已撤回同意、有未结投诉、无法联系、
近期已联系、活动已结束."""

PriceBound = Literal["floor", "ceiling"]
"""下限、上限."""

CostKind = Literal["media", "printing", "gifts", "discounts", "calls", "other"]
"""Cost of a campaign (活动费用): 媒体投放、印刷物料、礼品、优惠、外呼、其他."""

FEWEST_CUSTOMERS = 30
"""Smallest group of which a difference is said without the remark that the numbers are small."""

_FINAL: Sequence[CampaignAnswer] = ("came", "no_answer")


class PriceLimit(BaseModel):
    """Lowest and highest price of a labor operation that the manufacturer allows (限价)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    op_code: Identifier
    floor_cents: Cents | None = None
    ceiling_cents: Cents | None = None


@dataclass(frozen=True)
class InvoicedPrice:
    """What an invoice charges a customer for ``quantity`` times a labor operation, tax included.

    ``credited_cents`` is what credit notes have taken back of it.
    """

    invoice_id: str
    op_code: str
    order_id: str
    quantity: int
    amount_cents: int
    credited_cents: int
    issued_at: datetime

    @property
    def net_cents(self) -> int:
        """What is left of the price after credit notes."""
        return self.amount_cents - self.credited_cents

    @property
    def is_withdrawn(self) -> bool:
        """Return whether the price was credited whole."""
        return self.credited_cents > 0 and self.net_cents <= 0


@dataclass(frozen=True)
class PriceBreach:
    """A price beyond a bound; ``limit_cents`` is the limit of as many operations as it is of."""

    price: InvoicedPrice
    bound: PriceBound
    limit_cents: int


@dataclass(frozen=True)
class Campaign(Versioned):
    """Campaign of a store, the manufacturer's or its own.

    The share ``control_bp`` of its customers is held back. The others are invited in ``waves``,
    ``days_between_waves`` apart from ``begins_on`` on, loyal ones first.
    """

    store_id: str
    campaign_id: str
    title: str
    origin: CampaignOrigin
    reason: CampaignReason
    begins_on: date
    ends_on: date
    segment: Segment
    control_bp: int
    invite_by: InvitationChannel
    waves: int
    days_between_waves: int
    price_limits: Sequence[PriceLimit]
    rebate_target_cents: int | None
    planned_cost_cents: int
    planned_by: str
    planned_at: datetime
    status: CampaignStatus = "draft"
    started_by: str | None = None
    started_at: datetime | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None

    def wave_day(self, wave: int) -> date:
        """Return the day on which a wave is invited."""
        return self.begins_on + timedelta(days=(wave - 1) * self.days_between_waves)


@dataclass(frozen=True)
class Invitation:
    """Customer of a campaign, who is invited or held back; one of the control group has no wave."""

    store_id: str
    campaign_id: str
    invitation_id: str
    customer_ref: str
    tier: Tier | None
    wave: int | None
    state: InvitationState
    channel: InvitationChannel | None = None
    invited_at: datetime | None = None
    skip_cause: SkipCause | None = None
    answer: CampaignAnswer | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    appointment_id: str | None = None
    order_id: str | None = None


@dataclass(frozen=True)
class GroupFigures:
    """Customers of a group with their visits in a campaign's period, and what these paid."""

    customers: int = 0
    visitors: int = 0
    visits: int = 0
    spent_cents: int = 0


@dataclass(frozen=True)
class Effect:
    """What a campaign changed: those drawn for an invitation against those held back.

    All who were drawn count, also those whom no invitation reached, as otherwise the groups could
    not be compared. ``more_visitors`` and ``more_cents`` are by how much the invited group is above
    what it would have been at the rate, and the mean, of the control group; they are absent without
    a control group. ``is_small``: one of the groups is too small to say much. ``is_certain``: the
    interval of the difference does not contain zero.
    """

    difference: RateDifference | None
    more_visitors: float | None
    more_cents: int | None
    is_small: bool
    is_certain: bool


def plan(campaign: Campaign, today: date) -> Campaign:
    """Check a new campaign (活动策划).

    Raises:
        RuleViolation: the period is over or ends before it begins, a wave is after its end, limits
            cross each other, or prices of a manufacturer are those of a store's own campaign.
    """
    if campaign.ends_on < max(campaign.begins_on, today):
        raise errors.period_over("ends_on")
    if campaign.wave_day(campaign.waves) > campaign.ends_on:
        raise errors.waves_after_end(campaign.wave_day(campaign.waves))
    if campaign.price_limits and campaign.origin != "manufacturer":
        raise errors.limits_of_own_campaign()
    for place, limit in enumerate(campaign.price_limits):
        low, high = limit.floor_cents, limit.ceiling_cents
        if low is None and high is None:
            raise errors.limit_missing(f"price_limits.{place}.ceiling_cents")
        if low is not None and high is not None and high < low:
            raise errors.limits_crossed(f"price_limits.{place}.ceiling_cents")
    check(campaign.segment)
    return campaign


def require_draft(campaign: Campaign) -> None:
    """Require that nothing has begun of a campaign.

    Raises:
        RuleViolation: it was started, or dropped.
    """
    if campaign.status != "draft":
        by = campaign.ended_by or campaign.started_by
        raise errors.campaign_not(campaign.status, by, campaign.changed_at)


def schedule(campaign: Campaign, by: str, today: date) -> Campaign:
    """Have a planned campaign begin on its first day, or at once after it.

    Raises:
        RuleViolation: it is no draft, or its period is over.
    """
    require_draft(campaign)
    if campaign.ends_on < today:
        raise errors.period_over("campaign_id")
    return replace(campaign, status="scheduled", started_by=by)


def start(
    campaign: Campaign, candidates: Sequence[Candidate], new_ids: Sequence[str], now: datetime
) -> tuple[Campaign, list[Invitation], CampaignStarted]:
    """Begin a campaign with the customers who are drawn now; each has one of ``new_ids``."""
    assert campaign.started_by  # noqa: S101
    draw = Draw.of(campaign.campaign_id, candidates, campaign.control_bp)
    waves = [
        wave_of(place, len(draw.invited), campaign.waves) for place in range(len(draw.invited))
    ]
    turns = [*zip(draw.invited, waves, strict=True), *((each, None) for each in draw.control)]
    invitations = [
        Invitation(
            store_id=campaign.store_id,
            campaign_id=campaign.campaign_id,
            invitation_id=invitation_id,
            customer_ref=each.customer_ref,
            tier=each.tier,
            wave=wave,
            state="control" if wave is None else "waiting",
        )
        for invitation_id, (each, wave) in zip(new_ids, turns, strict=True)
    ]
    event = CampaignStarted(
        store_id=campaign.store_id,
        campaign_id=campaign.campaign_id,
        origin=campaign.origin,
        reason=campaign.reason,
        begins_on=campaign.begins_on.isoformat(),
        ends_on=campaign.ends_on.isoformat(),
        invite_by=campaign.invite_by,
        invited_count=len(draw.invited),
        control_count=len(draw.control),
        control_bp=campaign.control_bp,
        rebate_target_cents=campaign.rebate_target_cents,
        started_by=campaign.started_by,
        started_at=now,
    )
    return replace(campaign, status="running", started_at=now), invitations, event


def cancel(campaign: Campaign, by: str, now: datetime) -> Campaign:
    """Drop a campaign that has not begun.

    Raises:
        RuleViolation: it has begun already, or has ended.
    """
    if campaign.status not in ("draft", "scheduled"):
        raise errors.campaign_not(campaign.status, campaign.ended_by, campaign.ended_at)
    return replace(campaign, status="cancelled", ended_by=by, ended_at=now)


def end(
    campaign: Campaign,
    invited: GroupFigures,
    control: GroupFigures,
    cost_cents: int,
    by: str | None,
    now: datetime,
) -> tuple[Campaign, CampaignEnded]:
    """End a campaign that runs: its period is over, or a person ends it before (活动结束).

    Raises:
        RuleViolation: it does not run.
    """
    if campaign.status != "running":
        raise errors.campaign_not(campaign.status, campaign.ended_by, campaign.ended_at)
    event = CampaignEnded(
        store_id=campaign.store_id,
        campaign_id=campaign.campaign_id,
        invited=_group(invited),
        control=_group(control),
        campaign_cost_cents=cost_cents,
        ended_by=by,
        ended_at=now,
    )
    return replace(campaign, status="ended", ended_by=by, ended_at=now), event


def invite(
    invitation: Invitation, channel: InvitationChannel, now: datetime
) -> tuple[Invitation, CampaignInvited]:
    """Invite a customer by a message or a call (活动邀约)."""
    assert invitation.wave is not None  # noqa: S101
    event = CampaignInvited(
        store_id=invitation.store_id,
        customer_ref=invitation.customer_ref,
        campaign_id=invitation.campaign_id,
        invitation_id=invitation.invitation_id,
        tier=invitation.tier,
        wave=invitation.wave,
        channel=channel,
        invited_at=now,
    )
    return replace(invitation, state="invited", channel=channel, invited_at=now), event


def is_open(invitation: Invitation) -> bool:
    """Return whether a customer waits for the invitation, or it for an answer."""
    if invitation.state == "invited":
        return invitation.answer is None
    return invitation.state == "waiting"


def skip(invitation: Invitation, cause: SkipCause) -> Invitation:
    """Leave out a customer who is not invited after all."""
    return replace(invitation, state="skipped", skip_cause=cause)


def answer(
    invitation: Invitation,
    given: CampaignAnswer,
    *,
    by: str | None,
    now: datetime,
    appointment_id: str | None = None,
    order_id: str | None = None,
) -> tuple[Invitation, list[CampaignInvitationAnswered]]:
    """Record what a customer does on an invitation (邀约反馈).

    One who declined may still book, and one who booked may decline or come; who came has answered
    for good.

    Raises:
        RuleViolation: the customer is not invited, or has answered for good or in this way already.
    """
    if invitation.state != "invited":
        raise errors.not_invited(invitation.customer_ref)
    if invitation.answer in _FINAL or invitation.answer == given:
        raise errors.invitation_answered(
            invitation.answer or given, invitation.answered_by, invitation.answered_at
        )
    event = CampaignInvitationAnswered(
        store_id=invitation.store_id,
        customer_ref=invitation.customer_ref,
        campaign_id=invitation.campaign_id,
        invitation_id=invitation.invitation_id,
        answer=given,
        appointment_id=appointment_id,
        order_id=order_id,
        answered_by=by,
        answered_at=now,
    )
    answered = replace(
        invitation,
        answer=given,
        answered_at=now,
        answered_by=by,
        appointment_id=appointment_id or invitation.appointment_id,
        order_id=order_id,
    )
    return answered, [event]


def can_answer(invitation: Invitation, given: CampaignAnswer) -> bool:
    """Return whether an event such as an appointment is an answer to the invitation."""
    return (
        invitation.state == "invited"
        and invitation.answer not in _FINAL
        and invitation.answer != given
    )


def effect(invited: GroupFigures, control: GroupFigures) -> Effect:
    """Compare the customers who were invited with those who were held back (活动效果)."""
    is_small = min(invited.customers, control.customers) < FEWEST_CUSTOMERS
    if not invited.customers or not control.customers:
        return Effect(None, None, None, is_small, is_certain=False)
    difference = rate_difference(
        invited.visitors, invited.customers, control.visitors, control.customers
    )
    usual_cents = control.spent_cents * invited.customers / control.customers
    return Effect(
        difference,
        difference.difference * invited.customers,
        round(invited.spent_cents - usual_cents),
        is_small,
        is_certain=difference.low > 0 or difference.high < 0,
    )


def limited_prices(
    limits: Sequence[PriceLimit], prices: Sequence[InvoicedPrice]
) -> list[InvoicedPrice]:
    """Return the prices that ``limits`` concern, without those credited whole."""
    limited = {each.op_code for each in limits}
    return [each for each in prices if each.op_code in limited and not each.is_withdrawn]


def price_breaches(
    limits: Sequence[PriceLimit], prices: Sequence[InvoicedPrice]
) -> list[PriceBreach]:
    """Return the prices below a floor or above a ceiling (超出限价), in their order."""
    found = []
    for price in prices:
        for limit in limits:
            if limit.op_code != price.op_code:
                continue
            low, high = limit.floor_cents, limit.ceiling_cents
            if low is not None and price.net_cents < low * price.quantity:
                found.append(PriceBreach(price, "floor", low * price.quantity))
            if high is not None and price.net_cents > high * price.quantity:
                found.append(PriceBreach(price, "ceiling", high * price.quantity))
    return found


def _group(figures: GroupFigures) -> CampaignGroup:
    return CampaignGroup(
        customers=figures.customers,
        visitors=figures.visitors,
        visits=figures.visits,
        spent_cents=figures.spent_cents,
    )
