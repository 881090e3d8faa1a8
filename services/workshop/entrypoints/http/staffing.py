"""Staffing advice (人员建议)."""

from services.workshop.application import staffing
from services.workshop.application.staffing import StaffingView
from services.workshop.entrypoints.http.access import InjectedDeps, Overseer
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/staffing", tags=["plan"], openapi_extra=serves("R18"))
async def get_staffing(store_id: str, deps: InjectedDeps, _: Overseer) -> StaffingView:
    return await staffing.get_staffing(store_id, deps)
