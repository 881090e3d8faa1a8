"""Inquiries (咨询)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.crm.application import inquiries
from services.crm.application.inquiries import (
    AnswerInquiryRequest,
    InquiryPage,
    InquiryView,
    PassInquiryOnRequest,
    RecordInquiryRequest,
    SubjectSummary,
)
from services.crm.domain.inquiry import InquiryStatus
from services.crm.entrypoints.http.access import (
    DepartmentCommand,
    FrontOfficeCommand,
    InjectedDeps,
    Reader,
)
from shared.contracts.base import Identifier
from shared.contracts.crm import InquirySubject
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter("/inquiries")

_REQUIREMENTS = serves("R22")


@router.post(
    "",
    status_code=201,
    response_model=InquiryView,
    tags=["inquiries"],
    openapi_extra=_REQUIREMENTS,
)
async def record_inquiry(
    body: RecordInquiryRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: inquiries.record_inquiry(uow, body, deps), status=201)


@router.get("", tags=["inquiries"], openapi_extra=_REQUIREMENTS)
async def list_inquiries(
    store_id: str,
    _: Reader,
    deps: InjectedDeps,
    status: Annotated[list[InquiryStatus], Query(max_length=2)],
    subject: Annotated[list[InquirySubject], Query(max_length=9)] = [],  # noqa: B006
    customer_ref: Identifier | None = None,
    after: Identifier | None = None,
) -> InquiryPage:
    return await inquiries.list_inquiries(store_id, status, subject, customer_ref, after, deps)


@router.get("/summary", tags=["inquiries"], openapi_extra=_REQUIREMENTS)
async def summarize_inquiries(
    store_id: str, _: Reader, deps: InjectedDeps, first_day: CalendarDay, last_day: CalendarDay
) -> list[SubjectSummary]:
    return await inquiries.summarize_inquiries(store_id, first_day, last_day, deps)


@router.post(
    "/{inquiry_id}/department",
    response_model=InquiryView,
    tags=["inquiries"],
    openapi_extra=_REQUIREMENTS,
)
async def pass_inquiry_on(
    inquiry_id: str, body: PassInquiryOnRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: inquiries.pass_inquiry_on(uow, inquiry_id, body, deps))


@router.post(
    "/{inquiry_id}/answer",
    response_model=InquiryView,
    tags=["inquiries"],
    openapi_extra=_REQUIREMENTS,
)
async def answer_inquiry(
    inquiry_id: str, body: AnswerInquiryRequest, command: DepartmentCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: inquiries.answer_inquiry(uow, inquiry_id, body, command.principal.roles, deps)
    )
