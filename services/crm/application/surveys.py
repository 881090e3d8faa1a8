"""Satisfaction surveys (满意度调查): which visits customers are asked about, and how (R24)."""

import hashlib
from datetime import time, timedelta

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import schedule_follow_up
from services.crm.application.rules import questionnaire_on
from services.crm.application.sending import send_soon
from services.crm.domain import errors
from services.crm.domain import survey as surveys
from services.crm.domain.message_text import SurveyInvitation, compose
from services.crm.domain.service_visit import ServiceVisit
from services.crm.domain.survey import AskedVersion, Survey
from services.crm.persistence.complaint import is_complaining
from services.crm.persistence.persons import Person, find_persons
from shared import timers
from shared.contracts.management import SurveyChannel, SurveyRules
from shared.contracts.reception import VehicleDelivered
from shared.contracts.violations import RuleViolation, unknown
from shared.contracts.workshop import JobFinished, QualityInspectionPassed
from shared.ids import new_id
from shared.personal_data import PersonalData
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

ASK_FOR_SURVEY = "ask_for_survey"

_ADVISOR, _TECHNICIAN, _INSPECTOR = "service_advisor", "technician", "quality_inspector"


async def plan_survey(uow: UnitOfWork, event: VehicleDelivered, deps: Deps) -> None:
    """Plan to ask about the visit, if its order is in the sample of the store."""
    staff = [(event.order_id, _ADVISOR, event.advisor_id)]
    await persistence.note_staff(uow.connection, event.store_id, staff)
    store = await deps.group.store(uow.connection, event.store_id)
    day = store.local_day(event.delivered_at)
    rules = await deps.group.rules_on(uow.connection, SurveyRules, store.id, day)
    if surveys.is_sampled(event.order_id, rules.share_bp):
        asks_on = day + timedelta(days=rules.asks_after_days)
        await timers.schedule(
            uow,
            ASK_FOR_SURVEY,
            event.order_id,
            store_id=store.id,
            due_at=store.at(asks_on, time.fromisoformat(rules.asks_at)),
        )


async def note_technicians(uow: UnitOfWork, event: JobFinished, _: Deps) -> None:
    """Record who did a job of the visit."""
    staff = [(event.order_id, _TECHNICIAN, each) for each in event.technician_ids]
    await persistence.note_staff(uow.connection, event.store_id, staff)


async def note_inspector(uow: UnitOfWork, event: QualityInspectionPassed, _: Deps) -> None:
    """Record who accepted a job of the visit."""
    staff = [(event.order_id, _INSPECTOR, event.inspector_id)]
    await persistence.note_staff(uow.connection, event.store_id, staff)


async def ask_for_survey(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Ask the customer about the visit, unless that would tire them or they do not want it."""
    visit = await persistence.find_service_visit(uow.connection, timer.store_id, timer.entity_id)
    if visit is None or visit.customer_ref is None:
        return
    try:
        await ask(uow, visit, visit.customer_ref, deps)
    except RuleViolation:
        return


async def ask(
    uow: UnitOfWork,
    visit: ServiceVisit,
    customer_ref: str,
    deps: Deps,
    *,
    by: SurveyChannel | None = None,
) -> Survey:
    """Ask a customer about a visit, by the first channel that reaches them, or ``by`` one.

    Raises:
        RuleViolation: they were asked about the visit or lately about another, a complaint of
            theirs is under way, they want no survey, or the group has no questionnaire for the
            channel.
    """
    connection, store_id = uow.connection, visit.store_id
    store = await deps.group.store(connection, store_id)
    day = store.local_day(uow.now)
    asked = await questionnaire_on(connection, day, deps)
    if asked is None:
        raise errors.no_questionnaire()
    rules = await deps.group.rules_on(connection, SurveyRules, store_id, day)
    if await persistence.survey_of_order(connection, store_id, visit.order_id):
        raise errors.surveyed_already(visit.order_id)
    if await is_complaining(connection, store_id, customer_ref):
        raise errors.complaint_under_way()
    rested_since = uow.now - timedelta(days=rules.rest_days)
    if await persistence.is_asked_in_group(connection, customer_ref, rested_since):
        raise errors.asked_lately(rules.rest_days)
    person = await _person(uow, customer_ref, deps)
    wanted = [each for each in asked.questionnaire.channels if by in (None, each)]
    channel = surveys.channel_for(person.contact, wanted, deps.channels)
    if channel is None:
        raise errors.wants_no_survey() if wanted else errors.no_questionnaire()
    survey = Survey(
        survey_id=str(new_id()),
        store_id=store_id,
        order_id=visit.order_id,
        customer_ref=customer_ref,
        version=asked.version,
        channel=channel,
        asked_at=uow.now,
        expires_at=uow.now + timedelta(days=rules.answer_days),
    )
    if channel == "phone" and by is None and not await _plan_call(uow, survey, deps):
        raise errors.wants_no_survey()
    await _begin(uow, survey, asked)
    if channel == "link":
        await _send_link(uow, survey, visit, deps)
    return survey


async def _person(uow: UnitOfWork, customer_ref: str, deps: Deps) -> Person:
    """Return the customer to ask.

    Raises:
        RuleViolation: the store knows no such customer, or they refuse surveys.
    """
    if await persistence.customers_who_said(
        uow.connection, uow.store_id, [customer_ref], "surveys", is_given=False
    ):
        raise errors.wants_no_survey()
    persons = await find_persons(uow.connection, deps.personal, uow.store_id, [customer_ref])
    if customer_ref not in persons:
        raise unknown("customer_ref", customer_ref)
    return persons[customer_ref]


async def _plan_call(uow: UnitOfWork, survey: Survey, deps: Deps) -> bool:
    """Have an agent ask on the phone; return False where the customer gets no call now."""
    planned = await schedule_follow_up(
        uow,
        deps,
        reason="survey",
        customer_ref=survey.customer_ref,
        due_at=survey.asked_at,
        order_id=survey.order_id,
        about=survey.survey_id,
    )
    return planned is not None


async def _begin(uow: UnitOfWork, survey: Survey, asked: AskedVersion) -> None:
    await persistence.keep_version(uow.connection, survey.store_id, asked)
    begun, events = surveys.ask(survey)
    await persistence.save_survey(uow.connection, begun)
    uow.publish(events)


async def _send_link(uow: UnitOfWork, survey: Survey, visit: ServiceVisit, deps: Deps) -> None:
    """Send the one-time link; only the hash of its token is kept, beside the encrypted message."""
    connection, store_id = uow.connection, survey.store_id
    token = link_token(deps.personal, store_id, survey.survey_id)
    await persistence.save_token(connection, store_id, survey.survey_id, token_hash(token))
    message = compose(
        SurveyInvitation(),
        visit,
        message_id=str(new_id()),
        store_id=store_id,
        customer_ref=survey.customer_ref,
        order_id=survey.order_id,
        now=uow.now,
        about=survey.survey_id,
        expires_at=survey.expires_at,
    )
    await send_soon(uow, message)
    link = f"{deps.public_url.rstrip('/')}/survey/{token}"
    encrypted = await deps.personal.encrypt(connection, store_id, survey.customer_ref, link)
    await persistence.save_link(connection, store_id, message.message_id, encrypted)


def link_token(personal: PersonalData, store_id: str, survey_id: str) -> str:
    """Return the token of a survey's link; only this service can derive it again."""
    return f"{store_id}.{personal.reference('survey', survey_id)}"


def token_hash(token: str) -> bytes:
    """Return the hash of a link's token, which is kept in its place."""
    return hashlib.sha256(token.encode()).digest()
