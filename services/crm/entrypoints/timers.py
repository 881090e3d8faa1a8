"""Reactions of customer relations to due timers."""

from collections.abc import Mapping

from services.crm.application import follow_ups, sending
from services.crm.application.deps import Deps
from services.crm.clients.channels import LONGEST_CALL_S
from shared.timers import Lane, TimerHandler

_GATEWAYS = Lane("gateways", concurrency=4, timeout_s=2 * LONGEST_CALL_S)

TIMERS: Mapping[str, TimerHandler[Deps]] = {
    follow_ups.SCHEDULE_FOLLOW_UP: TimerHandler(follow_ups.schedule_waiting_follow_up),
    sending.SEND_MESSAGE: TimerHandler(
        sending.go_on_with_message,
        lock=sending.lock_message,
        prepare=sending.hand_over_message,
        lane=_GATEWAYS,
    ),
}
