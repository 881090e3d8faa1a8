"""What moves an order's promise, and how far (R4, R11)."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import additional_work
from services.reception.domain import promise as promises
from services.reception.domain.estimate_version import DecisionRecord, EstimateVersion
from services.reception.domain.promise import Promise
from services.reception.domain.repair_order import PromiseAlert
from shared.contracts.management import PromiseRules
from tests.support.orders import NOW, opened, started, violates

ALERT = PromiseAlert(
    probability=0.4,
    cause="queue",
    explanation="Other work is ahead.",
    best_promise_at=NOW + timedelta(hours=4),
    confidence=0.95,
    alerted_at=NOW,
)


@given(st.integers(-120, 120))
def test_provisional_promise_is_confirmed_or_revised(minutes: int) -> None:
    order = replace(opened().repair_order, promise_provisional=True, risk=ALERT)
    assert order.promised_at
    promisable_at = order.promised_at + timedelta(minutes=minutes)
    confirmed, events = promises.confirm(order, [promisable_at])
    assert not confirmed.promise_provisional
    assert confirmed.promised_at == max(order.promised_at, promisable_at)
    assert [event.promised_at for event in events] == ([promisable_at] if minutes > 0 else [])
    assert confirmed.risk == (None if minutes > 0 else ALERT)


@given(st.integers(-120, 120), st.integers(0, 60))
def test_promise_later_than_seen_is_rejected(later_min: int, tolerance: int) -> None:
    rules = PromiseRules(tolerance_minutes=tolerance)
    order = replace(started().repair_order, promised_at=NOW)
    seen_at = NOW + timedelta(hours=2)
    promise = Promise(seen_at + timedelta(minutes=later_min), 0.95, "h", provisional=False)
    seen = DecisionRecord("link", None, NOW, seen_at)
    found = EstimateVersion("S01", "o", 1, "w", (), (), "awaiting", "t", NOW)
    decided = partial(additional_work.authorize, order, [found], 1, seen, promise, rules)
    if later_min <= tolerance:
        promised_min = 0 if -tolerance <= later_min <= 0 else later_min
        changed, _, (event,) = decided()
        expected = seen_at + timedelta(minutes=promised_min)
        assert changed.promised_at == event.promised_at == expected
    else:
        with violates("promise_later"):
            decided()


def test_additional_work_never_makes_promise_earlier() -> None:
    order = replace(started().repair_order, promised_at=NOW + timedelta(hours=3))
    promise = Promise(NOW + timedelta(hours=2), 0.95, "h", provisional=False)
    assert promises.new_promise(order, promise).promised_at == order.promised_at
