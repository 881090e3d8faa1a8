"""Capacity that a booked appointment still has to get from the workshop."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from services.reception.application import appointment_timers
from shared.timers import RetryLaterError


async def test_capacity_request_retries_while_issuer_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def token(store_id: str) -> str:
        raise httpx.ConnectError("nobody answers")

    async def booked(*_: Any) -> Any:
        appointment_at = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)
        return SimpleNamespace(status="booked", hold_id=None, appointment_at=appointment_at)

    monkeypatch.setattr(appointment_timers, "_read", booked)
    deps = cast("Any", SimpleNamespace(credentials=SimpleNamespace(token=token)))
    with pytest.raises(RetryLaterError, match="identity provider"):
        await appointment_timers.ask_for_place("S01", "appointment", deps)
