"""Inquiries (咨询): recorded, passed on to a department, answered."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.contracts.crm import (
    InquiryAnswered,
    InquiryPassedOn,
    InquiryRecorded,
    InquirySubject,
)
from shared.contracts.violations import RuleViolation

InquiryChannel = Literal["phone", "counter", "wecom", "email"]
"""电话、到店、企业微信、邮件."""

InquiryStatus = Literal["open", "answered"]


@dataclass(frozen=True)
class Inquiry:
    """One inquiry; ``role`` is the department that owes the answer, where it was passed on."""

    inquiry_id: str
    store_id: str
    customer_ref: str | None
    vehicle_ref: str | None
    order_id: str | None
    subject: InquirySubject
    channel: InquiryChannel
    recorded_by: str
    recorded_at: datetime
    due_at: datetime
    role: str | None = None
    passed_by: str | None = None
    passed_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None

    @property
    def data_subject(self) -> str:
        """Whose key the words are encrypted under: the customer's, else its own."""
        return self.customer_ref or self.inquiry_id


def record(inquiry: Inquiry) -> list[InquiryRecorded]:
    """Tell that an inquiry is recorded (咨询登记)."""
    return [
        InquiryRecorded(
            store_id=inquiry.store_id,
            inquiry_id=inquiry.inquiry_id,
            customer_ref=inquiry.customer_ref,
            vehicle_ref=inquiry.vehicle_ref,
            order_id=inquiry.order_id,
            subject=inquiry.subject,
            channel=inquiry.channel,
            recorded_by=inquiry.recorded_by,
            due_at=inquiry.due_at,
            recorded_at=inquiry.recorded_at,
        )
    ]


def pass_on(
    inquiry: Inquiry, role: str, by: str, *, due_at: datetime, now: datetime
) -> tuple[Inquiry, list[InquiryPassedOn]]:
    """Have a department answer by ``due_at`` (咨询转办).

    Raises:
        RuleViolation: the inquiry is answered, or the time has passed.
    """
    _require_open(inquiry)
    if due_at <= now:
        raise RuleViolation("due_in_past", "The deadline has passed already.", field="due_at")
    event = InquiryPassedOn(
        store_id=inquiry.store_id,
        inquiry_id=inquiry.inquiry_id,
        role=role,
        passed_by=by,
        due_at=due_at,
        passed_at=now,
    )
    return replace(inquiry, role=role, passed_by=by, passed_at=now, due_at=due_at), [event]


def answer(
    inquiry: Inquiry, by: str, roles: Collection[str], *, answers_all: bool, now: datetime
) -> tuple[Inquiry, list[InquiryAnswered]]:
    """Answer an inquiry (咨询答复); ``answers_all`` says that the caller talks to customers.

    Raises:
        RuleViolation: it is answered already, or another department's.
    """
    _require_open(inquiry)
    if not answers_all and inquiry.role not in roles:
        raise RuleViolation(
            "inquiry_of_another_department",
            "The inquiry was not passed on to the caller's department.",
            field="inquiry_id",
            kind="forbidden",
        )
    event = InquiryAnswered(
        store_id=inquiry.store_id, inquiry_id=inquiry.inquiry_id, answered_by=by, answered_at=now
    )
    return replace(inquiry, answered_at=now, answered_by=by), [event]


def _require_open(inquiry: Inquiry) -> None:
    if inquiry.answered_at:
        raise RuleViolation(
            "inquiry_answered",
            "The inquiry is answered already.",
            field="inquiry_id",
            kind="conflict",
            by=inquiry.answered_by,
            at=inquiry.answered_at.isoformat(),
        )
