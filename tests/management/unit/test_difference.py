"""Differences between two contents (R40)."""

from hypothesis import given
from hypothesis import strategies as st

from services.management.domain.difference import Difference, differences
from shared.contracts.management import LoyaltyRules, MessageRules, MessageTemplate

templates = st.dictionaries(
    st.sampled_from(["ready", "at_risk"]),
    st.dictionaries(
        st.sampled_from(["zh", "en"]),
        st.builds(MessageTemplate, title=st.sampled_from("ab"), text=st.sampled_from("ab")),
    ),
)
contents = st.builds(
    MessageRules, notify_at_risk=st.sampled_from([None, True, False]), templates=templates
)


def rules(visits: int) -> LoyaltyRules:
    tier = {"tier": "gold", "visits": visits, "spend_cents": 1, "max_days_since_last_visit": 9}
    return LoyaltyRules.model_validate({"period_days": 730, "tiers": [tier]})


def test_changed_field_is_named_by_its_path() -> None:
    assert differences(rules(5), rules(6)) == (Difference("tiers.0.visits", 5, 6),)


def test_first_content_differs_from_nothing() -> None:
    added = differences(None, rules(5))
    assert Difference("period_days", None, 730) in added
    assert {each.old for each in added} == {None}


def test_removed_template_has_no_new_value() -> None:
    template = MessageTemplate(title="a", text="b")
    before = MessageRules(templates={"ready": {"zh": template}})
    assert differences(before, MessageRules()) == (
        Difference("templates.ready.zh.title", "a", None),
        Difference("templates.ready.zh.text", "b", None),
    )


@given(contents, contents)
def test_differences_are_mutual(one: MessageRules, other: MessageRules) -> None:
    there = {(each.field, each.old, each.new) for each in differences(one, other)}
    back = {(each.field, each.new, each.old) for each in differences(other, one)}
    assert there == back
    assert all(old != new for _, old, new in there)


@given(contents)
def test_equal_contents_have_no_difference(content: MessageRules) -> None:
    assert differences(content, content) == ()
