"""Reactions of reporting to events: it logs and folds all of them, and acts on some."""

from collections.abc import Mapping, Sequence

from services.reporting.application import corrective_actions, event_log, reports
from services.reporting.application.deps import Deps
from shared.contracts import CONTRACTS, Event
from shared.contracts.base import State
from shared.contracts.management import PersonDefined, RuleSetDefined, StoreDefined
from shared.contracts.reception import FacilityCheckCompleted, FeedbackSubmitted
from shared.contracts.reporting import (
    CorrectiveActionClosed,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
)
from shared.reactions import Reaction, Reactions

_BY_EVENT: Mapping[type[Event], Reaction[Deps]] = {
    FeedbackSubmitted: corrective_actions.note_finding,
    FacilityCheckCompleted: corrective_actions.note_finding,
    CorrectiveActionOpened: corrective_actions.record_opened,
    CorrectiveActionOverdue: corrective_actions.record_overdue,
    CorrectiveActionClosed: corrective_actions.record_closed,
}

REACTIONS: Reactions[Deps] = Reactions(
    _BY_EVENT,
    by_batch=[
        event_log.log_events,
        event_log.fold_events,
        reports.keep_daily_reports,
        reports.schedule_closings,
    ],
    batch_only=[
        contract
        for contract in CONTRACTS.values()
        if not contract.compacted and contract not in _BY_EVENT
    ],
)
"""Reactions to every event but those of compacted topics, which cannot be replayed from the start.
"""

STATES: Sequence[type[State]] = (PersonDefined, RuleSetDefined, StoreDefined)
"""Master data that reporting reads."""

LANES = 2
"""Transactions in which batches are folded side by side: facts of different keys commute."""
