"""Reactions of management to due timers: a version of a rule needs none to hold from its day."""

from collections.abc import Mapping

from services.management.application import corrective_actions
from services.management.application.deps import Deps
from shared.timers import TimerHandler

TIMERS: Mapping[str, TimerHandler[Deps]] = {
    corrective_actions.FOUND: TimerHandler(corrective_actions.open_corrective_action),
    corrective_actions.OVERDUE: TimerHandler(corrective_actions.mark_overdue),
}
