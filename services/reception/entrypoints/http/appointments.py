"""Appointments (预约)."""

from fastapi.responses import JSONResponse

from services.reception.application import appointment_offers, appointments
from services.reception.application.appointment_offers import Offers, OffersRequest
from services.reception.application.appointments import (
    AppointmentView,
    BookAppointmentRequest,
    RescheduleAppointmentRequest,
)
from services.reception.application.cancellations import CancelRequest
from services.reception.entrypoints.http.access import (
    AppointmentReader,
    FrontOffice,
    FrontOfficeCommand,
    InjectedDeps,
    caller_of,
)
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post("/appointments/offers", tags=["appointments"], openapi_extra=serves("R1", "R11"))
async def offer_times(
    store_id: str,
    body: OffersRequest,
    principal: FrontOffice,
    deps: InjectedDeps,
) -> Offers:
    """Times at which the workshop has room, off-peak hours first (错峰预约).

    Nothing is reserved.
    """
    return await appointment_offers.offer_times(principal.token, store_id, body, deps)


@router.post(
    "/appointments",
    status_code=201,
    response_model=AppointmentView,
    tags=["appointments"],
    openapi_extra=serves("R1"),
)
async def book_appointment(
    body: BookAppointmentRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    """Book a time (预约) that the workshop reserves; refused with other offers when it is full."""
    principal, caller = command.principal, caller_of(command)
    return await command.run_prepared(
        lambda: appointments.prepare_booking(body, principal, caller, deps),
        lambda uow, place: appointments.book_appointment(uow, body, place, principal, deps),
        status=201,
    )


@router.get("/appointments", tags=["appointments"], openapi_extra=serves("R1"))
async def list_appointments(
    store_id: str, _: AppointmentReader, deps: InjectedDeps, day: CalendarDay | None = None
) -> list[AppointmentView]:
    return await appointments.list_appointments(store_id, day, deps)


@router.get("/appointments/{appointment_id}", tags=["appointments"], openapi_extra=serves("R1"))
async def get_appointment(
    store_id: str, appointment_id: str, _: AppointmentReader, deps: InjectedDeps
) -> AppointmentView:
    return await appointments.get_appointment(store_id, appointment_id, deps)


@router.post(
    "/appointments/{appointment_id}/reschedule",
    response_model=AppointmentView,
    tags=["appointments"],
    openapi_extra=serves("R1"),
)
async def reschedule_appointment(
    appointment_id: str,
    body: RescheduleAppointmentRequest,
    command: FrontOfficeCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """The customer comes at another time (改期); the old hold stays until there is a new one."""
    principal, caller = command.principal, caller_of(command)
    return await command.run_prepared(
        lambda: appointments.prepare_move(appointment_id, body, principal, caller, deps),
        lambda uow, place: appointments.reschedule_appointment(
            uow, appointment_id, body, place, principal, deps
        ),
    )


@router.post(
    "/appointments/{appointment_id}/cancellation",
    response_model=AppointmentView,
    tags=["appointments"],
    openapi_extra=serves("R1"),
)
async def cancel_appointment(
    appointment_id: str, body: CancelRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: appointments.cancel_appointment(uow, appointment_id, body, deps)
    )
