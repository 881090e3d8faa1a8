"""The big screen in the workshop (车间看板): all its content in one response."""

from services.workshop.application import board
from services.workshop.application.board import BoardView
from services.workshop.entrypoints.http.access import InjectedDeps, PlanReader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/board", tags=["plan"], openapi_extra=serves("R11", "R13"))
async def get_board(store_id: str, deps: InjectedDeps, _: PlanReader) -> BoardView:
    return await board.get_board(store_id, deps)
