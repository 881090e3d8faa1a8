"""The big screen in the workshop (车间看板): everything it shows in one response."""

from services.workshop.application import board
from services.workshop.application.board import BoardView
from services.workshop.entrypoints.http.access import Reach, Reader
from shared.requirements import serves
from shared.routing import Router

router = Router(prefix="/stores/{store_id}")


@router.get("/board", tags=["plan"], openapi_extra=serves("R11", "R13"))
async def get_board(store_id: str, deps: Reach, _: Reader) -> BoardView:
    """Bays, vehicles that wait or are ready, and the day's counts."""
    return await board.get_board(store_id, deps)
