"""Reactions of management to due timers: a version of a rule needs none to hold from its day."""

from collections.abc import Mapping

from services.management.application import attendance, corrective_actions, sheets, waiting_work
from services.management.application.deps import Deps
from shared.timers import TimerHandler

TIMERS: Mapping[str, TimerHandler[Deps]] = {
    waiting_work.FINDING: TimerHandler(corrective_actions.open_corrective_action),
    corrective_actions.OVERDUE: TimerHandler(corrective_actions.mark_overdue),
    attendance.MISSED_SIGN_OUT: TimerHandler(
        attendance.close_missed_sign_out, lock=attendance.lock_working_day
    ),
    sheets.APPLY: TimerHandler(sheets.apply_portion, lock=sheets.lock_import),
    sheets.EXPIRE: TimerHandler(sheets.expire_import, lock=sheets.lock_import),
}
