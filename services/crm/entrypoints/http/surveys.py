"""Satisfaction surveys (满意度调查): links, calls, answers and results."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request
from fastapi.responses import JSONResponse

from services.crm.application import survey_answers, survey_results
from services.crm.application.survey_answers import (
    AnswerSurveyRequest,
    BeginSurveyRequest,
    SurveyDetail,
    SurveyForm,
    SurveyReceipt,
    SurveyView,
    store_of,
)
from services.crm.application.survey_results import PartResult, SurveyResults
from services.crm.application.surveys import token_hash
from services.crm.domain.survey import Status
from services.crm.entrypoints.http.access import (
    CallerCommand,
    GroupReader,
    InjectedDeps,
    SurveyReader,
)
from shared.commands import Headers, command_of
from shared.contracts.base import Identifier
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import Router, StoreRouter
from shared.security import Credentials, Principal, bearer_of

router = StoreRouter()
open_router = Router()

Token = Annotated[str, Path(min_length=8, max_length=120)]
Day = Annotated[CalendarDay, Query()]


async def _is_colleague(request: Request, credentials: Credentials) -> bool:
    """Return whether a colleague is signed in where the link is answered.

    Raises:
        Problem: 401, the token is not valid.
    """
    if credentials is None:
        return False
    await bearer_of(request, credentials)
    return True


@open_router.get("/survey-links/{token}", tags=["surveys"], openapi_extra=serves("R24"))
async def show_survey(token: Token, deps: InjectedDeps) -> SurveyForm:
    return await survey_answers.show_survey(token, deps)


@open_router.post(
    "/survey-links/{token}",
    response_model=SurveyReceipt,
    tags=["surveys"],
    openapi_extra=serves("R24"),
)
async def answer_by_link(
    request: Request,
    token: Token,
    body: AnswerSurveyRequest,
    is_colleague: Annotated[bool, Depends(_is_colleague)],
    headers: Headers,
    deps: InjectedDeps,
) -> JSONResponse:
    """The customer answers over their link, which is used up (客户答卷).

    Where a colleague is signed in, no answer is accepted.
    """
    customer = Principal(f"survey:{token_hash(token).hex()}", "", frozenset(), frozenset(), "")
    store_id = await store_of(token, deps)
    command = await command_of(request, customer, store_id, headers)
    return await command.run(
        lambda uow: survey_answers.answer_by_link(uow, token, body, deps, is_colleague=is_colleague)
    )


@open_router.get("/group/survey-results", tags=["surveys"], openapi_extra=serves("R24"))
async def get_group_survey_results(
    first_day: Day, last_day: Day, _: GroupReader, deps: InjectedDeps
) -> list[PartResult]:
    return await survey_results.get_group_survey_results(first_day, last_day, deps)


@router.get("/surveys", tags=["surveys"], openapi_extra=serves("R24"))
async def list_surveys(
    store_id: str,
    _: SurveyReader,
    deps: InjectedDeps,
    status: Annotated[list[Status], Query(max_length=3)],
    order_id: Annotated[Identifier | None, Query()] = None,
    before: Annotated[Identifier | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[SurveyView]:
    return await survey_answers.list_surveys(store_id, order_id, status, before, limit, deps)


@router.post(
    "/surveys",
    status_code=201,
    response_model=SurveyView,
    tags=["surveys"],
    openapi_extra=serves("R24"),
)
async def begin_survey(
    body: BeginSurveyRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: survey_answers.begin_survey(uow, body, deps), status=201)


@router.get("/surveys/{survey_id}", tags=["surveys"], openapi_extra=serves("R24"))
async def get_survey(
    store_id: str, survey_id: str, _: SurveyReader, deps: InjectedDeps
) -> SurveyDetail:
    return await survey_answers.get_survey(store_id, survey_id, deps)


@router.post(
    "/surveys/{survey_id}/answers",
    response_model=SurveyView,
    tags=["surveys"],
    openapi_extra=serves("R24"),
)
async def answer_by_phone(
    survey_id: str, body: AnswerSurveyRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: survey_answers.answer_by_phone(uow, survey_id, body, deps))


@router.get("/survey-results", tags=["surveys"], openapi_extra=serves("R24"))
async def get_survey_results(
    store_id: str, first_day: Day, last_day: Day, _: SurveyReader, deps: InjectedDeps
) -> SurveyResults:
    return await survey_results.get_survey_results(store_id, first_day, last_day, deps)
