"""Calls to customers about the renewal of their policies (续保回访)."""

from collections.abc import Sequence

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import Occasion, cancel_follow_ups, schedule_follow_ups
from services.crm.domain.insurance import Policy
from shared.unit_of_work import UnitOfWork


async def cancel_renewal_calls(uow: UnitOfWork, policy: Policy) -> None:
    """Cancel the open calls about the renewal of a policy, which has a result."""
    for about in await _open_calls(uow, [policy]):
        await cancel_follow_ups(uow, about=about)


async def call_about_renewals(uow: UnitOfWork, due: Sequence[Policy], deps: Deps) -> None:
    """Have the customers called about renewals, but for those with an open call about them."""
    if not due:
        return
    being_called = {about.partition("@")[0] for about in await _open_calls(uow, due)}
    occasions = [
        Occasion(
            "insurance_renewal",
            policy.customer_ref,
            about=f"{policy.policy_id}@{policy.reminded_days}",
            due_at=uow.now,
            vehicle_ref=policy.vehicle_ref,
        )
        for policy in due
        if policy.policy_id not in being_called
    ]
    if occasions:
        await schedule_follow_ups(uow, deps, occasions)


async def _open_calls(uow: UnitOfWork, of: Sequence[Policy]) -> list[str]:
    """Return what the open calls about the renewal of policies are about: policy and day."""
    customers = {each.customer_ref for each in of}
    found = await persistence.open_follow_ups_of(uow.connection, uow.store_id, customers)
    ids = {each.policy_id for each in of}
    return [
        each.about
        for each in found
        if each.reason == "insurance_renewal" and each.about.partition("@")[0] in ids
    ]
