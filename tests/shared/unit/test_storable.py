"""Text that no database can store, detected at any place (R40)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.storable import unstorable

good = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
bodies = st.recursive(
    good | st.integers() | st.none(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(good, parts, max_size=3),
)


@given(bodies)
def test_storable_body_has_no_findings(body: Any) -> None:
    assert list(unstorable({"body": body})) == []


@given(bodies, bodies, st.sampled_from(["\0", "\ud800", "a\udfff"]))
def test_unstorable_text_is_named_by_its_path(before: Any, after: Any, bad: str) -> None:
    body = {"before": before, "list": [after, {"text": bad}], "after": after}
    assert list(unstorable({"body": body})) == [("body", "list", 1, "text")]


def test_unstorable_key_is_named_escaped() -> None:
    assert list(unstorable({"body": {"a\ud800": {"b": "\0"}}})) == [
        ("body", r"a\ud800"),
        ("body", r"a\ud800", "b"),
    ]


def test_deeply_nested_unstorable_text_is_found() -> None:
    body: Any = "\0"
    for _ in range(5_000):
        body = [body]
    (place,) = unstorable({"body": body})
    assert len(place) == 5_001
