"""Promises at risk (承诺风险)."""

from services.workshop.application import promise_risks
from services.workshop.application.promise_risks import PromiseRiskView
from services.workshop.entrypoints.http.access import InjectedDeps, OrderReader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/risks", tags=["plan"], openapi_extra=serves("R11", "R12"))
async def list_risks(store_id: str, deps: InjectedDeps, _: OrderReader) -> list[PromiseRiskView]:
    return await promise_risks.list_risks(store_id, deps)
