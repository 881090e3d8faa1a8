"""What is kept about a person (个人信息查阅)."""

from services.management.application import kept_data
from services.management.entrypoints.http.access import InjectedDeps, RightsReader
from shared.kept_data import KeptEntries, References
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/kept-data", tags=["personal-data"], openapi_extra=serves("R19"))
async def list_kept_data(
    store_id: str,
    _: RightsReader,
    deps: InjectedDeps,
    order_id: References = [],  # noqa: B006
) -> list[KeptEntries]:
    """List corrective actions about a person's orders (个人信息查阅).

    Customer relations asks for it, for the page of all that is kept about a person.
    """
    return await kept_data.list_kept_data(store_id, order_id, deps)
