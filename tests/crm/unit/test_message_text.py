"""Message texts, and the templates that are refused (R9)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.crm.clients.templates import load_message_rules
from services.crm.domain.message import Language, MessageType, QuietHours
from services.crm.domain.message_text import (
    TEMPLATE_VALUES,
    AppointmentReminder,
    Authorization,
    PromiseChanged,
    Template,
    check,
    render,
    require_link_maker,
)
from shared.contracts.reception import PromisedTimeRevised
from shared.contracts.violations import RuleViolation

GROUP = Path(__file__).parents[3] / "deploy" / "group"
SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 4, 6, 5, tzinfo=UTC)


def written(folder: Path, **changes: object) -> Path:
    rules = yaml.safe_load((GROUP / "messages.yaml").read_text()) | changes
    (folder / "messages.yaml").write_text(yaml.safe_dump(rules, allow_unicode=True))
    return folder


def test_shipped_templates_contain_all_values_in_both_languages() -> None:
    rules = load_message_rules(GROUP, ["S01", "S02"])
    assert rules.keys() == {"S01", "S02"}
    for message_type in get_args(MessageType):
        for language in get_args(Language):
            template = rules["S01"].templates[message_type, language]
            assert "{name}" in template.text
            for fact in TEMPLATE_VALUES[message_type].model_fields:
                assert f"{{{fact}}}" in template.text
                assert f"{{{fact}}}" in template.spoken
            assert ("{link}" in template.text) == (template.call is not None)
            assert "{link}" not in template.spoken


@pytest.mark.parametrize(
    ("language", "expected"), [("zh", "3月4日 14:05 ¥1,234.05"), ("en", "4 Mar 14:05 ¥1,234.05")]
)
def test_message_shows_local_times_and_formatted_amounts(language: Language, expected: str) -> None:
    facts = {"promised_at": AT}
    time, money = (
        render(template, fact, name="n", store="s", language=language, zone=SHANGHAI).text
        for template, fact in (
            (Template("", "{promised_at}"), PromiseChanged(**facts)),
            (Template("", "{amount_cents}"), Authorization(amount_cents=123405)),
        )
    )
    assert f"{time} {money}" == expected


@given(st.text())
def test_customer_name_is_not_expanded_as_template(name: str) -> None:
    template = Template("{store}", "{name}{appointment_at}")
    facts = AppointmentReminder(appointment_at=AT)
    words = render(template, facts, name=name, store="{name}", language="zh", zone=SHANGHAI)
    assert (words.title, words.text) == ("{name}", f"{name}3月4日 14:05")


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (Template("{name}", "{link}", ""), "name"),
        (Template("", "{link}{phone}", ""), "phone"),
        (Template("", "{link}{name.__class__}", ""), "__class__"),
        (Template("", "{link}{name!r}", ""), "name"),
        (Template("", "{link}{}", ""), "{}"),
        (Template("", "no way to answer", ""), "lacks {link}"),
        (Template("", "{link}"), "call"),
        (Template("", "{link}", "Open {link}"), "link"),
    ],
)
def test_template_with_unknown_value_is_rejected(template: Template, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        check(template, "authorization")


def test_store_overrides_templates_and_quiet_hours(tmp_path: Path) -> None:
    own = {
        "quiet_hours": {"starts": "21:00", "ends": "07:00"},
        "notify_at_risk": True,
        "templates": {"ready": {"zh": {"title": "好", "text": "{name}，好了"}}},
    }
    rules = load_message_rules(written(tmp_path, stores={"S02": own}), ["S01", "S02"])
    assert rules["S02"].templates["ready", "zh"].text == "{name}，好了"
    assert rules["S02"].templates["ready", "en"] == rules["S01"].templates["ready", "en"]
    assert (rules["S01"].notify_at_risk, rules["S02"].notify_at_risk) == (False, True)
    assert rules["S02"].quiet != rules["S01"].quiet
    assert isinstance(rules["S02"].quiet, QuietHours)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"stores": {"S99": {}}}, "unknown stores: S99"),
        ({"templates": {}}, "no template authorization in zh"),
        ({"quiet_hours": None}, "no quiet_hours"),
        ({"templates": {"birthday": {}}}, "birthday"),
        (
            {"stores": {"S01": {"templates": {"ready": {"en": {"title": "", "text": "{plate}"}}}}}},
            "ready in en: {plate}",
        ),
    ],
)
def test_inconsistent_message_rules_are_rejected(
    tmp_path: Path, changes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        load_message_rules(written(tmp_path, **changes), ["S01"])


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
    template = Template("", "{promised_at}")
    assert render(template, facts, name="n", store="s", language=language, zone=zone).text


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
