"""Reception's requests to the workshop over HTTP: quotes and capacity holds."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import httpx

from services.reception.domain.appointment_times import HalfHour
from services.reception.domain.withdrawal import WorkDone
from shared.calls import ApiError, ServiceCalls, ServiceUnavailableError
from shared.clients.workshop.client import WorkshopApi
from shared.clients.workshop.models import HoldRequest, HoldView, QuoteRequest, QuoteView
from shared.problems import Problem

_TIMEOUT = httpx.Timeout(3.0, connect=1.0)

T = TypeVar("T")


@dataclass(frozen=True)
class StartWindow:
    """The time within which work is to begin."""

    earliest: datetime
    latest: datetime


class WorkshopUnavailableError(Exception):
    """Failure of the workshop to respond; only its last published capacity is known."""


@dataclass(frozen=True)
class Caller:
    """Caller in whose name the workshop is asked, and the command."""

    store_id: str
    token: str
    key: str


class WorkshopClient:
    """Client of the workshop, which calls it in the name of the caller."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT)

    async def close(self) -> None:
        await self._client.aclose()

    async def quote(
        self,
        token: str,
        store_id: str,
        op_codes: Sequence[str],
        *,
        confidence: float | None = None,
        start_window: StartWindow | None = None,
        order_id: str | None = None,
    ) -> QuoteView:
        """Return the earliest promise; nothing is reserved.

        Further work of an order follows its plan.

        Raises:
            WorkshopUnavailableError: no response.
            Problem: the workshop refuses, with its reason.
        """
        body = QuoteRequest(
            op_codes=list(op_codes),
            confidence=confidence,
            earliest_start_at=start_window.earliest if start_window else None,
            latest_start_at=start_window.latest if start_window else None,
            order_id=order_id,
        )
        return await _response(self._api(token).quote(store_id, body))

    async def load(self, token: str, store_id: str, day: date, days: int) -> list[HalfHour]:
        """Return working and free time by skill and half hour of ``days`` from ``day``.

        Raises:
            WorkshopUnavailableError: no response.
        """
        load = await _response(self._api(token).get_load(store_id, day=day, days=days))
        return [
            HalfHour(each.skill_code, each.starts_at, each.working_minutes, each.free_minutes)
            for each in load
        ]

    async def work_done(self, caller: Caller, order_id: str) -> list[WorkDone]:
        """Return the progress of each operation of an order.

        Raises:
            WorkshopUnavailableError: no response.
        """
        done = await _response(self._api(caller.token).get_work_done(caller.store_id, order_id))
        return [WorkDone(each.op_code, each.state, each.labor_s) for each in done]

    async def hold(
        self,
        caller: Caller,
        op_codes: Sequence[str],
        *,
        confidence: float | None = None,
        start_window: StartWindow | None = None,
        replaces: str | None = None,
        order_id: str | None = None,
        latest_promise_at: datetime | None = None,
    ) -> HoldView:
        """Reserve the earliest promise; repeating the command reserves nothing more."""
        body = HoldRequest(
            op_codes=list(op_codes),
            confidence=confidence,
            earliest_start_at=start_window.earliest if start_window else None,
            latest_start_at=start_window.latest if start_window else None,
            replaces=replaces,
            order_id=order_id,
            latest_promise_at=latest_promise_at,
        )
        api, key = self._api(caller.token), f"{caller.key}:hold"
        return await _response(api.hold_capacity(caller.store_id, body, idempotency_key=key))

    def _api(self, token: str) -> WorkshopApi:
        return WorkshopApi(ServiceCalls("workshop", self._client, token))


async def _response(call: Awaitable[T]) -> T:
    """Return the workshop's response, whose refusal is passed on as reception's own."""
    try:
        return await call
    except ServiceUnavailableError as error:
        raise WorkshopUnavailableError(str(error.__cause__ or error)) from error
    except ApiError as error:
        field_error = next(iter(error.field_errors), None)
        raise Problem(
            error.status,
            field_error.rule if field_error else "refused",
            error.detail or "The workshop refused.",
            field=field_error.field if field_error else "",
            values=error.values,
        ) from error
