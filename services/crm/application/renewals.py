"""Due renewals (续保到期): raised each night by the cadence of the rules, or closed as lapsed."""

from services.crm.application import nightly
from services.crm.application.deps import Deps
from services.crm.application.insurance import insurance_rules
from services.crm.application.renewal_calls import call_about_renewals
from services.crm.domain import insurance
from services.crm.persistence import insurance as policies
from shared.contracts.crm import RenewalDue
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork


async def raise_renewals(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Raise the renewals that have reached a day of the cadence, and close those that have lapsed.

    A batch raises each of its renewals once, for it moves the day on which they are raised next.
    """
    connection = uow.connection
    store = await deps.group.store(connection, timer.store_id)
    today = store.local_day(uow.now)
    rules = await insurance_rules(connection, store.id, today, deps)
    found = await policies.lock_policies_to_remind(connection, store.id, today, nightly.BATCH)
    decided = [insurance.remind(policy, rules, today, uow.now) for policy in found]
    await policies.save_policies(connection, [policy for policy, _ in decided])
    for _, events in decided:
        uow.publish(events)
    due = [each for each, events in decided if any(isinstance(e, RenewalDue) for e in events)]
    await call_about_renewals(uow, due, deps)
    await nightly.schedule_next_batch(
        uow, nightly.RENEWALS_DUE, store, more=len(found) == nightly.BATCH
    )
