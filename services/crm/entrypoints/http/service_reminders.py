"""Service reminders (保养提醒), and the service history from which they are predicted."""

from fastapi.responses import JSONResponse

from services.crm.application import service_reminders
from services.crm.application.service_reminders import (
    AnswerReminderRequest,
    RecordFirstRegistrationRequest,
    RecordOdometerRequest,
    ReminderDetail,
    ReminderPage,
    ReminderView,
    ServiceHistoryView,
)
from services.crm.domain.service_reminder import State
from services.crm.entrypoints.http.access import After, CallerCommand, CallReader, InjectedDeps
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()

_R26 = serves("R26")


@router.get("/service-reminders", tags=["service reminders"], openapi_extra=_R26)
async def list_reminders(
    store_id: str,
    _: CallReader,
    deps: InjectedDeps,
    state: State = "due",
    after: After = None,
) -> ReminderPage:
    return await service_reminders.list_reminders(store_id, state, after, deps)


@router.get("/service-reminders/{reminder_id}", tags=["service reminders"], openapi_extra=_R26)
async def get_reminder(
    store_id: str, reminder_id: str, _: CallReader, deps: InjectedDeps
) -> ReminderDetail:
    return await service_reminders.get_reminder(store_id, reminder_id, deps)


@router.post(
    "/service-reminders/{reminder_id}/answer",
    response_model=ReminderView,
    tags=["service reminders"],
    openapi_extra=_R26,
)
async def answer_reminder(
    reminder_id: str, body: AnswerReminderRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: service_reminders.answer_reminder(uow, reminder_id, body, deps)
    )


@router.post(
    "/registered-vehicles/{vehicle_ref}/odometer-readings",
    status_code=201,
    response_model=ServiceHistoryView,
    tags=["service reminders"],
    openapi_extra=_R26,
)
async def record_odometer(
    vehicle_ref: str, body: RecordOdometerRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: service_reminders.record_odometer(uow, vehicle_ref, body, deps), status=201
    )


@router.put(
    "/registered-vehicles/{vehicle_ref}/first-registration",
    response_model=ServiceHistoryView,
    tags=["service reminders"],
    openapi_extra=_R26,
)
async def record_first_registration(
    vehicle_ref: str,
    body: RecordFirstRegistrationRequest,
    command: CallerCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(
        lambda uow: service_reminders.record_first_registration(uow, vehicle_ref, body, deps)
    )
