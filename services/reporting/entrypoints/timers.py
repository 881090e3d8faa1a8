"""Reactions of reporting to due timers.

A replay opens nothing twice, and no outage shortens a report: both wait until all events published
so far are read.
"""

from collections.abc import Mapping

from services.reporting.application import corrective_actions, reports
from services.reporting.application.deps import Deps
from shared.timers import Lane, TimerHandler

_CLOSINGS = Lane("own events", concurrency=4, timeout_s=60)

TIMERS: Mapping[str, TimerHandler[Deps]] = {
    reports.CLOSING: TimerHandler(
        reports.publish_daily_report, lane=_CLOSINGS, when_caught_up=True
    ),
    corrective_actions.FOUND: TimerHandler(
        corrective_actions.open_corrective_action, when_caught_up=True
    ),
    corrective_actions.OVERDUE: TimerHandler(corrective_actions.mark_overdue),
}
