"""Insurance policies (保单), quotes (报价) and the result of each renewal (续保)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.pages import page_after, place_of
from services.crm.application.renewal_calls import cancel_renewal_calls
from services.crm.domain import insurance
from services.crm.domain.insurance import Policy, Quote, RenewalResult, Terms
from services.crm.persistence import insurance as policies
from shared.contracts.base import Cents, Code, Identifier
from shared.contracts.crm import InsuranceChannel, InsuranceKind, RenewalLossCause
from shared.contracts.management import InsuranceRules, Insurer
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

PAGE = 100
"""Policies that one response lists at most."""

PolicyList = Literal["due", "closed"]

Kinds = Annotated[list[InsuranceKind], Field(min_length=1, max_length=6, description="险种")]
PolicyNumber = Annotated[str, Field(min_length=1, max_length=60, description="保单号")]


class TermsRequest(RequestModel):
    """What a policy insures, for how long and at what price.

    ``overlap_confirmed``: the vehicle has another policy of the kind on the same days, and a person
    has checked that.
    """

    insurer: Annotated[Code, Field(description="保险公司")]
    kinds: Kinds
    begins_on: Annotated[CalendarDay, Field(description="起保日期")]
    ends_on: Annotated[CalendarDay, Field(description="到期日期")]
    premium_cents: Cents
    channel: InsuranceChannel
    policy_number: PolicyNumber | None = None
    overlap_confirmed: bool = False


class RecordPolicyRequest(TermsRequest):
    """A policy of a vehicle in the store's customer records.

    ``sold_here``: by this store. ``is_renewal``: it renews a policy that the store does not know.
    """

    vehicle_ref: Identifier
    customer_ref: Identifier
    sold_here: bool
    is_renewal: bool = False


class RecordQuoteRequest(RequestModel):
    insurer: Annotated[Code, Field(description="保险公司")]
    kinds: Kinds
    premium_cents: Cents
    valid_until: Annotated[CalendarDay, Field(description="报价有效期")]


class WinRenewalRequest(TermsRequest):
    """The policy that the customer buys; ``quote_id`` is the offer that it follows."""

    quote_id: Identifier | None = None


class LoseRenewalRequest(RequestModel):
    """Why the customer does not renew here; ``insurer`` of a vehicle that is insured elsewhere."""

    cause: RenewalLossCause
    insured_elsewhere: bool = False
    insurer: Code | None = None


class PolicyView(BaseModel):
    """A policy and what came of its renewal.

    ``days_left`` is negative once it has ended. ``next_begins_on`` and ``next_ends_on`` are the
    year that follows on it.
    """

    policy_id: str
    customer_ref: str
    vehicle_ref: str
    insurer: str
    kinds: Sequence[InsuranceKind]
    begins_on: date
    ends_on: date
    days_left: int
    next_begins_on: date
    next_ends_on: date
    premium_cents: int
    sold_here: bool
    channel: InsuranceChannel
    is_renewal: bool
    reminded_days: int | None
    result: RenewalResult | None
    result_at: datetime | None
    result_by: str | None
    loss_cause: RenewalLossCause | None
    other_insurer: str | None
    new_policy_id: str | None
    renews_policy_id: str | None
    from_store_id: str | None
    to_store_id: str | None


class PolicyPage(BaseModel):
    """Policies by their end; ``next_page`` continues the list, absent on its last page."""

    policies: list[PolicyView]
    next_page: str | None


class QuoteView(BaseModel):
    """Offer of an insurer; ``expired`` once its last day is over, ``cheapest`` of the valid ones.

    ``difference_cents`` is its premium less that of the policy which it would renew.
    """

    quote_id: str
    insurer: str
    kinds: Sequence[InsuranceKind]
    premium_cents: int
    difference_cents: int
    valid_until: date
    expired: bool
    cheapest: bool
    recorded_by: str
    recorded_at: datetime


class PolicyDetail(PolicyView):
    """A policy with its number, its quotes by premium, and the other policies of the vehicle.

    ``contact`` is name and telephone of a customer whose renewal another store has handed over.
    """

    policy_number: str | None
    contact: str | None
    quotes: list[QuoteView]
    others: list[PolicyView]


class InsurersView(BaseModel):
    """Insurers whose policies the store sells, and the days of the cadence."""

    insurers: list[Insurer]
    reminder_days: list[int]


async def record_policy(uow: UnitOfWork, command: RecordPolicyRequest, deps: Deps) -> PolicyView:
    """Record a vehicle's policy (保单登记); its renewal comes onto the due list by the rules.

    Raises:
        RuleViolation: customer or vehicle are not this store's, the policy ends before it begins,
            or an overlap with another one of the same kind is not confirmed.
    """
    connection, store_id = uow.connection, uow.store_id
    await persistence.lock_customer(connection, store_id, command.customer_ref)
    await _require_vehicle(connection, store_id, command.vehicle_ref)
    recorded = await _record(
        uow,
        command,
        deps,
        customer_ref=command.customer_ref,
        vehicle_ref=command.vehicle_ref,
        sold_here=command.sold_here,
        is_renewal=command.is_renewal,
        renewed=None,
    )
    return policy_view(recorded, await _today(uow, deps))


async def record_quote(
    uow: UnitOfWork, policy_id: str, command: RecordQuoteRequest, deps: Deps
) -> QuoteView:
    """Record what an insurer offers for the renewal of a policy (报价).

    Raises:
        RuleViolation: the store has no such policy, its renewal has a result, or the offer has
            expired.
    """
    connection, today = uow.connection, await _today(uow, deps)
    policy = await policies.lock_policy(connection, uow.store_id, policy_id)
    quote, events = insurance.quote(
        policy,
        quote_id=str(new_id()),
        insurer=command.insurer,
        kinds=command.kinds,
        premium_cents=command.premium_cents,
        valid_until=command.valid_until,
        rules=await insurance_rules(connection, uow.store_id, today, deps),
        today=today,
        recorded_by=uow.person,
        now=uow.now,
    )
    await policies.save_quote(connection, quote)
    uow.publish(events)
    quotes = await policies.list_quotes(connection, uow.store_id, policy_id)
    return next(
        each for each in _quote_views(policy, quotes, today) if each.quote_id == quote.quote_id
    )


async def win_renewal(
    uow: UnitOfWork, policy_id: str, command: WinRenewalRequest, deps: Deps
) -> PolicyView:
    """Record that the customer renews here (续保成功), with the new policy.

    Raises:
        RuleViolation: the store has no such policy, its renewal has a result, the quote has
            expired, or the new policy breaks a rule.
    """
    connection, today = uow.connection, await _today(uow, deps)
    policy = await policies.lock_policy(connection, uow.store_id, policy_id)
    insurance.require_open(policy)
    if command.quote_id is not None:
        quote = await policies.find_quote(connection, uow.store_id, policy_id, command.quote_id)
        insurance.require_current(quote, today)
    renewal = await _record(
        uow,
        command,
        deps,
        customer_ref=policy.customer_ref,
        vehicle_ref=policy.vehicle_ref,
        sold_here=True,
        is_renewal=True,
        renewed=policy,
    )
    won, events = insurance.win(policy, renewal, command.quote_id, uow.person, uow.now)
    await policies.save_policy(connection, won)
    await cancel_renewal_calls(uow, policy)
    uow.publish(events)
    return policy_view(won, today)


async def lose_renewal(
    uow: UnitOfWork, policy_id: str, command: LoseRenewalRequest, deps: Deps
) -> PolicyView:
    """Record that the customer does not renew here (续保战败, 他处投保), and why.

    Raises:
        RuleViolation: the store has no such policy, or its renewal has a result.
    """
    connection, today = uow.connection, await _today(uow, deps)
    if command.insurer is not None:
        rules = await insurance_rules(connection, uow.store_id, today, deps)
        insurance.require_insurer(command.insurer, rules)
    policy = await policies.lock_policy(connection, uow.store_id, policy_id)
    lost, events = insurance.lose(
        policy,
        cause=command.cause,
        insured_elsewhere=command.insured_elsewhere,
        insurer=command.insurer,
        by=uow.person,
        now=uow.now,
    )
    await policies.save_policy(connection, lost)
    await cancel_renewal_calls(uow, policy)
    uow.publish(events)
    return policy_view(lost, today)


async def list_policies(
    store_id: str, view: PolicyList, after: str | None, deps: Deps
) -> PolicyPage:
    """List policies whose renewal is due by the cadence, or those of a year with a result.

    They stand by their end, the earliest first.
    """
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        today = store.local_day(deps.uow_factory.clock.now())
        rules = await insurance_rules(connection, store_id, today, deps)
        place = place_of(after)
        if view == "due":
            latest = today + timedelta(days=rules.reminder_days[0])
            found = await policies.list_open_policies(connection, store_id, latest, place, PAGE + 1)
        else:
            found = await policies.list_closed_policies(
                connection, store_id, today - timedelta(days=365), place, PAGE + 1
            )
        shown = found[:PAGE]
    more = len(found) > PAGE
    return PolicyPage(
        policies=[policy_view(each, today) for each in shown],
        next_page=page_after(shown[-1].ends_on, shown[-1].policy_id) if more else None,
    )


async def get_policy(store_id: str, policy_id: str, deps: Deps) -> PolicyDetail:
    """Return a policy with the quotes for its renewal, side by side.

    Raises:
        RuleViolation: the store has no such policy.
    """
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        today = store.local_day(deps.uow_factory.clock.now())
        policy = await policies.find_policy(connection, store_id, policy_id)
        texts = await policies.encrypted_texts_of_policy(connection, store_id, policy_id)
        number, contact = [
            await deps.personal.decrypt(connection, store_id, policy.customer_ref, each)
            for each in texts
        ]
        quotes = await policies.list_quotes(connection, store_id, policy_id)
        of_vehicle = await policies.policies_of_vehicle(connection, store_id, policy.vehicle_ref)
    return PolicyDetail(
        **dict(policy_view(policy, today)),
        policy_number=number,
        contact=contact,
        quotes=_quote_views(policy, quotes, today),
        others=[policy_view(each, today) for each in of_vehicle if each != policy],
    )


async def list_insurers(store_id: str, deps: Deps) -> InsurersView:
    """Return the insurers whose policies the store sells, and the days of the cadence."""
    async with deps.uow_factory.read(store_id) as connection:
        rules = await deps.group.rules_today(connection, InsuranceRules, store_id)
    return InsurersView(insurers=list(rules.insurers), reminder_days=list(rules.reminder_days))


async def insurance_rules(
    connection: Connection, store_id: str, day: date, deps: Deps
) -> InsuranceRules:
    """Return the rules of insurance renewal that hold in a store on ``day``."""
    return await deps.group.rules_on(connection, InsuranceRules, store_id, day)


async def _record(
    uow: UnitOfWork,
    command: TermsRequest,
    deps: Deps,
    *,
    customer_ref: str,
    vehicle_ref: str,
    sold_here: bool,
    is_renewal: bool,
    renewed: Policy | None,
) -> Policy:
    connection, store_id = uow.connection, uow.store_id
    policy, events = insurance.record(
        Terms(
            insurer=command.insurer,
            kinds=command.kinds,
            begins_on=command.begins_on,
            ends_on=command.ends_on,
            premium_cents=command.premium_cents,
            channel=command.channel,
        ),
        store_id=store_id,
        policy_id=str(new_id()),
        customer_ref=customer_ref,
        vehicle_ref=vehicle_ref,
        sold_here=sold_here,
        is_renewal=is_renewal,
        others=await policies.policies_of_vehicle(connection, store_id, vehicle_ref),
        overlap_confirmed=command.overlap_confirmed,
        rules=await insurance_rules(connection, store_id, await _today(uow, deps), deps),
        renewed=renewed,
        recorded_by=uow.person,
        now=uow.now,
    )
    await policies.save_policy(connection, policy)
    number = await deps.personal.encrypt(connection, store_id, customer_ref, command.policy_number)
    await policies.save_policy_number(connection, store_id, policy.policy_id, number)
    uow.publish(events)
    return policy


async def _require_vehicle(connection: Connection, store_id: str, vehicle_ref: str) -> None:
    if vehicle_ref not in await policies.vehicles_of_store(connection, store_id, [vehicle_ref]):
        raise unknown("vehicle_ref", vehicle_ref)


async def _today(uow: UnitOfWork, deps: Deps) -> date:
    return (await deps.group.store(uow.connection, uow.store_id)).local_day(uow.now)


def policy_view(policy: Policy, today: date) -> PolicyView:
    next_begins_on, next_ends_on = insurance.next_term(policy)
    return PolicyView(
        **{name: getattr(policy, name) for name in _PLAIN},
        days_left=policy.days_left(today),
        next_begins_on=next_begins_on,
        next_ends_on=next_ends_on,
    )


def _quote_views(policy: Policy, quotes: Sequence[Quote], today: date) -> list[QuoteView]:
    best = insurance.cheapest(quotes, today)
    return [
        QuoteView(
            quote_id=each.quote_id,
            insurer=each.insurer,
            kinds=each.kinds,
            premium_cents=each.premium_cents,
            difference_cents=each.premium_cents - policy.premium_cents,
            valid_until=each.valid_until,
            expired=each.valid_until < today,
            cheapest=each.quote_id == best,
            recorded_by=each.recorded_by,
            recorded_at=each.recorded_at,
        )
        for each in quotes
    ]


_PLAIN = PolicyView.model_fields.keys() & Policy.__dataclass_fields__.keys()
