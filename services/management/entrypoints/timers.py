"""Reactions of management to due timers: none yet, as a version holds from its day by itself."""

from collections.abc import Mapping

from services.management.application.deps import Deps
from shared.timers import TimerHandler

TIMERS: Mapping[str, TimerHandler[Deps]] = {}
