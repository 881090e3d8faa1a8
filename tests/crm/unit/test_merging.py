"""Merging of customers, and which records look like duplicates (R19)."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.duplicate import Known, Pair, Sign, compared, is_one_off
from services.crm.domain.merging import Mergeable, merge, unmerge
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, tzinfo=UTC)
REFS = "abcd"

texts = st.text("张伟王小明0123", min_size=1, max_size=6)


def known(name: str, *phones: str, reading: str = "") -> Known:
    return Known(name, frozenset([reading] if reading else []), frozenset(phones))


def signs(first: Known, second: Known, *shared: Sign) -> frozenset[Sign]:
    return compared(Pair("a", "b", frozenset(shared)), first, second).signs


@pytest.mark.parametrize(
    ("first", "second", "shared", "is_shown"),
    [
        (known("张伟"), known("张伟"), ["same_phone"], True),
        (
            known("张伟", reading="zhangwei"),
            known("章伟", reading="zhangwei"),
            ["same_phone"],
            True,
        ),
        (known("王小明"), known("王小名"), ["same_phone"], True),
        (known("王先生"), known("王小明"), ["same_phone"], True),
        (known("张伟", "13812345678"), known("张伟", "13812345679"), [], True),
        (known("张伟"), known("张伟"), ["same_vehicle"], True),
        (known("张伟"), known("张伟"), [], False),
        (known("王芳"), known("李强"), ["same_phone", "same_vehicle"], False),
        (known("张伟", "13812345678"), known("张伟", "13912345679"), [], False),
    ],
)
def test_likeness_decides_what_is_shown(
    first: Known, second: Known, shared: list[Sign], is_shown: bool
) -> None:
    pair = compared(Pair("a", "b", frozenset(shared)), first, second)
    assert pair.is_shown is is_shown
    assert 0 <= pair.score <= 100
    assert signs(second, first, *shared) == pair.signs


@given(texts, st.integers(0, 5), st.sampled_from("张王9"))
def test_one_changed_sign_is_one_off(text: str, place: int, sign: str) -> None:
    at = place % len(text)
    changed = text[:at] + sign + text[at + 1 :]
    added = text[:at] + sign + text[at:]
    assert is_one_off(text, changed) is (text != changed)
    assert is_one_off(text, added)
    assert is_one_off(added, text)
    assert not is_one_off(text, text)
    assert not is_one_off(text, text + "88")


@given(texts, texts)
def test_one_off_is_the_same_both_ways(one: str, other: str) -> None:
    assert is_one_off(one, other) == is_one_off(other, one)


def mergeable(ref: str, into: Mapping[str, str]) -> Mergeable:
    merged = sorted(alias for alias, main in into.items() if main == ref)
    return Mergeable(ref, "person", into.get(ref), merged)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(REFS), st.sampled_from(REFS))))
def test_merging_takes_one_step_and_can_be_undone(steps: list[tuple[bool, str, str]]) -> None:
    into: dict[str, str] = {}
    for is_merge, kept, other in steps:
        before = dict(into)
        try:
            if is_merge:
                merge("S01", mergeable(kept, into), mergeable(other, into), "P01", NOW)
                into[other] = kept
                unmerge("S01", mergeable(kept, into), other, "P01", NOW)
                assert {ref: main for ref, main in into.items() if ref != other} == before
            else:
                unmerge("S01", mergeable(kept, into), other, "P01", NOW)
                assert into.pop(other) == kept
        except RuleViolation:
            assert into == before
        assert not into.keys() & set(into.values())


def test_refusals_of_merging_name_their_reason() -> None:
    person, company = Mergeable("a", "person"), Mergeable("b", "company")
    merged, head = Mergeable("c", "person", merged_into="d"), Mergeable("d", "person", merged=["c"])
    for kept, other, rule in (
        (person, person, "merged_with_itself"),
        (person, company, "person_with_company"),
        (person, merged, "customer_merged"),
        (merged, person, "customer_merged"),
        (person, head, "has_merged_customers"),
    ):
        with pytest.raises(RuleViolation) as refused:
            merge("S01", kept, other, "P01", NOW)
        assert refused.value.rule == rule
    with pytest.raises(RuleViolation) as refused:
        merge("S01", person, merged, "P01", NOW)
    assert refused.value.values == {"into_customer_ref": "d"}
    with pytest.raises(RuleViolation) as refused:
        unmerge("S01", person, "c", "P01", NOW)
    assert refused.value.rule == "not_merged"
