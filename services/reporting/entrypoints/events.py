"""Reactions of reporting to events: it logs and folds all of them."""

from collections.abc import Sequence

from services.reporting.application import event_log, reports
from services.reporting.application.deps import Deps
from shared.contracts import CONTRACTS
from shared.contracts.base import State
from shared.contracts.management import CatalogItemDefined, MonthlyCostsDefined, StoreDefined
from shared.reactions import Reactions

REACTIONS: Reactions[Deps] = Reactions(
    {},
    by_batch=[
        event_log.log_events,
        event_log.fold_events,
        reports.keep_daily_reports,
        reports.schedule_closings,
    ],
    batch_only=[contract for contract in CONTRACTS.values() if not contract.compacted],
)
"""Reactions to every event but those of compacted topics, which cannot be replayed from the start.
"""

STATES: Sequence[type[State]] = (CatalogItemDefined, MonthlyCostsDefined, StoreDefined)
"""Master data that reporting reads."""

LANES = 2
"""Transactions in which batches are folded side by side: facts of different keys commute."""
