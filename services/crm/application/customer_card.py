"""The customer's card (客户卡片): what reception sees when a known customer arrives."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.contact_reads import note_reads
from services.crm.application.contacts import Preferences, preferences_of
from services.crm.application.deps import Deps
from services.crm.application.loyalty_lists import CustomerStanding, standing_of
from services.crm.domain.customer import CustomerKind
from services.crm.domain.follow_up_reason import Reason
from services.crm.domain.service_reminder import State
from services.crm.persistence import customer_card as cards
from services.crm.persistence.persons import find_person
from shared.contracts.crm import (
    CampaignAnswer,
    ComplaintSeverity,
    EscalationRole,
    ServiceReminderKind,
    VehicleRole,
)
from shared.contracts.management import SurveyChannel
from shared.db import Connection
from shared.security import Principal

ViewT = TypeVar("ViewT", bound=BaseModel)

_MOST = 20
_LAST_VISITS = 5


class CardVehicle(BaseModel):
    """A vehicle of the customer, the last day of its insurance and its next maintenance.

    An erased plate is absent.
    """

    vehicle_ref: str
    roles: list[VehicleRole]
    plate: str | None
    brand: str
    model: str
    insured_until: date | None
    next_service_on: date | None


class CardComplaint(BaseModel):
    """A complaint (投诉) that is not closed."""

    complaint_id: str
    severity: ComplaintSeverity
    opened_at: datetime
    due_at: datetime
    escalated_to: EscalationRole | None


class CardCall(BaseModel):
    """A call (回访) that the store still owes the customer."""

    follow_up_id: str
    reason: Reason
    order_id: str | None
    agent_id: str
    due_at: datetime


class CardInvitation(BaseModel):
    """What a vehicle needs (保养提醒), and work that was declined (客户未做的项目)."""

    reminder_id: str
    vehicle_ref: str
    kind: ServiceReminderKind
    due_on: date
    op_codes: list[str]
    state: State


class CardCampaign(BaseModel):
    """A campaign (营销活动) that runs, to which the customer is invited, with the last answer."""

    campaign_id: str
    invitation_id: str
    title: str
    ends_on: date
    invited_at: datetime
    answer: CampaignAnswer | None
    answered_at: datetime | None


class CardSurvey(BaseModel):
    """A survey (满意度调查) that the customer may still answer."""

    survey_id: str
    order_id: str
    channel: SurveyChannel
    asked_at: datetime
    expires_at: datetime


class CardVisit(BaseModel):
    """A visit that ended with a delivery."""

    order_id: str
    delivered_at: datetime


class CardConsent(BaseModel):
    """What the customer has last said about a purpose of contacts (同意)."""

    purpose: str
    is_given: bool
    changed_at: datetime


class CustomerCard(BaseModel):
    """A customer at a glance: standing, vehicles, what is open, and how they want to be told."""

    customer_ref: str
    kind: CustomerKind
    name: str
    standing: CustomerStanding
    preferences: Preferences
    consents: list[CardConsent]
    vehicles: list[CardVehicle]
    complaints: list[CardComplaint]
    calls: list[CardCall]
    invitations: list[CardInvitation]
    campaigns: list[CardCampaign]
    surveys: list[CardSurvey]
    last_visits: list[CardVisit]


async def get_customer_card(
    store_id: str, customer_ref: str, principal: Principal, deps: Deps
) -> CustomerCard:
    """Read what reception needs when a known customer arrives (客户卡片), in one call.

    Raises:
        RuleViolation: the store knows no such customer, or has erased them.
        NotDefinedError: there are no loyalty rules.
    """
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        person = await find_person(connection, deps.personal, store_id, customer_ref)
        of_customer = store_id, person.customer_ref
        refs = [person.customer_ref]
        await note_reads(connection, store_id, refs, principal, "get_customer_card", deps)
        standing = await standing_of(connection, *of_customer, now, deps)
        vehicles = await cards.present_vehicles(connection, *of_customer, _MOST)
        plates = await _plates(connection, store_id, vehicles, deps)
        vehicle_refs = [each["vehicle_ref"] for each in vehicles]
        calls = await persistence.open_follow_ups_of(connection, store_id, [person.customer_ref])
        return CustomerCard(
            customer_ref=person.customer_ref,
            kind=person.kind,
            name=person.name,
            standing=standing,
            preferences=preferences_of(person),
            vehicles=[
                CardVehicle(**{**row, "plate": plates.get(row["vehicle_ref"])}) for row in vehicles
            ],
            calls=[
                CardCall.model_validate(each, from_attributes=True)
                for each in sorted(calls, key=lambda call: call.due_at)[:_MOST]
            ],
            consents=_views(CardConsent, await cards.consents_of(connection, *of_customer)),
            complaints=_views(
                CardComplaint, await cards.open_complaints(connection, *of_customer, _MOST)
            ),
            invitations=_views(
                CardInvitation,
                await cards.open_invitations(connection, store_id, vehicle_refs, _MOST),
            ),
            campaigns=_views(
                CardCampaign, await cards.running_campaigns(connection, *of_customer, _MOST)
            ),
            surveys=_views(
                CardSurvey, await cards.open_surveys(connection, *of_customer, now, _MOST)
            ),
            last_visits=_views(
                CardVisit, await cards.last_visits(connection, *of_customer, _LAST_VISITS)
            ),
        )


def _views(view: type[ViewT], rows: Sequence[Any]) -> list[ViewT]:
    return [view.model_validate(dict(row)) for row in rows]


async def _plates(
    connection: Connection, store_id: str, vehicles: Sequence[Any], deps: Deps
) -> dict[str, str | None]:
    plated = [each for each in vehicles if each["plate"] is not None]
    texts = await deps.personal.decrypt_all(
        connection, store_id, [(each["plate_subject"], each["plate"]) for each in plated]
    )
    return {each["vehicle_ref"]: text for each, text in zip(plated, texts, strict=True)}
