"""Insurance policies (保单) and their renewal (续保): due list, quotes and result."""

from calendar import monthrange
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from services.crm.domain import errors
from shared.contracts.crm import (
    InsuranceChannel,
    InsuranceKind,
    InsuranceQuoteRecorded,
    PolicyRecorded,
    RenewalDue,
    RenewalHandedOver,
    RenewalLossCause,
    RenewalLost,
    RenewalWon,
)
from shared.contracts.management import InsuranceRules

RenewalResult = Literal["won", "lost", "insured_elsewhere", "handed_over"]
"""续保结果: 成功、战败、他处投保、转店."""

ConsentChannel = Literal["in_person", "phone", "wecom", "sms"]
"""客户同意方式: 当面、电话、企业微信、短信."""

LONGEST_TERM_DAYS = 3 * 366
"""Longest term of a policy."""

_YEAR_MONTHS = 12


@dataclass(frozen=True)
class Policy:
    """Policy of a vehicle, and what comes of its renewal.

    It covers ``begins_on`` to ``ends_on``, both whole. ``end_day`` is the day of the month on which
    it ends whenever that month has one (到期锚定日). ``reminded_days`` is the last day of the
    cadence that was raised, ``remind_on`` when the next one is, absent once there is a result.
    ``sold_here``: by this store. ``from_store_id`` handed the renewal over.
    """

    store_id: str
    policy_id: str
    customer_ref: str
    vehicle_ref: str
    insurer: str
    kinds: tuple[InsuranceKind, ...]
    begins_on: date
    ends_on: date
    end_day: int
    premium_cents: int
    sold_here: bool
    channel: InsuranceChannel
    is_renewal: bool
    recorded_by: str
    recorded_at: datetime
    renews_policy_id: str | None = None
    from_store_id: str | None = None
    remind_on: date | None = None
    reminded_days: int | None = None
    result: RenewalResult | None = None
    result_at: datetime | None = None
    result_by: str | None = None
    loss_cause: RenewalLossCause | None = None
    other_insurer: str | None = None
    new_policy_id: str | None = None
    to_store_id: str | None = None

    def days_left(self, today: date) -> int:
        """Return the days to the end of the policy, negative after it."""
        return (self.ends_on - today).days


@dataclass(frozen=True)
class Terms:
    """What a policy insures, for how long and at what price."""

    insurer: str
    kinds: Sequence[InsuranceKind]
    begins_on: date
    ends_on: date
    premium_cents: int
    channel: InsuranceChannel


@dataclass(frozen=True)
class Quote:
    """Offer of an insurer for a renewal (报价)."""

    store_id: str
    quote_id: str
    policy_id: str
    insurer: str
    kinds: tuple[InsuranceKind, ...]
    premium_cents: int
    valid_until: date
    recorded_by: str
    recorded_at: datetime


def after_months(day: date, months: int, end_day: int) -> date:
    """Return the day ``months`` later, on ``end_day`` or the last day of a shorter month."""
    month = day.year * _YEAR_MONTHS + day.month - 1 + months
    year, number = divmod(month, _YEAR_MONTHS)
    return date(year, number + 1, min(end_day, monthrange(year, number + 1)[1]))


def next_term(policy: Policy) -> tuple[date, date]:
    """Return the first and last day of the year that follows on a policy."""
    return policy.ends_on + timedelta(days=1), after_months(
        policy.ends_on, _YEAR_MONTHS, policy.end_day
    )


def end_day_of(ends_on: date, renewed: Policy | None) -> int:
    """Return the day of the month on which a policy ends; a renewal keeps that of the one before.

    The 28th of a February follows on the 29th, and the last day of a month on the 31st.
    """
    if renewed is not None and ends_on == after_months(ends_on, 0, renewed.end_day):
        return renewed.end_day
    return ends_on.day


def record(
    terms: Terms,
    *,
    store_id: str,
    policy_id: str,
    customer_ref: str,
    vehicle_ref: str,
    sold_here: bool,
    is_renewal: bool,
    others: Iterable[Policy],
    overlap_confirmed: bool,
    rules: InsuranceRules,
    renewed: Policy | None = None,
    recorded_by: str,
    now: datetime,
) -> tuple[Policy, list[PolicyRecorded]]:
    """Record a policy of a vehicle that has ``others``; it may renew one of them.

    Raises:
        RuleViolation: it ends before it begins or lasts too long, the insurer is unknown, or an
            overlap with another policy of the same kind is not confirmed.
    """
    require_insurer(terms.insurer, rules)
    if terms.ends_on < terms.begins_on:
        raise errors.policy_ends_before_begin()
    if (terms.ends_on - terms.begins_on).days > LONGEST_TERM_DAYS:
        raise errors.policy_too_long()
    if not overlap_confirmed and (other := overlapping(terms, others)):
        raise errors.policies_overlap(other.policy_id, other.begins_on, other.ends_on)
    policy = Policy(
        store_id=store_id,
        policy_id=policy_id,
        customer_ref=customer_ref,
        vehicle_ref=vehicle_ref,
        insurer=terms.insurer,
        kinds=tuple(sorted(set(terms.kinds))),
        begins_on=terms.begins_on,
        ends_on=terms.ends_on,
        end_day=end_day_of(terms.ends_on, renewed),
        premium_cents=terms.premium_cents,
        sold_here=sold_here,
        channel=terms.channel,
        is_renewal=is_renewal or renewed is not None,
        renews_policy_id=renewed.policy_id if renewed else None,
        remind_on=terms.ends_on - timedelta(days=rules.reminder_days[0]),
        recorded_by=recorded_by,
        recorded_at=now,
    )
    event = PolicyRecorded(
        store_id=store_id,
        customer_ref=customer_ref,
        policy_id=policy_id,
        vehicle_ref=vehicle_ref,
        insurer=policy.insurer,
        kinds=policy.kinds,
        begins_on=policy.begins_on.isoformat(),
        ends_on=policy.ends_on.isoformat(),
        premium_cents=policy.premium_cents,
        sold_here=sold_here,
        channel=policy.channel,
        is_renewal=policy.is_renewal,
        renews_policy_id=policy.renews_policy_id,
        renews_renewal=renewed.is_renewal if renewed else None,
        recorded_by=recorded_by,
        recorded_at=now,
    )
    return policy, [event]


def overlapping(terms: Terms, others: Iterable[Policy]) -> Policy | None:
    """Return a policy of a kind that these terms insure too, on a common day."""
    return next(
        (
            other
            for other in others
            if set(other.kinds) & set(terms.kinds)
            and other.begins_on <= terms.ends_on
            and terms.begins_on <= other.ends_on
        ),
        None,
    )


def remind(
    policy: Policy, rules: InsuranceRules, today: date, now: datetime
) -> tuple[Policy, list[RenewalDue | RenewalLost]]:
    """Raise the renewal for the day of the cadence that is reached, or close one that has lapsed.

    Days of the cadence that were missed are not made up for: the smallest one stands for all.
    """
    if policy.result is not None:
        return replace(policy, remind_on=None), []
    days_left = policy.days_left(today)
    if days_left < -rules.close_after_days:
        return _lose(policy, "lapsed", None, None, now)
    reached = min((days for days in rules.reminder_days if days >= days_left), default=None)
    following = max((days for days in rules.reminder_days if days < days_left), default=None)
    next_on = (
        policy.ends_on + timedelta(days=rules.close_after_days + 1)
        if following is None
        else policy.ends_on - timedelta(days=following)
    )
    last = policy.reminded_days
    if reached is None or (last is not None and reached >= last):
        return replace(policy, remind_on=next_on), []
    event = RenewalDue(
        store_id=policy.store_id,
        customer_ref=policy.customer_ref,
        policy_id=policy.policy_id,
        vehicle_ref=policy.vehicle_ref,
        ends_on=policy.ends_on.isoformat(),
        days_left=days_left,
        reminder_days=reached,
        raised_at=now,
    )
    return replace(policy, remind_on=next_on, reminded_days=reached), [event]


def quote(
    policy: Policy,
    *,
    quote_id: str,
    insurer: str,
    kinds: Sequence[InsuranceKind],
    premium_cents: int,
    valid_until: date,
    rules: InsuranceRules,
    today: date,
    recorded_by: str,
    now: datetime,
) -> tuple[Quote, list[InsuranceQuoteRecorded]]:
    """Record what an insurer offers for the renewal of a policy.

    Raises:
        RuleViolation: the renewal has a result, the offer has expired, or the insurer is unknown.
    """
    require_open(policy)
    require_insurer(insurer, rules)
    if valid_until < today:
        raise errors.quote_expired("valid_until", valid_until)
    recorded = Quote(
        store_id=policy.store_id,
        quote_id=quote_id,
        policy_id=policy.policy_id,
        insurer=insurer,
        kinds=tuple(sorted(set(kinds))),
        premium_cents=premium_cents,
        valid_until=valid_until,
        recorded_by=recorded_by,
        recorded_at=now,
    )
    event = InsuranceQuoteRecorded(
        store_id=policy.store_id,
        customer_ref=policy.customer_ref,
        policy_id=policy.policy_id,
        quote_id=quote_id,
        insurer=insurer,
        kinds=recorded.kinds,
        premium_cents=premium_cents,
        valid_until=valid_until.isoformat(),
        recorded_by=recorded_by,
        recorded_at=now,
    )
    return recorded, [event]


def require_current(accepted: Quote, today: date) -> None:
    """Check that a quote may still be accepted.

    Raises:
        RuleViolation: it has expired.
    """
    if accepted.valid_until < today:
        raise errors.quote_expired("quote_id", accepted.valid_until)


def win(
    policy: Policy, renewal: Policy, quote_id: str | None, by: str, now: datetime
) -> tuple[Policy, list[RenewalWon]]:
    """Close the renewal of a policy: the customer has bought ``renewal`` here.

    Raises:
        RuleViolation: it has a result already.
    """
    require_open(policy)
    won = replace(
        policy,
        result="won",
        result_at=now,
        result_by=by,
        new_policy_id=renewal.policy_id,
        remind_on=None,
    )
    event = RenewalWon(
        store_id=policy.store_id,
        customer_ref=policy.customer_ref,
        policy_id=policy.policy_id,
        new_policy_id=renewal.policy_id,
        quote_id=quote_id,
        insurer=renewal.insurer,
        premium_cents=renewal.premium_cents,
        won_by=by,
        won_at=now,
    )
    return won, [event]


def lose(
    policy: Policy,
    *,
    cause: RenewalLossCause,
    insured_elsewhere: bool,
    insurer: str | None,
    by: str,
    now: datetime,
) -> tuple[Policy, list[RenewalDue | RenewalLost]]:
    """Close the renewal of a policy without a new one of this store.

    Raises:
        RuleViolation: it has a result already, or names an insurer of a vehicle that has none.
    """
    require_open(policy)
    if insurer is not None and not insured_elsewhere:
        raise errors.insurer_of_no_policy()
    closed, events = _lose(policy, cause, insurer, by, now, insured_elsewhere=insured_elsewhere)
    return closed, events


def hand_over(
    policy: Policy, to_store_id: str, consent: ConsentChannel, by: str, now: datetime
) -> tuple[Policy, list[RenewalHandedOver]]:
    """Give the renewal of a policy to another store, as the customer has agreed.

    Raises:
        RuleViolation: it has a result already, or the store is this one.
    """
    require_open(policy)
    if to_store_id == policy.store_id:
        raise errors.handed_to_itself()
    handed = replace(
        policy,
        result="handed_over",
        result_at=now,
        result_by=by,
        to_store_id=to_store_id,
        remind_on=None,
    )
    event = RenewalHandedOver(
        store_id=policy.store_id,
        customer_ref=policy.customer_ref,
        policy_id=policy.policy_id,
        to_store_id=to_store_id,
        consent_channel=consent,
        handed_over_by=by,
        handed_over_at=now,
    )
    return handed, [event]


def take_over(
    policy: Policy, *, store_id: str, policy_id: str, customer_ref: str, remind_on: date
) -> Policy:
    """Return a policy as the store that serves its renewal keeps it; it was not sold there."""
    return replace(
        policy,
        store_id=store_id,
        policy_id=policy_id,
        customer_ref=customer_ref,
        sold_here=False,
        renews_policy_id=None,
        from_store_id=policy.store_id,
        remind_on=remind_on,
        reminded_days=None,
    )


def quote_for(taken: Policy, quote: Quote, quote_id: str) -> Quote:
    """Return a quote as the store keeps it that has taken a renewal over."""
    return replace(quote, store_id=taken.store_id, policy_id=taken.policy_id, quote_id=quote_id)


def require_open(policy: Policy) -> None:
    """Check that a renewal has no result yet.

    Raises:
        RuleViolation: it has one.
    """
    if policy.result is not None:
        raise errors.renewal_closed(policy.policy_id, policy.result_by, policy.result_at)


def require_insurer(insurer: str, rules: InsuranceRules) -> None:
    """Check that the rules name an insurer.

    Raises:
        RuleViolation: they do not.
    """
    known = [each.insurer for each in rules.insurers]
    if insurer not in known:
        raise errors.unknown_insurer(insurer, known)


def cheapest(quotes: Collection[Quote], today: date) -> str | None:
    """Return the valid quote with the lowest premium; of equals, the first by id."""
    valid = [each for each in quotes if each.valid_until >= today]
    best = min(valid, key=lambda each: (each.premium_cents, each.quote_id), default=None)
    return best.quote_id if best else None


def _lose(
    policy: Policy,
    cause: RenewalLossCause,
    insurer: str | None,
    by: str | None,
    now: datetime,
    *,
    insured_elsewhere: bool = False,
) -> tuple[Policy, list[RenewalDue | RenewalLost]]:
    lost = replace(
        policy,
        result="insured_elsewhere" if insured_elsewhere else "lost",
        result_at=now,
        result_by=by,
        loss_cause=cause,
        other_insurer=insurer,
        remind_on=None,
    )
    event = RenewalLost(
        store_id=policy.store_id,
        customer_ref=policy.customer_ref,
        policy_id=policy.policy_id,
        loss_cause=cause,
        insured_elsewhere=insured_elsewhere,
        insurer=insurer,
        lost_by=by,
        lost_at=now,
    )
    return lost, [event]
