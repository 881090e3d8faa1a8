"""Message texts: values of each message type, and their rendering from templates (模板)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from services.crm.domain import errors
from services.crm.domain.message import Language, Message, MessageType
from services.crm.domain.service_visit import ServiceVisit
from shared.contracts.base import Cents, Timestamp
from shared.contracts.management import LINKED_MESSAGES, MessageTemplate

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class TemplateValues(BaseModel):
    """Values of one message type; each field is a placeholder of its templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message_type: ClassVar[MessageType]

    @property
    def void_at(self) -> datetime | None:
        """The time after which the values are outdated."""
        return None


class Authorization(TemplateValues):
    """Request to authorize an estimate (授权)."""

    message_type: ClassVar[MessageType] = "authorization"

    amount_cents: Cents


class AdditionalWork(Authorization):
    """Request to authorize additional work (增项), with the promise that follows."""

    message_type: ClassVar[MessageType] = "additional_work"

    promised_at: Timestamp


class _Linked(BaseModel):
    """A one-time link for the customer's answer, which colleagues do not see."""

    link: str = Field(
        pattern=r"^(https://|http://127\.0\.0\.1[:/])[!-~]+$",
        max_length=500,
        description="one-time link, over TLS unless it stays on this machine; kept encrypted",
    )


class LinkedAuthorization(_Linked, Authorization):
    """Request for an authorization with its link."""


class LinkedAdditionalWork(_Linked, AdditionalWork):
    """Request for additional work with its link."""


class AtRisk(TemplateValues):
    """Warning that the promise may not be kept (承诺风险)."""

    message_type: ClassVar[MessageType] = "at_risk"

    promised_at: Timestamp
    likely_at: Timestamp


class PromiseChanged(TemplateValues):
    """Notice of a new completion time (承诺变更)."""

    message_type: ClassVar[MessageType] = "promise_changed"

    promised_at: Timestamp


class Ready(TemplateValues):
    """Notice that the vehicle can be collected (竣工)."""

    message_type: ClassVar[MessageType] = "ready"

    ready_at: Timestamp


class OverduePayment(TemplateValues):
    """Reminder of an invoice unpaid past its due day (逾期未付)."""

    message_type: ClassVar[MessageType] = "overdue_payment"

    amount_cents: Cents
    due_at: Timestamp


class AppointmentReminder(TemplateValues):
    """Reminder of an appointment (预约提醒)."""

    message_type: ClassVar[MessageType] = "appointment_reminder"

    appointment_at: Timestamp

    @property
    def void_at(self) -> datetime:
        return self.appointment_at


class SurveyInvitation(TemplateValues):
    """Request to answer a survey (满意度调查), with its link."""

    message_type: ClassVar[MessageType] = "survey"


class CampaignInvitation(TemplateValues):
    """Invitation to a campaign (活动邀约), by its title; void once the campaign is over."""

    message_type: ClassVar[MessageType] = "campaign"

    campaign: str
    ends_at: Timestamp

    @property
    def void_at(self) -> datetime:
        return self.ends_at


TEMPLATE_VALUES: Mapping[MessageType, type[TemplateValues]] = {
    values.message_type: values
    for values in (
        Authorization,
        AdditionalWork,
        AtRisk,
        PromiseChanged,
        Ready,
        OverduePayment,
        AppointmentReminder,
        SurveyInvitation,
        CampaignInvitation,
    )
}


class Answer(TemplateValues):
    """Answer to a message of the customer (回复), in an agent's words; it has no template."""

    message_type: ClassVar[MessageType] = "answer"


@dataclass(frozen=True)
class MessageText:
    """The title and the text of a message."""

    title: str
    text: str


def require_link_maker(message_type: MessageType, *, by_service: bool) -> None:
    """Refuse a message with a link, unless the service that made the link requests it.

    Raises:
        RuleViolation: a person requests it.
    """
    if message_type in LINKED_MESSAGES and not by_service:
        raise errors.link_from_a_person()


def compose(
    values: TemplateValues,
    visit: ServiceVisit | None,
    *,
    message_id: str,
    store_id: str,
    customer_ref: str | None,
    order_id: str | None,
    now: datetime,
    about: str | None = None,
    expires_at: datetime | None = None,
) -> Message:
    """Compose a new message.

    Its link, if it has one, is not among its values, as it is stored encrypted.
    """
    over = (expires_at, values.void_at, visit.void_since(values.message_type) if visit else None)
    return Message(
        message_id=message_id,
        store_id=store_id,
        message_type=values.message_type,
        values=values.model_dump(mode="json", exclude={"link"}),
        created_at=now,
        customer_ref=customer_ref,
        order_id=order_id,
        about=about,
        expires_at=min((moment for moment in over if moment), default=None),
    )


def render(
    template: MessageTemplate,
    values: TemplateValues,
    *,
    name: str,
    store: str,
    language: Language,
    zone: ZoneInfo,
    link: str | None = None,
) -> MessageText:
    """Render the message to a customer called ``name``, with times in ``zone``.

    Without its ``link``, the result is the text that an agent says on the phone.
    """
    words = {
        field: _spoken(field, value, language, zone) for field, value in values if value is not None
    }
    text = template.text if link else template.call or template.text
    return MessageText(
        template.title.format(store=store),
        text.format(store=store, name=name, link=link, **words),
    )


def _spoken(field: str, value: object, language: Language, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return _moment(value.astimezone(zone), language)
    if isinstance(value, int) and field.endswith("_cents"):
        return f"¥{value // 100:,}.{value % 100:02d}"
    return str(value)


def _moment(local: datetime, language: Language) -> str:
    clock = f"{local:%H:%M}"
    if language == "zh":
        return f"{local.month}月{local.day}日 {clock}"
    return f"{local.day} {_MONTHS[local.month - 1]} {clock}"
