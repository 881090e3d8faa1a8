"""What reception asks the workshop over HTTP: quotes and capacity holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import httpx

from services.reception.domain.offers import HalfHour
from services.reception.domain.withdrawal import WorkDone
from shared.problems import Problem

_TIMEOUT = httpx.Timeout(3.0, connect=1.0)
_SERVER_ERROR = 500


@dataclass(frozen=True)
class StartWindow:
    """The time within which work is to begin."""

    earliest: datetime
    latest: datetime


class WorkshopUnavailableError(Exception):
    """The workshop does not respond; its last published capacity is all there is."""


@dataclass(frozen=True)
class Caller:
    """In whose name the workshop is asked, and for which command."""

    store_id: str
    token: str
    key: str


class WorkshopClient:
    """Calls the workshop in the name of whoever asked."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT)

    async def close(self) -> None:
        await self._client.aclose()

    async def quote(
        self,
        token: str,
        store_id: str,
        operation_ids: Sequence[str],
        *,
        confidence: float,
        start_window: StartWindow | None = None,
        order_id: str | None = None,
    ) -> dict[str, Any]:
        """The earliest promise; nothing is reserved. Further work of an order follows its plan.

        Raises:
            WorkshopUnavailableError: no response.
            Problem: the workshop refuses, with its reason.
        """
        body = _body(operation_ids, confidence, start_window) | {"order_id": order_id}
        return await self._post(f"/stores/{store_id}/quotes", body, token, None)

    async def load(self, token: str, store_id: str, day: date, days: int) -> list[HalfHour]:
        """Working and free time by trade and half hour of ``days`` from ``day``.

        Raises:
            WorkshopUnavailableError: no response.
        """
        reply = await self._send(
            "GET",
            f"/stores/{store_id}/load",
            token,
            params={"day": day.isoformat(), "days": days},
        )
        return [
            HalfHour(
                each["trade"],
                datetime.fromisoformat(each["starts_at"]),
                each["working_minutes"],
                each["free_minutes"],
            )
            for each in reply
        ]

    async def work_done(self, caller: Caller, order_id: str) -> list[WorkDone]:
        """How far each operation of an order is.

        Raises:
            WorkshopUnavailableError: no response.
        """
        path = f"/stores/{caller.store_id}/orders/{quote(order_id, safe='')}/work-done"
        reply = await self._send("GET", path, caller.token)
        return [WorkDone(each["operation_id"], each["state"], each["labor_s"]) for each in reply]

    async def hold(
        self,
        caller: Caller,
        operation_ids: Sequence[str],
        *,
        confidence: float,
        start_window: StartWindow | None = None,
        replaces: str | None = None,
        order_id: str | None = None,
        latest_promise_at: datetime | None = None,
    ) -> dict[str, Any]:
        """Reserve the earliest promise; repeating the command reserves nothing more."""
        body = _body(operation_ids, confidence, start_window)
        latest = latest_promise_at.isoformat() if latest_promise_at else None
        body |= {"replaces": replaces, "order_id": order_id, "latest_promise_at": latest}
        return await self._post(
            f"/stores/{caller.store_id}/capacity-holds", body, caller.token, f"{caller.key}:hold"
        )

    async def _post(
        self, path: str, body: dict[str, Any], token: str, key: str | None
    ) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        reply: dict[str, Any] = await self._send("POST", path, token, headers, json=body)
        return reply

    async def _send(
        self,
        method: str,
        path: str,
        token: str,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Any:
        try:
            response = await self._client.request(
                method,
                path,
                headers={"Authorization": f"Bearer {token}", **(headers or {})},
                **content,
            )
        except httpx.TransportError as error:
            raise WorkshopUnavailableError(str(error)) from error
        if response.status_code >= _SERVER_ERROR:
            raise WorkshopUnavailableError(f"status {response.status_code}")
        reply = response.json()
        if response.is_error:
            field_errors = reply.get("errors") or [{"field": "", "rule": "refused"}]
            raise Problem(
                response.status_code,
                field_errors[0]["rule"],
                reply.get("detail", "The workshop refused."),
                field=field_errors[0]["field"],
                values=reply.get("values"),
            )
        return reply


def _body(
    operation_ids: Sequence[str], confidence: float, start_window: StartWindow | None
) -> dict[str, Any]:
    return {
        "operations": list(operation_ids),
        "confidence": confidence,
        "earliest_start_at": start_window.earliest.isoformat() if start_window else None,
        "latest_start_at": start_window.latest.isoformat() if start_window else None,
    }
