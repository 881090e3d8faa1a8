"""Business that a store has still to finish (未完业务)."""

from services.reception.application import outstanding
from services.reception.application.outstanding import OutstandingBusiness
from services.reception.entrypoints.http.access import AppointmentReader, InjectedDeps
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/outstanding", tags=["orders"], openapi_extra=serves("R40"))
async def list_outstanding(
    store_id: str,
    reader: AppointmentReader,
    deps: InjectedDeps,
    day_from: CalendarDay | None = None,
) -> OutstandingBusiness:
    return await outstanding.list_outstanding(reader, store_id, day_from, deps)
