"""Reactions of reporting to due timers.

No outage shortens a report: it waits until all events published so far are read.
"""

from collections.abc import Mapping

from services.reporting.application import reports
from services.reporting.application.deps import Deps
from shared.timers import Lane, TimerHandler

_CLOSINGS = Lane("own events", concurrency=4, timeout_s=60)

TIMERS: Mapping[str, TimerHandler[Deps]] = {
    reports.CLOSING: TimerHandler(
        reports.publish_daily_report, lane=_CLOSINGS, when_caught_up=True
    ),
}
