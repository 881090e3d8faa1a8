"""Run of a campaign (活动执行): customers drawn, invited in waves, and closed at its end.

One timer a campaign takes its next step, a batch in a transaction, so that a campaign that is
interrupted goes on where it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.crm import persistence
from services.crm.application import campaign_answers
from services.crm.application.callers import NoAgentError, next_day
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import Occasion, plan_follow_ups
from services.crm.application.nightly import BATCH
from services.crm.application.segments import criteria_of
from services.crm.application.sending import send_soon
from services.crm.domain import campaign as campaigns
from services.crm.domain.campaign import Campaign, Invitation
from services.crm.domain.message import Message, choose
from services.crm.domain.message_text import CampaignInvitation, compose
from services.crm.persistence.persons import Person, find_persons
from shared import timers
from shared.db import Connection
from shared.group import Store
from shared.ids import new_id
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

RUN_CAMPAIGN = "run_campaign"


@dataclass(frozen=True)
class _Wave:
    """Customers who are to be invited now, and what decides whether they are."""

    campaign: Campaign
    store: Store
    invitations: Sequence[Invitation]
    persons: Mapping[str, Person]


async def schedule_run(uow: UnitOfWork, campaign: Campaign, due_at: datetime) -> None:
    """Schedule the next step of a campaign."""
    await timers.schedule(
        uow, RUN_CAMPAIGN, campaign.campaign_id, store_id=campaign.store_id, due_at=due_at
    )


async def lock_campaign(uow: UnitOfWork, store_id: str, campaign_id: str) -> None:
    """Lock the campaign before its timer, as commands do."""
    await persistence.lock_campaign(uow.connection, store_id, campaign_id)


async def run_campaign(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Take the next step of a campaign: begin, invite a batch, end, or close a batch.

    Raises:
        NotDefinedError: rules of calls are not defined yet.
    """
    campaign = await persistence.lock_campaign(uow.connection, timer.store_id, timer.entity_id)
    store = await deps.group.store(uow.connection, timer.store_id)
    if campaign.status == "scheduled":
        await _start(uow, campaign, store)
    elif campaign.status == "running" and uow.now >= period_of(campaign, store)[1]:
        await end_now(uow, campaign, None, deps)
    elif campaign.status == "running":
        await _invite_batch(uow, campaign, store, deps)
    elif campaign.status == "ended":
        await _close_batch(uow, campaign)


async def end_now(uow: UnitOfWork, campaign: Campaign, by: str | None, deps: Deps) -> Campaign:
    """End a campaign with what it has changed so far; its invitations are closed after this.

    Raises:
        RuleViolation: it does not run.
    """
    connection = uow.connection
    store = await deps.group.store(connection, campaign.store_id)
    invited, control = await persistence.campaign_figures(
        connection, campaign.store_id, campaign.campaign_id, period_of(campaign, store)
    )
    cost_cents = await cost_of(connection, campaign)
    ended, event = campaigns.end(campaign, invited, control, cost_cents, by, uow.now)
    saved = await save_campaign(uow, ended)
    uow.publish([event])
    await schedule_run(uow, saved, uow.now)
    return saved


async def save_campaign(uow: UnitOfWork, campaign: Campaign) -> Campaign:
    """Store a campaign as its next version, and return it."""

    async def write(changed: Sequence[Campaign]) -> None:
        (only,) = changed
        await persistence.save_campaign(uow.connection, only)

    (saved,) = await uow.save([campaign], write)
    return saved


def period_of(campaign: Campaign, store: Store) -> tuple[datetime, datetime]:
    """Return the first moment of a campaign's period, and the first one after it."""
    return store.day_bounds(campaign.begins_on)[0], store.day_bounds(campaign.ends_on)[1]


async def cost_of(connection: Connection, campaign: Campaign) -> int:
    """Return the cost of a campaign so far, its redeemed vouchers included."""
    costs = await persistence.campaign_costs(connection, campaign.store_id, campaign.campaign_id)
    vouchers = await persistence.campaign_vouchers(
        connection, campaign.store_id, campaign.campaign_id
    )
    return sum(costs.values()) + vouchers.cost_cents


async def _start(uow: UnitOfWork, campaign: Campaign, store: Store) -> None:
    """Draw the customers whom the segment has now."""
    criteria = criteria_of(campaign.segment, store, store.local_day(uow.now))
    candidates = await persistence.candidates_of(uow.connection, store.id, criteria)
    started, invitations, event = campaigns.start(
        campaign, candidates, [str(new_id()) for _ in candidates], uow.now
    )
    await save_campaign(uow, started)
    await persistence.save_invitations(uow.connection, invitations)
    uow.publish([event])
    await schedule_run(uow, started, uow.now)


async def _invite_batch(uow: UnitOfWork, campaign: Campaign, store: Store, deps: Deps) -> None:
    """Invite the next customers whose wave is due, then wait for the next wave or the end."""
    connection, today = uow.connection, store.local_day(uow.now)
    due_wave = max(
        (wave for wave in range(1, campaign.waves + 1) if campaign.wave_day(wave) <= today),
        default=0,
    )
    found = await _locked(
        uow,
        await persistence.due_invitations(
            connection, store.id, campaign.campaign_id, due_wave, BATCH
        ),
    )
    refs = [each.customer_ref for each in found]
    persons = await find_persons(connection, deps.personal, store.id, refs)
    try:
        invited = await _invite(uow, _Wave(campaign, store, found, persons), deps)
    except NoAgentError:
        await schedule_run(uow, campaign, next_day(store, uow.now))
        return
    await persistence.save_invitations(connection, invited)
    await schedule_run(uow, campaign, await _next_step(uow, campaign, store))


async def _next_step(uow: UnitOfWork, campaign: Campaign, store: Store) -> datetime:
    wave = await persistence.next_wave(uow.connection, store.id, campaign.campaign_id)
    if wave is None:
        return period_of(campaign, store)[1]
    return max(uow.now, store.at(campaign.wave_day(wave), store.opening))


async def _invite(uow: UnitOfWork, wave: _Wave, deps: Deps) -> list[Invitation]:
    """Return the customers of a wave as they are afterwards.

    Raises:
        NoAgentError: the store has no agent for the calls.
    """
    connection, store_id = uow.connection, wave.store.id
    refs = [each.customer_ref for each in wave.invitations]
    consenting = await persistence.customers_who_said(
        connection, store_id, refs, "marketing", is_given=True
    )
    complaining = (
        await persistence.customers_complaining(connection, store_id, refs)
        if wave.campaign.segment.without_open_complaint
        else ()
    )
    left: list[Invitation] = []
    messages: list[tuple[Invitation, Message]] = []
    calls: list[Invitation] = []
    for each in wave.invitations:
        person = wave.persons.get(each.customer_ref)
        message = _message(wave, each, uow.now)
        if each.customer_ref not in consenting or person is None:
            left.append(campaigns.skip(each, "consent_withdrawn"))
        elif each.customer_ref in complaining:
            left.append(campaigns.skip(each, "complaint"))
        elif wave.campaign.invite_by == "message" and choose(
            message, person.contact, deps.channels.keys()
        ):
            messages.append((each, message))
        elif "phone" in person.contact.declined:
            left.append(campaigns.skip(each, "not_reachable"))
        else:
            calls.append(each)
    called = await _call(uow, wave.store, calls, deps)
    for each, message in messages:
        sent, event = campaigns.invite(each, "message", uow.now)
        uow.publish([event])
        await send_soon(uow, message)
        left.append(sent)
    return [*left, *called]


async def _call(
    uow: UnitOfWork, store: Store, invitations: Sequence[Invitation], deps: Deps
) -> list[Invitation]:
    """Have customers called; one whom another call is too close to is left out."""
    occasions = {
        each.invitation_id: Occasion(
            "campaign", each.customer_ref, each.invitation_id, due_at=uow.now
        )
        for each in invitations
    }
    planned = await plan_follow_ups(uow, store, list(occasions.values()), deps)
    called = []
    for each in invitations:
        if occasions[each.invitation_id].key in planned:
            invited, event = campaigns.invite(each, "call", uow.now)
            uow.publish([event])
            called.append(invited)
        else:
            called.append(campaigns.skip(each, "crowded"))
    return called


def _message(wave: _Wave, invitation: Invitation, now: datetime) -> Message:
    ends_at = period_of(wave.campaign, wave.store)[1]
    return compose(
        CampaignInvitation(campaign=wave.campaign.title, ends_at=ends_at),
        None,
        message_id=str(new_id()),
        store_id=wave.store.id,
        customer_ref=invitation.customer_ref,
        order_id=None,
        now=now,
        about=invitation.invitation_id,
    )


async def _close_batch(uow: UnitOfWork, campaign: Campaign) -> None:
    """Close invitations without an answer, after the campaign's end."""
    unanswered = await persistence.unanswered_invitations(
        uow.connection, campaign.store_id, campaign.campaign_id, BATCH
    )
    for each in await _locked(uow, unanswered):
        if each.state == "waiting":
            await persistence.save_invitations(uow.connection, [campaigns.skip(each, "ended")])
        else:
            await campaign_answers.record_answer(uow, each, "no_answer", by=None)
    if len(unanswered) == BATCH:
        await schedule_run(uow, campaign, uow.now)


async def _locked(uow: UnitOfWork, invitations: Sequence[Invitation]) -> list[Invitation]:
    """Return those of the invitations that wait for an invitation or an answer still.

    The customers' calls are locked before the invitations, as by commands.
    """
    connection, store_id = uow.connection, uow.store_id
    await persistence.lock_follow_ups_of(
        connection, store_id, {each.customer_ref for each in invitations}
    )
    locked = await persistence.lock_invitations(connection, store_id, invitations)
    found = {each.invitation_id: each for each in locked}
    return [now for each in invitations if campaigns.is_open(now := found[each.invitation_id])]
