"""Operator routes for the dead letters of one service."""

from typing import Annotated

from fastapi import Depends, Request

from shared import dead_letters
from shared.commands import Headers
from shared.dead_letters import DeadLetterDetails, DeadLetters, Decision
from shared.request_model import RequestModel
from shared.routing import Router
from shared.security import Principal, require_roles

router = Router(prefix="/dead-letters", tags=["platform"])

Operator = Annotated[Principal, Depends(require_roles("operator"))]


class DecideDeadLetterRequest(RequestModel):
    decision: Decision


@router.get("")
async def list_dead_letters(request: Request, _: Operator, resolved: bool = False) -> DeadLetters:
    """Events dead-lettered, timers given up, and keys whose events wait for one that never came."""
    async with request.app.state.service.workers.acquire() as connection:
        return await dead_letters.listed(connection, resolved=resolved)


@router.get("/{letter_id}")
async def show_dead_letter(request: Request, letter_id: str, _: Operator) -> DeadLetterDetails:
    """One dead letter, an event with its headers and its data as they came."""
    async with request.app.state.service.workers.acquire() as connection:
        return await dead_letters.shown(connection, letter_id)


@router.post("/{letter_id}/decisions")
async def decide_dead_letter(
    request: Request,
    letter_id: str,
    body: DecideDeadLetterRequest,
    operator: Operator,
    headers: Headers,
) -> DeadLetters:
    """Replay a dead letter, or skip it and apply the events that wait behind it.

    The operator who decides is recorded. The service carries it out within about a second.
    """
    async with request.app.state.service.workers.acquire() as connection:
        await dead_letters.decide(
            connection, letter_id, body.decision, by=operator.subject, key=headers.idempotency_key
        )
        return await dead_letters.listed(connection)
