"""Answers to satisfaction surveys (满意度答卷), over a link or to an agent on the phone (R24)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import cancel_follow_ups
from services.crm.application.survey_months import plan_evaluation
from services.crm.application.surveys import ask, token_hash
from services.crm.domain import errors
from services.crm.domain import survey as surveys
from services.crm.domain.message import Language
from services.crm.domain.survey import AskedVersion, Status, Survey
from services.crm.persistence.persons import find_persons
from shared.contracts.base import Code, Identifier
from shared.contracts.crm import VisitStaff
from shared.contracts.management import (
    NameInBoth,
    Score,
    SurveyChannel,
    SurveyFactor,
    SurveyRules,
)
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class BeginSurveyRequest(RequestModel):
    """Visit about which an agent asks the customer on the phone."""

    order_id: Identifier


class AnswerSurveyRequest(RequestModel):
    """Scores by question, one for each, and what the customer said in their own words."""

    scores: Annotated[dict[Code, Score], Field(max_length=120)]
    words: Annotated[str, Field(min_length=1, max_length=2000, description="客户意见")] | None = (
        None
    )


class SurveyView(BaseModel):
    """One survey. ``csi`` (满意度指数) and the means of its factors are on 1,000."""

    survey_id: str
    order_id: str
    customer_ref: str
    version: str
    channel: SurveyChannel
    status: Status
    asked_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    answered_by: str | None
    csi: float | None
    low_factors: Sequence[str]


class SurveyDetail(SurveyView):
    """One survey with its questions, scores and words, and who worked on the visit."""

    factors: Sequence[SurveyFactor]
    scores: dict[str, int] | None
    factor_means: dict[str, float] | None
    words: str | None
    staff: Sequence[VisitStaff]


class SurveyForm(BaseModel):
    """Questions of a survey as the customer sees them, in the language that they prefer."""

    store: NameInBoth
    language: Language
    factors: Sequence[SurveyFactor]
    expires_at: datetime


class SurveyReceipt(BaseModel):
    """Confirmation of an answer."""

    survey_id: str
    answered_at: datetime


async def begin_survey(uow: UnitOfWork, command: BeginSurveyRequest, deps: Deps) -> SurveyView:
    """Begin a survey about a visit that an agent asks about on the phone.

    Raises:
        RuleViolation: the store has no such visit, the vehicle is not delivered, the customer was
            asked about it or lately about another, or does not want to be asked.
    """
    visit = await persistence.find_service_visit(uow.connection, uow.store_id, command.order_id)
    if visit is None:
        raise unknown("order_id", command.order_id)
    if visit.delivered_at is None or visit.customer_ref is None:
        raise errors.not_delivered(command.order_id)
    survey = await ask(uow, visit, visit.customer_ref, deps, by="phone")
    return _view(survey, uow.now)


async def answer_by_phone(
    uow: UnitOfWork, survey_id: str, command: AnswerSurveyRequest, deps: Deps
) -> SurveyView:
    """Record what a customer answers to an agent on the phone, also if a link was sent.

    Raises:
        RuleViolation: as :func:`survey.answer`, or the store has no such survey.
    """
    survey = await persistence.lock_survey(uow.connection, uow.store_id, survey_id)
    answered = await _answer(uow, survey, command, "phone", uow.person, deps)
    return _view(answered, uow.now)


async def show_survey(token: str, deps: Deps) -> SurveyForm:
    """Return the questions of the survey to which a link leads (答卷页).

    Raises:
        RuleViolation: there is no such link, it was used, or it has expired.
    """
    store_id = await store_of(token, deps)
    async with deps.uow_factory.read(store_id) as connection:
        survey = await persistence.survey_of_token(connection, store_id, token_hash(token))
        if survey is None:
            raise errors.unknown_survey_link()
        surveys.require_open(survey, deps.uow_factory.clock.now())
        asked = await _asked(connection, survey)
        store = await deps.group.store(connection, store_id)
        persons = await find_persons(connection, deps.personal, store_id, [survey.customer_ref])
    person = persons.get(survey.customer_ref)
    return SurveyForm(
        store=NameInBoth(zh=store.zh, en=store.en),
        language=person.language if person else "zh",
        factors=asked.questionnaire.factors,
        expires_at=survey.expires_at,
    )


async def answer_by_link(
    uow: UnitOfWork,
    token: str,
    command: AnswerSurveyRequest,
    deps: Deps,
    *,
    is_colleague: bool,
) -> SurveyReceipt:
    """Record what a customer answers over their link, which is used up.

    Raises:
        RuleViolation: as :func:`survey.answer`, there is no such link, or a colleague answers.
    """
    if is_colleague:
        raise errors.colleague_at_survey()
    found = await persistence.survey_of_token(uow.connection, uow.store_id, token_hash(token))
    if found is None:
        raise errors.unknown_survey_link()
    survey = await persistence.lock_survey(uow.connection, uow.store_id, found.survey_id)
    answered = await _answer(uow, survey, command, "link", None, deps)
    return SurveyReceipt(survey_id=answered.survey_id, answered_at=uow.now)


async def store_of(token: str, deps: Deps) -> str:
    """Return the store that a token claims to belong to; its hash proves whether it does.

    Raises:
        RuleViolation: it is no token.
    """
    store_id, dot, _ = token.partition(".")
    async with deps.uow_factory.read() as connection:
        known = await deps.group.stores(connection, [store_id])
    if not dot or not known:
        raise errors.unknown_survey_link()
    return store_id


async def list_surveys(
    store_id: str,
    order_id: str | None,
    statuses: Sequence[Status],
    before: str | None,
    limit: int,
    deps: Deps,
) -> list[SurveyView]:
    """List surveys, those asked last first, from the one after ``before`` on."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_surveys(
            connection,
            store_id,
            order_id=order_id,
            statuses=statuses,
            before=before,
            limit=limit,
            now=now,
        )
    return [_view(survey, now) for survey in found]


async def get_survey(store_id: str, survey_id: str, deps: Deps) -> SurveyDetail:
    """Return one survey with its scores and words.

    Raises:
        RuleViolation: there is no such survey in the store.
    """
    async with deps.uow_factory.read(store_id) as connection:
        survey = await persistence.find_survey(connection, store_id, survey_id)
        asked = await _asked(connection, survey)
        encrypted = await persistence.encrypted_words(connection, store_id, survey_id)
        words = await deps.personal.decrypt(connection, store_id, survey.customer_ref, encrypted)
        staff = await persistence.staff_of(connection, store_id, survey.order_id)
    return SurveyDetail(
        **_view(survey, deps.uow_factory.clock.now()).model_dump(),
        factors=asked.questionnaire.factors,
        scores=survey.scores and dict(survey.scores),
        factor_means=survey.factor_means and dict(survey.factor_means),
        words=words,
        staff=staff,
    )


async def _answer(
    uow: UnitOfWork,
    survey: Survey,
    command: AnswerSurveyRequest,
    channel: SurveyChannel,
    answered_by: str | None,
    deps: Deps,
) -> Survey:
    connection, store_id = uow.connection, survey.store_id
    answered, events = surveys.answer(
        survey,
        await _asked(connection, survey),
        command.scores,
        channel=channel,
        answered_by=answered_by,
        staff=await persistence.staff_of(connection, store_id, survey.order_id),
        rules=await deps.group.rules_today(connection, SurveyRules, store_id),
        now=uow.now,
    )
    await persistence.save_survey(connection, answered)
    if command.words:
        words = await deps.personal.encrypt(
            connection, store_id, survey.customer_ref, command.words
        )
        await persistence.save_words(connection, store_id, survey.survey_id, words)
    await persistence.void_messages_about(connection, store_id, survey.survey_id, uow.now)
    await cancel_follow_ups(uow, about=survey.survey_id)
    await plan_evaluation(uow, store_id, deps)
    uow.publish(events)
    return answered


async def _asked(connection: Connection, survey: Survey) -> AskedVersion:
    found = await persistence.find_versions(connection, survey.store_id, [survey.version])
    return found[survey.version]


def _view(survey: Survey, now: datetime) -> SurveyView:
    return SurveyView(
        **{name: getattr(survey, name) for name in _VIEW_FIELDS}, status=survey.status(now)
    )


_VIEW_FIELDS = SurveyView.model_fields.keys() - {"status"}
