"""Message texts (R9)."""

from datetime import UTC, datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.crm.domain.message import Language, MessageType
from services.crm.domain.message_text import (
    TEMPLATE_VALUES,
    AppointmentReminder,
    Authorization,
    PromiseChanged,
    render,
    require_link_maker,
)
from shared.contracts.management import (
    MESSAGE_LANGUAGES,
    MESSAGE_PLACEHOLDERS,
    MessageTemplate,
)
from shared.contracts.reception import PromisedTimeRevised
from shared.contracts.violations import RuleViolation

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 4, 6, 5, tzinfo=UTC)


def template(text: str, title: str = "t") -> MessageTemplate:
    return MessageTemplate(title=title, text=text)


def test_templates_may_use_all_values_of_their_type() -> None:
    placeholders = {
        message_type: set(values.model_fields) for message_type, values in TEMPLATE_VALUES.items()
    }
    assert placeholders == MESSAGE_PLACEHOLDERS
    assert placeholders.keys() | {"answer"} == set(get_args(MessageType))
    assert get_args(Language) == MESSAGE_LANGUAGES


def test_call_is_said_instead_of_text_with_link() -> None:
    wording = MessageTemplate(title="t", text="answer at {link}", call="answer at the counter")
    fact = Authorization(amount_cents=1)
    for link, expected in (("L", "answer at L"), (None, "answer at the counter")):
        words = render(wording, fact, name="n", store="s", language="en", zone=SHANGHAI, link=link)
        assert words.text == expected


@pytest.mark.parametrize(
    ("language", "expected"), [("zh", "3月4日 14:05 ¥1,234.05"), ("en", "4 Mar 14:05 ¥1,234.05")]
)
def test_message_shows_local_times_and_formatted_amounts(language: Language, expected: str) -> None:
    facts = {"promised_at": AT}
    time, money = (
        render(wording, fact, name="n", store="s", language=language, zone=SHANGHAI).text
        for wording, fact in (
            (template("{promised_at}"), PromiseChanged(**facts)),
            (template("{amount_cents}"), Authorization(amount_cents=123405)),
        )
    )
    assert f"{time} {money}" == expected


@given(st.text())
def test_customer_name_is_not_expanded_as_template(name: str) -> None:
    wording = template("{name}{appointment_at}", "{store}")
    facts = AppointmentReminder(appointment_at=AT)
    words = render(wording, facts, name=name, store="{name}", language="zh", zone=SHANGHAI)
    assert (words.title, words.text) == ("{name}", f"{name}3月4日 14:05")


@given(
    st.datetimes(datetime(1990, 1, 2), datetime(2100, 12, 31)),  # noqa: DTZ001 the zone follows
    st.timezones(),
    st.sampled_from(get_args(Language)),
)
def test_any_event_time_can_be_rendered(at: datetime, zone: ZoneInfo, language: Language) -> None:
    event = PromisedTimeRevised(
        store_id="S01", order_id="o", promised_at=at.replace(tzinfo=UTC), reason="other"
    )
    facts = PromiseChanged(promised_at=event.promised_at)
    assert render(
        template("{promised_at}"), facts, name="n", store="s", language=language, zone=zone
    ).text


def test_event_time_beyond_business_years_is_rejected() -> None:
    with pytest.raises(ValidationError, match="from 1990 to 2100"):
        PromisedTimeRevised(
            store_id="S01", order_id="o", promised_at=AT.replace(year=2226), reason="other"
        )


def test_person_asks_for_no_message_with_link() -> None:
    require_link_maker("ready", by_service=False)
    require_link_maker("authorization", by_service=True)
    with pytest.raises(RuleViolation) as refused:
        require_link_maker("authorization", by_service=False)
    assert refused.value.rule == "link_from_a_person"
