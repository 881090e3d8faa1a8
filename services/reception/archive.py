"""What reception asks customer relations over HTTP."""

from typing import Any
from urllib.parse import quote

import httpx
import structlog
from pydantic import BaseModel

from shared.credentials import ServiceCredentials
from shared.timers import NotYetError

log = structlog.get_logger()

_TIMEOUT = httpx.Timeout(5.0, connect=1.0)
_AT_ONCE = httpx.Timeout(1.0)


class KnownVehicle(BaseModel):
    """What the archive says of a vehicle that reception may use, then forget.

    A vehicle that the store's archive does not know may still have a customer whose ``tier`` and
    ``visits`` in other stores of the group are known.
    """

    customer_ref: str | None = None
    vehicle_ref: str | None = None
    vin: str | None = None
    brand: str | None = None
    model: str | None = None
    tier: str | None = None
    visits: int | None = None


class CustomerArchive:
    """Recognises vehicles in the name of the person who asks.

    In reception's own name it registers customers whose details were taken while it was away, and
    has messages sent.
    """

    def __init__(self, base_url: str, credentials: ServiceCredentials) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT)
        self._credentials = credentials

    async def find(self, token: str, store_id: str, plate: str) -> KnownVehicle | None:
        """What is known of a plate, in the name of the bearer of ``token``; None when the archive
        is away."""
        try:
            response = await self._client.get(
                f"/stores/{store_id}/vehicles/{quote(plate)}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=_AT_ONCE,
            )
            response.raise_for_status()
        except httpx.HTTPError:
            return None
        return KnownVehicle.model_validate_json(response.content)

    async def register(self, store_id: str, order_id: str, details: dict[str, Any]) -> str:
        """The ``customer_ref`` of the person; repeating it for one order registers nobody twice.

        Raises:
            NotYetError: customer relations is still away.
        """
        try:
            response = await self._client.post(
                f"/stores/{store_id}/customers",
                json=details,
                headers={
                    "Authorization": f"Bearer {await self._credentials.token(store_id)}",
                    "Idempotency-Key": f"{order_id}:customer",
                },
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise NotYetError(f"customer relations: {error}") from error
        customer_ref: str = response.json()["customer_ref"]
        return customer_ref

    async def send_message(
        self,
        store_id: str,
        key: str,
        *,
        customer_ref: str,
        subject: str,
        about: str | None,
        values: dict[str, Any],
        order_id: str | None = None,
        expires_at: str | None = None,
    ) -> None:
        """Have a customer told something; repeating it with one ``key`` tells it once.

        What customer relations refuses is not tried again.

        Raises:
            NotYetError: customer relations is away.
        """
        try:
            response = await self._client.post(
                f"/stores/{store_id}/messages",
                json={
                    "customer_ref": customer_ref,
                    "subject": subject,
                    "about": about,
                    "order_id": order_id,
                    "expires_at": expires_at,
                    "values": values,
                },
                headers={
                    "Authorization": f"Bearer {await self._credentials.token(store_id)}",
                    "Idempotency-Key": key,
                },
            )
        except httpx.HTTPError as error:
            raise NotYetError(f"customer relations: {error}") from error
        if response.is_server_error:
            raise NotYetError(f"customer relations: status {response.status_code}")
        if response.is_error:
            log.warning("message refused", subject=subject, status=response.status_code)
