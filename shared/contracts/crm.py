"""Events of customer relations (客服). They carry references, never a person's data."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.base import Event, Identifier, Timestamp


class _CustomerEvent(Event):
    topic = "aftersales.crm.customer.v1"
    key_field = "customer_ref"
    publisher = "crm"

    customer_ref: Identifier


class CustomerRegistered(_CustomerEvent):
    """A customer and vehicle are in customer records (建档)."""

    requirements: ClassVar[tuple[str, ...]] = ("R19",)

    vehicle_ref: Identifier
    plate_ref: Identifier
    registered_at: Timestamp


class FollowUpScheduled(_CustomerEvent):
    """A call is due after a delivery (回访计划)."""

    requirements: ClassVar[tuple[str, ...]] = ("R21",)

    follow_up_id: Identifier
    order_id: Identifier
    agent_id: Identifier
    due_at: Timestamp


class FollowUpAttempted(_CustomerEvent):
    """A call reached nobody (回访未接通); without ``next_due_at`` it was the last attempt."""

    requirements: ClassVar[tuple[str, ...]] = ("R21",)

    follow_up_id: Identifier
    order_id: Identifier
    agent_id: Identifier
    attempt: int = Field(ge=1)
    channel: Literal["phone", "email", "sms"]
    next_due_at: Timestamp | None = None
    attempted_at: Timestamp


class FollowUpCompleted(_CustomerEvent):
    """An agent has spoken with the customer (回访完成)."""

    requirements: ClassVar[tuple[str, ...]] = ("R21",)

    follow_up_id: Identifier
    order_id: Identifier
    agent_id: Identifier
    reached: bool
    satisfaction: int | None = None
    channel: Literal["phone", "email", "sms"] = "phone"
    completed_at: Timestamp


class CustomerNotified(_CustomerEvent):
    """The customer has been told (客户通知): a channel took the message, or an agent said it."""

    requirements: ClassVar[tuple[str, ...]] = ("R9",)

    message_id: Identifier
    order_id: Identifier | None
    message_type: Identifier
    channel: Literal["wecom", "sms", "email", "phone"]
    notified_at: Timestamp
