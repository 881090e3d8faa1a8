"""Events that reception acts on."""

from collections.abc import Sequence

from services.reception.application import (
    additional_work,
    capacity,
    erasures,
    facility_checks,
    jobs,
    promises,
)
from services.reception.application.deps import Deps
from shared.contracts.base import State
from shared.contracts.crm import CustomerErased
from shared.contracts.management import (
    CatalogItemDefined,
    PersonDefined,
    PriceDefined,
    RuleSetDefined,
    StoreDefined,
)
from shared.contracts.workshop import (
    AdditionalWorkRecommended,
    CapacityChanged,
    JobAssigned,
    JobFinished,
    JobStarted,
    PromisedTimeAtRisk,
    VehicleReady,
)
from shared.reactions import Reactions

REACTIONS: Reactions[Deps] = Reactions(
    {
        JobAssigned: promises.confirm_promise,
        JobStarted: jobs.start_work,
        AdditionalWorkRecommended: additional_work.offer_found_work,
        PromisedTimeAtRisk: promises.record_risk,
        VehicleReady: jobs.finish_work,
        CapacityChanged: capacity.record_capacity,
        CustomerErased: erasures.erase_customer,
    },
    by_batch=[jobs.record_jobs],
    batch_only=[JobFinished],
)

STATES: Sequence[type[State]] = (
    CatalogItemDefined,
    PersonDefined,
    PriceDefined,
    RuleSetDefined,
    StoreDefined,
)
"""Master data that reception reads."""

STATE_REACTIONS: Reactions[Deps] = Reactions({StoreDefined: facility_checks.begin_checks})
