"""Raising and clearing of warnings (R9, R12)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.workshop.domain.promise_risk import PromiseRisk, update_alerts
from services.workshop.domain.reasons import Reason
from shared.contracts.management import PromiseRules

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
THRESHOLD = 0.7


def seen(probability: float) -> PromiseRisk:
    return PromiseRisk("o1", NOW, probability, Reason("work"), NOW + timedelta(hours=1))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 2_500))
def test_risk_alert_is_raised_once_until_promise_recovers(
    probabilities: list[float], margin_bp: int
) -> None:
    rules = PromiseRules(alert_margin_bp=margin_bp)
    alerted: dict[str, datetime] = {}
    has_alert = False
    for step, probability in enumerate(probabilities):
        now = NOW + timedelta(minutes=step)
        (promise_risk,), events = update_alerts(
            [seen(probability)],
            alerted,
            store_id="S01",
            threshold=THRESHOLD,
            rules=rules,
            now=now,
        )
        assert len(events) == (probability < THRESHOLD and not has_alert)
        if probability < THRESHOLD:
            assert promise_risk.alerted_at
        if probability >= THRESHOLD + margin_bp / 10_000:
            assert promise_risk.alerted_at is None
        has_alert = promise_risk.alerted_at is not None
        alerted = {"o1": promise_risk.alerted_at} if promise_risk.alerted_at else {}


def test_open_risk_alert_keeps_its_time() -> None:
    (promise_risk,), events = update_alerts(
        [seen(0.75)],
        {"o1": NOW},
        store_id="S01",
        threshold=THRESHOLD,
        rules=PromiseRules(),
        now=NOW + timedelta(hours=1),
    )
    assert (promise_risk.alerted_at, events) == (NOW, [])
