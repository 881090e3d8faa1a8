"""Reminders of warranty claims (索赔): one deadline for each claim that is pending."""

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.application.settlement import settlement_rules
from services.reception.domain import claim as claims
from services.reception.domain.claim import Claim
from shared import timers
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

CLAIM_OVERDUE = "claim_overdue"


async def watch(uow: UnitOfWork, claim: Claim, deps: Deps) -> None:
    """Set the claim's next reminder, or drop it where no step is pending."""
    rules = await settlement_rules(uow.connection, claim.store_id, uow.now, deps)
    due_at = claims.next_reminder(claim, rules.claims, uow.now)
    if due_at is None:
        await timers.cancel(uow, CLAIM_OVERDUE, claim.claim_id)
        return
    await timers.schedule(
        uow, CLAIM_OVERDUE, claim.claim_id, store_id=claim.store_id, due_at=due_at
    )


async def report_overdue(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Report a claim that is to be submitted, or was to be answered (R6)."""
    claim = await persistence.read_claim(uow.connection, timer.store_id, timer.entity_id)
    rules = await settlement_rules(uow.connection, claim.store_id, uow.now, deps)
    uow.publish(claims.overdue(claim, rules.claims, uow.now))
    await watch(uow, claim, deps)


async def lock_claim(uow: UnitOfWork, store_id: str, claim_id: str) -> None:
    """Lock the claim of a reminder."""
    await persistence.lock_claim(uow.connection, store_id, claim_id)
