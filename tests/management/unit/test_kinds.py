"""Checks of the content of each kind of rules (R40)."""

from datetime import UTC, date, datetime
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from deploy.embedded.settings import EmbeddedSettings
from deploy.group_folder import read_group, read_rules
from services.management.domain.kinds import (
    BAYS,
    CATALOG,
    COLLECTIONS,
    CONTENT,
    COSTS,
    KINDS,
    LONGEST_OWN_CODE,
    PRICES,
    RULES,
    STAFF,
    Collection,
    Content,
    kind_in,
    kind_of,
)
from services.management.domain.person import Person
from services.management.domain.record import Decision, Record, define
from services.management.domain.stores import LONGEST_CODE
from shared.contracts.management import (
    GROUP,
    GROUP_ROLES,
    LINKED_MESSAGES,
    MESSAGE_PLACEHOLDERS,
    STORE_ROLES,
    AttendanceRules,
    CatalogKind,
    ComplaintDeadlines,
    ComplaintRules,
    CorrectiveActionRules,
    CustomerCareRules,
    DeliveryChecklistRules,
    FacilityChecklistRules,
    FollowUpRules,
    LoyaltyRules,
    MessageRules,
    MonthlyCosts,
    PartPrice,
    PriceKind,
    Questionnaire,
    RuleKind,
    SettlementRules,
)
from shared.contracts.violations import RuleViolation
from shared.security import GROUP_MANAGERS, Role

GOLD: dict[str, Any] = {
    "tier": "gold",
    "visits": 6,
    "spend_cents": 100_000,
    "max_days_since_last_visit": 200,
}
SILVER: dict[str, Any] = {
    "tier": "silver",
    "visits": 4,
    "spend_cents": 50_000,
    "max_days_since_last_visit": 300,
}
TITLE = "{store}"
FEEDBACK: dict[str, Any] = {"source": "feedback", "role": "dispatcher", "days": 3}
CHECK: dict[str, Any] = {"source": "facility_check", "role": "service_manager", "days": 1}
OTHER_SOURCES: list[dict[str, Any]] = [
    {"source": source, "role": "dispatcher", "days": 3}
    for source in (
        "follow_up",
        "quality_inspection",
        "comeback",
        "survey",
        "survey_month",
        "complaint",
    )
]


def loyalty(*tiers: dict[str, Any], **brands: list[dict[str, Any]]) -> LoyaltyRules:
    return LoyaltyRules.model_validate({"period_days": 730, "tiers": tiers, "brands": brands})


def messages(message_type: str, language: str = "zh", **template: Any) -> MessageRules:
    texts = {language: {"title": TITLE, "text": "x", **template}}
    return MessageRules.model_validate({"templates": {message_type: texts}})


def corrective_actions(*rules: dict[str, Any]) -> CorrectiveActionRules:
    return CorrectiveActionRules.model_validate({"rules": rules})


def refused(content: Content, kind: str, store_id: str = GROUP) -> tuple[str, str]:
    with pytest.raises(RuleViolation) as violation:
        KINDS[kind].require(content, store_id)
    return violation.value.rule, violation.value.field


def test_every_kind_has_a_row() -> None:
    assert set(get_args(RuleKind)) == {k.name for k in KINDS.values() if k.collection is RULES}
    assert set(get_args(PriceKind)) == {k.name for k in KINDS.values() if k.collection is PRICES}
    assert set(get_args(CatalogKind)) == {k.name for k in KINDS.values() if k.collection is CATALOG}
    assert {kind.content.model_fields["kind"].default for kind in KINDS.values()} == KINDS.keys()


def test_content_of_another_kind_is_refused() -> None:
    decision = Decision("0", date(2026, 1, 1), "manager", datetime.now(UTC), date(2026, 1, 1))
    with pytest.raises(RuleViolation) as violation:
        define(Record(GROUP, RULES, "messages"), loyalty(GOLD), decision)
    assert (violation.value.rule, violation.value.field) == ("another_kind", "content.kind")


def test_records_of_the_group_folder_pass() -> None:
    for definition in read_group(EmbeddedSettings().group_folder):
        content = CONTENT.validate_python(definition.content.model_dump(mode="json"))
        kind = kind_in(
            COLLECTIONS[definition.collection], definition.for_store or GROUP, definition.code
        )
        assert kind is kind_of(content)
        kind.require(content, definition.for_store or GROUP)


@pytest.mark.parametrize(
    ("tiers", "rule", "field"),
    [
        ([GOLD | {"tier": "platinum"}], "unknown_tier", "content.tiers.0.tier"),
        ([GOLD, SILVER | {"tier": "gold"}], "tier_twice", "content.tiers.1.tier"),
        ([GOLD, SILVER | {"visits": 7}], "tier_asks_more", "content.tiers.1.visits"),
        (
            [GOLD, SILVER | {"spend_cents": 100_001}],
            "tier_asks_more",
            "content.tiers.1.spend_cents",
        ),
        (
            [GOLD, SILVER | {"max_days_since_last_visit": 199}],
            "tier_asks_more",
            "content.tiers.1.max_days_since_last_visit",
        ),
    ],
)
def test_wrong_tiers_are_refused(tiers: list[dict[str, Any]], rule: str, field: str) -> None:
    assert refused(loyalty(*tiers), "loyalty") == (rule, field)


def test_tiers_of_brand_are_checked() -> None:
    wrong = loyalty(GOLD, 星驰=[SILVER, GOLD])
    assert refused(wrong, "loyalty") == ("tier_asks_more", "content.brands.星驰.1.visits")


def test_brand_needs_a_name() -> None:
    nameless = LoyaltyRules.model_validate(
        {"period_days": 1, "tiers": [GOLD], "brands": {" ": [GOLD]}}
    )
    assert refused(nameless, "loyalty") == ("brand_missing", "content.brands")


@pytest.mark.parametrize(
    ("message_type", "template", "rule", "field"),
    [
        ("lunch", {}, "unknown_message_type", ""),
        ("ready", {"title": "{name}"}, "unknown_placeholder", ".zh.title"),
        ("ready", {"text": "{plate}"}, "unknown_placeholder", ".zh.text"),
        ("ready", {"text": "{store.__class__}"}, "unknown_placeholder", ".zh.text"),
        ("ready", {"text": "{store!r}"}, "unknown_placeholder", ".zh.text"),
        ("ready", {"text": "{store:>9}"}, "unknown_placeholder", ".zh.text"),
        ("ready", {"text": "{}"}, "unknown_placeholder", ".zh.text"),
        ("ready", {"text": "{link}"}, "unknown_placeholder", ".zh.text"),
        ("ready", {"text": "a { b"}, "unpaired_brace", ".zh.text"),
        ("ready", {"call": "x"}, "call_without_link", ".zh.call"),
        ("authorization", {"call": "x"}, "link_missing", ".zh.text"),
        ("authorization", {"text": "{link}"}, "call_without_link", ".zh.call"),
        ("authorization", {"text": "{link}", "call": "{link}"}, "unknown_placeholder", ".zh.call"),
        ("ready", {"language": "fr"}, "unknown_language", ".fr"),
    ],
)
def test_wrong_template_is_refused(
    message_type: str, template: dict[str, str], rule: str, field: str
) -> None:
    own = messages(message_type, **template)
    assert refused(own, "messages", "S01") == (rule, f"content.templates.{message_type}{field}")


def test_every_placeholder_of_a_type_passes() -> None:
    for message_type, placeholders in MESSAGE_PLACEHOLDERS.items():
        text = "".join(f"{{{name}}}" for name in ("store", "name", *placeholders))
        linked = {"text": text + "{link}", "call": text} if message_type in LINKED_MESSAGES else {}
        own = messages(message_type, **({"text": text} | linked))
        KINDS["messages"].require(own, "S01")


def test_group_must_have_every_template() -> None:
    [whole] = [
        each.content
        for each in read_rules(EmbeddedSettings().group_folder)
        if isinstance(each.content, MessageRules)
    ]
    templates = {name: texts for name, texts in whole.templates.items() if name != "ready"}
    incomplete = whole.model_copy(update={"templates": templates})
    assert refused(incomplete, "messages") == ("incomplete", "content.templates.ready.zh")
    KINDS["messages"].require(incomplete, "S01")
    without_hours = whole.model_copy(update={"quiet_hours": None})
    assert refused(without_hours, "messages") == ("incomplete", "content.quiet_hours")


@pytest.mark.parametrize(
    ("changes", "rule", "field"),
    [
        (
            {"service_advisor_discount_bp": 600, "service_manager_discount_bp": 500},
            "limit_above_higher_role",
            "service_advisor_discount_bp",
        ),
        (
            {"service_advisor_discount_bp": 600, "group_manager_discount_bp": 500},
            "limit_above_higher_role",
            "service_advisor_discount_bp",
        ),
        ({"dunning_days": (7, 15, 15)}, "days_not_ascending", "dunning_days"),
        (
            {"claim_submission_reminder_days": (0, -3)},
            "days_not_ascending",
            "claim_submission_reminder_days",
        ),
        (
            {"claim_decision_reminder_days": (7, 0)},
            "days_not_ascending",
            "claim_decision_reminder_days",
        ),
    ],
)
def test_wrong_settlement_is_refused(changes: dict[str, Any], rule: str, field: str) -> None:
    assert refused(SettlementRules(**changes), "settlement", "S01") == (rule, f"content.{field}")


def test_group_settlement_leaves_nothing_out() -> None:
    own = SettlementRules(service_advisor_discount_bp=500)
    KINDS["settlement"].require(own, "S01")
    assert refused(own, "settlement") == ("incomplete", "content.service_manager_discount_bp")


def steps(*codes: str) -> DeliveryChecklistRules:
    named = {"zh": "步骤", "en": "Step", "repeat_after_work": True, "repeat_after_invoice": False}
    return DeliveryChecklistRules.model_validate({"steps": [{"step": s, **named} for s in codes]})


def areas(**items: list[str]) -> FacilityChecklistRules:
    names = {"zh": "名", "en": "Name"}
    return FacilityChecklistRules.model_validate(
        {
            "areas": [
                {
                    "area": area.rstrip("_"),
                    **names,
                    "due": "09:00",
                    "items": [{"item": item, **names} for item in listed],
                }
                for area, listed in items.items()
            ]
        }
    )


@pytest.mark.parametrize("store_id", [GROUP, "S01"])
def test_repeated_checklist_entry_is_refused(store_id: str) -> None:
    twice = steps("vehicle_clean", "customer_signed", "vehicle_clean")
    assert refused(twice, "delivery_checklist", store_id) == ("step_twice", "content.steps.2.step")
    assert refused(areas(hall=["a"], hall_=["b"]), "facility_checklist", store_id) == (
        "area_twice",
        "content.areas.1.area",
    )
    assert refused(areas(hall=["a"], lane=["a", "b", "b"]), "facility_checklist", store_id) == (
        "item_twice",
        "content.areas.1.items.2.item",
    )


def questionnaire(*factors: tuple[str, int, str], **changes: Any) -> Questionnaire:
    names = {"zh": "名", "en": "Name"}
    listed = [
        {
            "factor": factor,
            "weight_bp": weight,
            "questions": [{"question": question, **names}],
            **names,
        }
        for factor, weight, question in factors
    ]
    return Questionnaire.model_validate({"weights_year": 2026, "factors": listed, **changes})


GOOD_FACTORS = (("quality", 6_000, "work_done"), ("delivery", 4_000, "on_time"))


@pytest.mark.parametrize(
    ("content", "rule", "field"),
    [
        (questionnaire(("quality", 9_999, "work_done")), "weights_not_one", "factors"),
        (questionnaire(*GOOD_FACTORS, ("start", 1, "early")), "weights_not_one", "factors"),
        (
            questionnaire(GOOD_FACTORS[0], ("quality", 4_000, "b")),
            "code_twice",
            "factors.1.factor",
        ),
        (
            questionnaire(GOOD_FACTORS[0], ("delivery", 4_000, "work_done")),
            "code_twice",
            "factors.1.questions.0.question",
        ),
        (
            questionnaire(*GOOD_FACTORS, channels=("phone", "pigeon")),
            "unknown_channel",
            "channels.1",
        ),
        (
            questionnaire(*GOOD_FACTORS, channels=("phone", "phone")),
            "code_twice",
            "channels.1",
        ),
    ],
)
def test_wrong_questionnaire_is_refused(content: Questionnaire, rule: str, field: str) -> None:
    KINDS["questionnaire"].require(questionnaire(*GOOD_FACTORS), GROUP)
    assert refused(content, "questionnaire") == (rule, f"content.{field}")


def test_sum_of_weights_is_named() -> None:
    content = questionnaire(("quality", 9_500, "work_done"))
    with pytest.raises(RuleViolation, match=r"sum to 0\.95 instead of 1"):
        KINDS["questionnaire"].require(content, GROUP)


def test_areas_may_share_items_and_hours() -> None:
    KINDS["facility_checklist"].require(areas(hall=["clean"], lane=["clean"]), GROUP)


def test_store_limit_above_group_limit_is_refused() -> None:
    group = SettlementRules(service_advisor_discount_bp=500)
    KINDS["settlement"].require(SettlementRules(service_advisor_discount_bp=500), "S01", group)
    with pytest.raises(RuleViolation) as refused_own:
        KINDS["settlement"].require(SettlementRules(service_advisor_discount_bp=501), "S01", group)
    assert (refused_own.value.rule, refused_own.value.field) == (
        "limit_above_group",
        "content.service_advisor_discount_bp",
    )


@pytest.mark.parametrize(
    ("changes", "rule", "field"),
    [
        ({"source": "rumor"}, "unknown_source", "source"),
        ({"role": "group_manager"}, "unknown_role", "role"),
        ({"finding": "floor_clean"}, "unknown_finding", "finding"),
        ({"source": "facility_check", "finding": "work_quality"}, "unknown_finding", "finding"),
        ({"source": "facility_check"}, "finding_twice", "finding"),
        ({"finding": "satisfaction"}, "unknown_finding", "finding"),
        ({"source": "follow_up", "finding": "work_quality"}, "unknown_finding", "finding"),
        ({"source": "comeback", "finding": "satisfaction"}, "unknown_finding", "finding"),
    ],
)
def test_wrong_corrective_action_rule_is_refused(
    changes: dict[str, str], rule: str, field: str
) -> None:
    rules = corrective_actions(CHECK, FEEDBACK | changes)
    assert refused(rules, "corrective_actions", "S01") == (rule, f"content.rules.1.{field}")


@pytest.mark.parametrize("days", [0, 366])
def test_days_of_corrective_action_are_bounded(days: int) -> None:
    with pytest.raises(ValidationError):
        corrective_actions(FEEDBACK | {"days": days})


def test_group_must_have_rule_of_every_source() -> None:
    KINDS["corrective_actions"].require(corrective_actions(FEEDBACK, CHECK, *OTHER_SOURCES), GROUP)
    incomplete = corrective_actions(CHECK, CHECK | {"finding": "floor_clean"}, *OTHER_SOURCES)
    assert refused(incomplete, "corrective_actions") == ("source_without_rule", "content.rules")
    KINDS["corrective_actions"].require(incomplete, "S01")


def test_roles_of_stores_are_those_of_tokens() -> None:
    others = {"trainer", *GROUP_MANAGERS, "operator", "system"}
    assert set(STORE_ROLES) == set(get_args(Role)) - others
    assert {*GROUP_ROLES, "system"} == others


@pytest.mark.parametrize(
    ("role", "in_store"), [("group_manager", "S01"), ("service_manager", None), ("rumor", "S01")]
)
def test_post_of_other_place_is_refused(role: str, in_store: str | None) -> None:
    content = Person.model_validate(
        {"zh": "王伟", "en": "Wei Wang", "posts": [{"role": role, "in_store": in_store}]}
    )
    assert refused(content, "person", in_store or GROUP) == (
        "no_such_role_there",
        "content.posts.0.role",
    )


@pytest.mark.parametrize(
    ("collection", "store_id", "code", "rule"),
    [
        (RULES, GROUP, "post_description", "no_such_role_there"),
        (RULES, GROUP, "post_description:rumor", "no_such_role_there"),
        (RULES, "S01", "post_description:group_manager", "no_such_role_there"),
        (RULES, GROUP, "greeting:technician", "unknown_kind"),
        (PRICES, GROUP, "part_price:OIL", "unknown_price_list"),
        (PRICES, GROUP, "part_price:Qiyue:OIL", "unknown_price_list"),
        (PRICES, GROUP, "part_price:qiyue:", "unknown_kind"),
        (PRICES, "S01", "part_price", "unknown_kind"),
        (PRICES, "S01", "part:OIL", "unknown_kind"),
        (PRICES, "S01", "labor_rate:cooking", "unknown_skill"),
        (PRICES, GROUP, "labor_rate:qiyue:cooking", "unknown_skill"),
    ],
)
def test_impossible_code_is_refused(
    collection: Collection, store_id: str, code: str, rule: str
) -> None:
    with pytest.raises(RuleViolation) as violation:
        kind_in(collection, store_id, code)
    assert (violation.value.rule, violation.value.field) == (rule, "code")


def test_calling_roles_are_of_stores_and_once() -> None:
    for roles, rule in ((("trainer",), "unknown_role"), (("cashier", "cashier"), "role_twice")):
        rules = CustomerCareRules(calling_roles=roles)
        place = f"content.calling_roles.{len(roles) - 1}"
        assert refused(rules, "customer_care") == (rule, place)


def test_day_begins_in_the_morning() -> None:
    late = AttendanceRules(day_begins="12:30")
    assert refused(late, "attendance") == ("day_begins_late", "content.day_begins")


def test_group_follow_up_leaves_nothing_out() -> None:
    own = FollowUpRules(attempts=2)
    KINDS["follow_up"].require(own, "S01")
    assert refused(own, "follow_up") == ("incomplete", "content.days_after_delivery")


@pytest.mark.parametrize(
    ("collection", "code", "is_code"),
    [
        (BAYS, "S01-A/C-101", True),
        (BAYS, "S01-lift.1", True),
        (BAYS, "..", False),
        (BAYS, "S01-1/..", False),
        (BAYS, "S01-1//2", False),
        (BAYS, "S01-1/history", False),
        (STAFF, "auth0|5f7c8e", True),
        (STAFF, "urn:person:7", True),
        (CATALOG, "part:90915-YZZD2/A*#1+(2)", True),
        (CATALOG, "part:history", True),
        (CATALOG, "part:qiyue:OIL", False),
        (CATALOG, "part:/1", False),
    ],
)
def test_new_code_follows_one_rule(collection: Collection, code: str, is_code: bool) -> None:
    if is_code:
        collection.require_new_code(GROUP, code)
        return
    with pytest.raises(RuleViolation) as refused:
        collection.require_new_code(GROUP, code)
    assert (refused.value.rule, refused.value.field) == ("code_unusable", "code")


@pytest.mark.parametrize("code", ["2026-04", "2026-13", "2026-3", "1850-01", "２０２６-01", "x"])
def test_costs_are_of_month_that_has_begun(code: str) -> None:
    spent = MonthlyCosts(
        building_cents=1,
        staff_cents=1,
        working_capital_cents=1,
        advertising_cents=1,
        vehicles_sold=0,
        vehicle_profit_cents=-1,
    )
    today = date(2026, 3, 31)
    decision = Decision("0", today, "manager", datetime.now(UTC), today)
    defined = define(Record("S01", COSTS, "2026-03"), spent, decision)
    assert (defined.record_id, defined.state.for_stores) == ("2026-03.S01", ("S01",))
    with pytest.raises(RuleViolation) as refused:
        define(Record("S01", COSTS, code), spent, decision)
    assert (refused.value.rule, refused.value.field) == ("month_unusable", "code")


@pytest.mark.parametrize("store_id", ["S01", "S" * LONGEST_CODE])
def test_own_code_fits_id_of_any_store(store_id: str) -> None:
    price, longest = PartPrice(price_cents=100), "part_price:".ljust(LONGEST_OWN_CODE, "P")
    decision = Decision("0", date(2026, 1, 1), "manager", datetime.now(UTC), date(2026, 1, 1))
    defined = define(Record(store_id, PRICES, longest), price, decision)
    assert defined.state.for_stores == (store_id,)
    with pytest.raises(RuleViolation) as refused:
        define(Record(store_id, PRICES, f"{longest}P"), price, decision)
    assert (refused.value.rule, refused.value.field) == ("code_too_long", "code")


def test_complaints_need_deadlines_of_each_severity() -> None:
    KINDS["complaints"].require(ComplaintRules(), GROUP)
    minor, major, critical = ComplaintRules().deadlines
    mild = ComplaintDeadlines(severity="mild", answer_hours=1, solution_days=1)
    wrong = {
        "severity_without_deadlines": (minor, major),
        "severity_twice": (minor, minor, critical),
        "unknown_severity": (minor, major, mild),
    }
    for rule, deadlines in wrong.items():
        assert refused(ComplaintRules(deadlines=deadlines), "complaints")[0] == rule
