"""What many people look at is asked once."""

import asyncio

import pytest

from services.desk.client import AwayError, idempotency_key
from services.desk.shared_answers import SharedAnswers


class _Asked:
    """Counts how often it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.times = 0
        self._error = error

    async def __call__(self) -> int:
        self.times += 1
        await asyncio.sleep(0)
        if self._error:
            raise self._error
        return self.times


async def test_people_who_look_at_once_share_one_answer() -> None:
    answers, ask = SharedAnswers(), _Asked()
    shown = await asyncio.gather(*(answers.get(("S01", "plan"), ask) for _ in range(20)))
    assert shown == [1] * 20
    assert ask.times == 1


async def test_stores_and_kinds_are_told_apart() -> None:
    answers, ask = SharedAnswers(), _Asked()
    keys = [("S01", "plan"), ("S02", "plan"), ("S01", "arrivals")]
    assert [await answers.get(key, ask) for key in keys] == [1, 2, 3]


async def test_an_answer_is_asked_again_when_it_is_old_or_its_store_changed() -> None:
    answers, ask = SharedAnswers(), _Asked()
    key = ("S01", "plan")
    assert await answers.get(key, ask) == 1
    assert await answers.get(key, ask, fresh_s=-1) == 2
    answers.drop("S02")
    assert await answers.get(key, ask) == 2
    answers.drop("S01")
    assert await answers.get(key, ask) == 3


async def test_a_service_that_is_away_is_not_asked_by_everybody() -> None:
    answers, ask = SharedAnswers(), _Asked(AwayError("workshop"))
    for _ in range(5):
        with pytest.raises(AwayError):
            await answers.get(("S01", "plan"), ask)
    assert ask.times == 1


def test_one_attempt_keeps_its_key_until_its_content_changes() -> None:
    path = "/stores/S01/orders/1/payments"
    first = idempotency_key("attempt", path, {"amount_cents": 1, "method": "cash"})
    assert first == idempotency_key("attempt", path, {"method": "cash", "amount_cents": 1})
    assert first != idempotency_key("attempt", path, {"method": "cash", "amount_cents": 2})
    assert first != idempotency_key("another", path, {"method": "cash", "amount_cents": 1})
