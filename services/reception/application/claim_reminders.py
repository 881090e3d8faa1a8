"""Chasing warranty claims (索赔): one deadline for each claim that waits for something."""

from services.reception.domain import claim as claims
from services.reception.domain.claim import Claim, ClaimRules
from shared import timers
from shared.envelope import Causation
from shared.unit_of_work import UnitOfWork

CLAIM_OVERDUE = "claim_overdue"


async def watch(uow: UnitOfWork, claim: Claim, rules: ClaimRules, causation: Causation) -> None:
    """Set the claim's next reminder, or drop it where nothing is awaited."""
    due_at = claims.next_reminder(claim, rules, uow.now)
    if due_at is None:
        await timers.cancel(uow, CLAIM_OVERDUE, claim.claim_id)
        return
    await timers.schedule(
        uow,
        CLAIM_OVERDUE,
        claim.claim_id,
        store_id=claim.store_id,
        due_at=due_at,
        causation=causation,
    )
