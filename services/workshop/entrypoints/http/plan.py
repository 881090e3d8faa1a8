"""The plan of a day (车间看板)."""

from services.workshop.application import day_plan
from services.workshop.application.day_plan import PlanView
from services.workshop.entrypoints.http.access import InjectedDeps, PlanReader
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/plan", tags=["plan"], openapi_extra=serves("R11"))
async def get_plan(
    store_id: str, deps: InjectedDeps, _: PlanReader, day: CalendarDay | None = None
) -> PlanView:
    return await day_plan.get_plan(store_id, day, deps)
