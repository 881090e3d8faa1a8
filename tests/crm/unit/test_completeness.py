"""Completeness of customer records (R19)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.completeness import CUSTODIANS, POINTS, RecordState, gaps, score

NOW = datetime(2026, 3, 4, tzinfo=UTC)

states = st.builds(
    RecordState,
    st.just("c-1"),
    *[st.booleans()] * 5,
    st.integers(0, 2000).map(lambda days: NOW - timedelta(days=days)),
)


@given(states)
def test_score_falls_with_each_gap(state: RecordState) -> None:
    found = gaps(state, NOW)
    assert score(found) == 100 - sum(POINTS[gap] for gap in found)
    assert 0 <= score(found) <= 100
    assert set(found) <= CUSTODIANS.keys()


def test_old_record_without_preferences_is_incomplete() -> None:
    complete = RecordState("c-1", True, True, True, True, True, NOW)
    assert (gaps(complete, NOW), score([])) == ([], 100)
    assert gaps(complete, NOW + timedelta(days=731)) == ["stale"]
    bare = RecordState("c-1", False, False, False, False, True, NOW)
    assert gaps(bare, NOW) == ["telephone", "vehicle", "second_contact", "preferences"]
