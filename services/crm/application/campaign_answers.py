"""Answers to invitations (邀约反馈): as agents record them, and as appointments and orders say."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import cancel_follow_ups, cancel_refused_follow_ups
from services.crm.domain import campaign as campaigns
from services.crm.domain.campaign import Invitation, InvitationState, SkipCause
from services.crm.domain.follow_up import FollowUp
from shared.contracts.base import Identifier
from shared.contracts.crm import CampaignAnswer, InvitationChannel, Tier
from shared.contracts.reception import AppointmentBooked
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class AnswerInvitationRequest(RequestModel):
    """What a customer says to an invitation; a visit is known by its order."""

    answer: Annotated[Literal["booked", "declined", "no_answer"], Field(description="邀约反馈")]
    appointment_id: Identifier | None = None


class InvitationView(BaseModel):
    """Customer of a campaign with what they did."""

    invitation_id: str
    campaign_id: str
    customer_ref: str
    tier: Tier | None
    wave: int | None
    state: InvitationState
    channel: InvitationChannel | None
    invited_at: datetime | None
    skip_cause: SkipCause | None
    answer: CampaignAnswer | None
    answered_at: datetime | None
    answered_by: str | None
    appointment_id: str | None
    order_id: str | None


class InvitationDetail(InvitationView):
    """An invitation with what an agent says about its campaign."""

    title: str
    begins_on: date
    ends_on: date


async def get_invitation(store_id: str, invitation_id: str, deps: Deps) -> InvitationDetail:
    """Return an invitation with its campaign.

    Raises:
        RuleViolation: the store has no such invitation.
    """
    async with deps.uow_factory.read(store_id) as connection:
        invitation = await persistence.read_invitation(connection, store_id, invitation_id)
        campaign = await persistence.read_campaign(connection, store_id, invitation.campaign_id)
    return InvitationDetail(
        **view_of(invitation).model_dump(),
        title=campaign.title,
        begins_on=campaign.begins_on,
        ends_on=campaign.ends_on,
    )


async def answer_invitation(
    uow: UnitOfWork, invitation_id: str, command: AnswerInvitationRequest
) -> InvitationView:
    """Record what a customer says to an invitation (邀约反馈).

    Raises:
        RuleViolation: the store has no such invitation, the customer is not invited, or has
            answered for good or in this way already.
    """
    connection, store_id = uow.connection, uow.store_id
    seen = await persistence.read_invitation(connection, store_id, invitation_id)
    await persistence.lock_follow_ups_of(connection, store_id, [seen.customer_ref])
    invitation = await persistence.lock_invitation(connection, store_id, invitation_id)
    answered = await record_answer(
        uow, invitation, command.answer, by=uow.person, appointment_id=command.appointment_id
    )
    return view_of(answered)


async def record_answer(
    uow: UnitOfWork,
    invitation: Invitation,
    given: CampaignAnswer,
    *,
    by: str | None,
    appointment_id: str | None = None,
    order_id: str | None = None,
) -> Invitation:
    """Record and announce an answer; the customer is not called about it any more.

    The customer's calls are locked, then the invitation.

    Raises:
        RuleViolation: the customer is not invited, or has answered for good or in this way already.
    """
    answered, events = campaigns.answer(
        invitation,
        given,
        by=by,
        now=uow.now,
        appointment_id=appointment_id,
        order_id=order_id,
    )
    await persistence.save_invitations(uow.connection, [answered])
    uow.publish(events)
    await _end_contacts(uow, invitation)
    return answered


async def note_appointment(uow: UnitOfWork, event: AppointmentBooked, _: Deps) -> None:
    """Record that an invited customer has booked."""
    if event.customer_ref is not None:
        await _note(uow, event.customer_ref, "booked", appointment_id=event.appointment_id)


async def note_visit(uow: UnitOfWork, customer_ref: str, order_id: str) -> None:
    """Record that an invited customer has come."""
    await _note(uow, customer_ref, "came", order_id=order_id)


async def end_campaign_calls(uow: UnitOfWork, called: FollowUp, _: Deps) -> None:
    """Record that a customer gave no answer, after the last call in vain.

    What a customer who was reached has said is recorded by the agent.
    """
    if called.reached:
        return
    invitation = await persistence.lock_invitation(uow.connection, uow.store_id, called.about)
    if campaigns.can_answer(invitation, "no_answer"):
        await record_answer(uow, invitation, "no_answer", by=uow.person)


async def withdraw_invitations(uow: UnitOfWork, customer_ref: str) -> None:
    """End the invitations of a customer who has withdrawn the consent to marketing (撤回同意).

    The customer's calls are locked.
    """
    found = await persistence.lock_running_invitations(uow.connection, uow.store_id, customer_ref)
    waiting = [each for each in found if each.state == "waiting"]
    await persistence.save_invitations(
        uow.connection, [campaigns.skip(each, "consent_withdrawn") for each in waiting]
    )
    for each in found:
        await _end_contacts(uow, each)
    await cancel_refused_follow_ups(uow, customer_ref)


def view_of(invitation: Invitation) -> InvitationView:
    """Return an invitation as responses show it."""
    return InvitationView.model_validate(invitation, from_attributes=True)


async def _note(
    uow: UnitOfWork,
    customer_ref: str,
    given: CampaignAnswer,
    *,
    appointment_id: str | None = None,
    order_id: str | None = None,
) -> None:
    await persistence.lock_follow_ups_of(uow.connection, uow.store_id, [customer_ref])
    found = await persistence.lock_running_invitations(uow.connection, uow.store_id, customer_ref)
    for each in found:
        if campaigns.can_answer(each, given):
            await record_answer(
                uow, each, given, by=None, appointment_id=appointment_id, order_id=order_id
            )


async def _end_contacts(uow: UnitOfWork, invitation: Invitation) -> None:
    """Cancel the call of an invitation, and void its message where that still waits."""
    if invitation.channel == "call":
        await cancel_follow_ups(uow, about=invitation.invitation_id)
    elif invitation.channel == "message":
        await persistence.void_messages_about(
            uow.connection, invitation.store_id, invitation.invitation_id, uow.now
        )
