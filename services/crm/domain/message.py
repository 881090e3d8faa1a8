"""Messages to the customer (客户通知): channel, time, and delivery at most once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, Literal

from services.crm.domain import errors
from shared.contracts.crm import CustomerNotified
from shared.contracts.management import CustomerCareRules

MessageType = Literal[
    "authorization",
    "additional_work",
    "at_risk",
    "promise_changed",
    "ready",
    "overdue_payment",
    "appointment_reminder",
    "survey",
    "campaign",
    "answer",
]
"""待授权、待授权增项、可能延误、交车时间变更、竣工、逾期未付、预约提醒、满意度调查、活动邀约、回复."""

Channel = Literal["wecom", "sms", "email"]
"""企业微信、短信、邮件."""

Declinable = Literal["wecom", "sms", "email", "phone"]

Language = Literal["zh", "en"]

State = Literal[
    "waiting", "sending", "sent", "call_required", "called", "not_reached", "suppressed"
]

Status = Literal[
    "waiting", "sending", "sent", "call_required", "called", "not_reached", "suppressed", "obsolete"
]
"""待发送、发送中、已发送、待电话、已电话告知、未接通、已退订、已失效."""

SendResult = Literal["accepted", "refused", "later", "unanswered"]
"""Result of one attempt.

Accepted; the address is not valid; not accepted now; unknown.
"""

CallReason = Literal["no_channel", "refused", "not_accepted", "unanswered"]
"""Reason for which an agent has to call.

No channel fits, addresses were refused, servers accepted nothing, or it is not known whether the
message arrived.
"""

CHANNELS: tuple[Channel, ...] = ("wecom", "sms", "email")
"""Channels in the order of preference of a customer who has none."""

IDEMPOTENT_CHANNELS: frozenset[Channel] = frozenset({"wecom", "sms"})
"""Channels that recognize a repeated message by its id, so that a retry delivers only once."""

ENDED_BY_READINESS: tuple[MessageType, ...] = (
    "authorization",
    "additional_work",
    "at_risk",
    "promise_changed",
)
ENDED_BY_DEPARTURE: tuple[MessageType, ...] = (*ENDED_BY_READINESS, "ready")
ENDED_BY_PAYMENT: tuple[MessageType, ...] = ("overdue_payment",)
ENDED_BY_ANOTHER_PROMISE: tuple[MessageType, ...] = ("at_risk", "promise_changed", "ready")

MARKETING: tuple[MessageType, ...] = ("campaign",)
"""Messages that need the consent to marketing (营销同意)."""

_OPEN: frozenset[State] = frozenset({"waiting", "sending", "call_required"})


@dataclass(frozen=True)
class AddressChange:
    """Author and time of a channel's address set since the customer was registered."""

    by: str
    at: datetime


@dataclass(frozen=True)
class Contact:
    """Contact data of a customer.

    ``addresses`` are never stored, logged or published; ``address_changes`` say who has set them
    later than at the registration.
    """

    addresses: Mapping[Channel, str] = field(repr=False)
    preferred: Channel | None = None
    declined: Collection[Declinable] = ()
    address_changes: Mapping[Channel, AddressChange] = field(default_factory=dict)


def reached_at(contact: Contact, channel: Channel, address: str) -> Contact:
    """Return the contact of a customer who has written over a channel from an address."""
    return replace(
        contact,
        addresses={**contact.addresses, channel: address},
        preferred=channel,
        address_changes={
            name: change for name, change in contact.address_changes.items() if name != channel
        },
    )


@dataclass(frozen=True)
class QuietHours:
    """Local hours in which no customer is to be disturbed (免打扰); equal ends: never."""

    starts: time
    ends: time

    def end_after(self, local: datetime) -> datetime | None:
        """Return when messages may go out again, or ``None`` if they may at ``local``.

        ``local`` is a moment in the store's zone.
        """
        at = local.time()
        if self.starts <= self.ends:
            quiet, ends_today = self.starts <= at < self.ends, True
        else:
            quiet, ends_today = at >= self.starts or at < self.ends, at < self.ends
        if not quiet:
            return None
        day = local.date() if ends_today else local.date() + timedelta(days=1)
        return datetime.combine(day, self.ends, local.tzinfo)


@dataclass(frozen=True)
class Message:
    """One message to a customer, delivered at most once.

    ``values`` are its template's values as JSON; ``about`` names the appointment or additional work
    behind it. After ``expires_at`` it is void. ``tries`` counts the attempts on ``channel``, the
    next of which is not before ``retry_at``; ``exhausted_channels`` will not be tried again;
    ``uncertain``: an attempt on ``channel`` may have succeeded unnoticed. ``contact_set_by`` and
    ``contact_set_at`` say who had set the address that was used, and when; absent for that of the
    registration.
    """

    message_id: str
    store_id: str
    message_type: MessageType
    values: Mapping[str, Any]
    created_at: datetime
    customer_ref: str | None = None
    order_id: str | None = None
    about: str | None = None
    expires_at: datetime | None = None
    state: State = "waiting"
    channel: Channel | None = None
    tries: int = 0
    retry_at: datetime | None = None
    exhausted_channels: Sequence[Channel] = ()
    uncertain: bool = False
    reason: CallReason | None = None
    agent_id: str | None = None
    notified_at: datetime | None = None
    calls: int = 0
    contact_set_by: str | None = None
    contact_set_at: datetime | None = None

    def status(self, now: datetime) -> Status:
        """Return the status; ``obsolete`` (已失效) if the reason passed before delivery."""
        over = self.expires_at is not None and self.expires_at <= now
        return "obsolete" if over and self.state in _OPEN else self.state


@dataclass(frozen=True)
class Defer:
    """A wait until ``until``."""

    until: datetime


@dataclass(frozen=True)
class Send:
    channel: Channel


@dataclass(frozen=True)
class Call:
    """A call by an agent."""

    reason: CallReason


Drop = Literal["drop", "suppress"]
"""The reason has passed, or the customer wants no messages."""

Step = Defer | Send | Call | Drop


def next_step(
    message: Message,
    contact: Contact,
    channels: Collection[Channel],
    *,
    quiet_until: datetime | None,
    waiting_customer: bool,
    now: datetime,
) -> Step:
    """Return the next step of a message that waits.

    ``channels`` are those that the group has. Quiet hours delay everything but the message that the
    vehicle is ready for a customer who waits for it.
    """
    if message.status(now) == "obsolete":
        return "drop"
    channel = choose(message, contact, channels)
    if channel is None:
        return "suppress" if "phone" in contact.declined else Call(_why(message))
    exempt = message.message_type == "ready" and waiting_customer
    holds = [quiet_until if not exempt else None, message.retry_at]
    until = max((moment for moment in holds if moment is not None), default=now)
    return Defer(until) if until > now else Send(channel)


def choose(message: Message, contact: Contact, channels: Collection[Channel]) -> Channel | None:
    """Return the channel to try next.

    A message that may have arrived stays on its channel, so that it is not delivered twice.
    """
    order = sorted(CHANNELS, key=lambda channel: channel != contact.preferred)
    return next(
        (
            channel
            for channel in order
            if channel in channels
            and channel in contact.addresses
            and channel not in contact.declined
            and channel not in message.exhausted_channels
            and (channel == message.channel or not message.uncertain)
        ),
        None,
    )


def claim(message: Message, channel: Channel, contact: Contact) -> Message:
    """Begin an attempt on ``channel``, at its address in ``contact``."""
    tries = message.tries + 1 if channel == message.channel else 1
    change = contact.address_changes.get(channel)
    return replace(
        message,
        state="sending",
        channel=channel,
        tries=tries,
        contact_set_by=change.by if change else None,
        contact_set_at=change.at if change else None,
    )


def record_send_result(
    message: Message, send_result: SendResult, rules: CustomerCareRules, now: datetime
) -> tuple[Message, list[CustomerNotified]]:
    """Record the result of an attempt: sent, to be retried, or channel exhausted."""
    if message.channel is None or message.customer_ref is None:
        raise ValueError(f"message {message.message_id} was never claimed")
    if send_result == "accepted":
        sent = replace(message, state="sent", notified_at=now)
        return sent, [_notified(sent, message.customer_ref, message.channel, now)]
    waiting = replace(
        message, state="waiting", uncertain=message.uncertain or send_result == "unanswered"
    )
    can_repeat = send_result == "later" or message.channel in IDEMPOTENT_CHANNELS
    if send_result != "refused" and can_repeat and message.tries <= len(rules.retry_minutes):
        delay = timedelta(minutes=rules.retry_minutes[message.tries - 1])
        return replace(waiting, retry_at=now + delay), []
    return replace(
        waiting,
        retry_at=None,
        exhausted_channels=(*message.exhausted_channels, message.channel),
        reason="refused" if send_result == "refused" else "not_accepted",
    ), []


def hand_to_agent(message: Message, agent_id: str, reason: CallReason) -> Message:
    """Make the message a call task (电话任务) for an agent."""
    return replace(message, state="call_required", agent_id=agent_id, reason=reason)


def suppress(message: Message) -> Message:
    """Suppress a message that the customer does not want (已退订)."""
    return replace(message, state="suppressed")


def complete_call(
    message: Message, agent_id: str, *, reached: bool, most_calls: int, now: datetime
) -> tuple[Message, list[CustomerNotified]]:
    """Record the agent's call; a customer not reached is called again, ``most_calls`` times.

    Raises:
        RuleViolation: the message needs no call any more.
    """
    if message.status(now) != "call_required" or message.customer_ref is None:
        raise errors.nothing_to_call_about(message.message_id)
    if not reached:
        calls = message.calls + 1
        state: State = "not_reached" if calls >= most_calls else message.state
        return replace(message, state=state, agent_id=agent_id, calls=calls), []
    told = replace(message, state="called", agent_id=agent_id, notified_at=now)
    return told, [_notified(told, message.customer_ref, "phone", now)]


def _why(message: Message) -> CallReason:
    if message.uncertain:
        return "unanswered"
    return message.reason or "no_channel"


def _notified(
    message: Message, customer_ref: str, channel: Channel | Literal["phone"], now: datetime
) -> CustomerNotified:
    return CustomerNotified(
        store_id=message.store_id,
        customer_ref=customer_ref,
        message_id=message.message_id,
        order_id=message.order_id,
        message_type=message.message_type,
        channel=channel,
        notified_at=now,
    )
