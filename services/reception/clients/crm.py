"""Reception's requests to customer relations over HTTP."""

from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from services.reception.domain.link import ContactUsed
from shared.calls import response_of
from shared.contracts.violations import unknown
from shared.credentials import ServiceCredentials

_TIMEOUT = httpx.Timeout(5.0, connect=1.0)
_AT_ONCE = httpx.Timeout(1.0)
_NOT_FOUND = 404


class KnownVehicle(BaseModel):
    """Facts from customer records about a vehicle, which reception may use but not keep.

    A vehicle that store's customer records do not know may still have a customer whose ``tier`` and
    ``visits`` in other stores of the group are known.
    """

    customer_ref: str | None = None
    vehicle_ref: str | None = None
    vin: str | None = None
    brand: str | None = None
    model: str | None = None
    tier: str | None = None
    visits: int | None = None


class RegisteredVehicle(BaseModel):
    """Present plate of a vehicle of customer records; empty once another vehicle has the plate."""

    plate_ref: str


class SentMessage(BaseModel):
    """Author and time of the address to which a message went."""

    contact_set_by: str | None
    contact_set_at: datetime | None


class CrmClient:
    """Client of customer relations, which recognizes vehicles in the name of the caller.

    In reception's own name it registers customers whose details were taken while it was
    unavailable, and has messages sent.
    """

    def __init__(self, base_url: str, credentials: ServiceCredentials) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT)
        self._credentials = credentials

    async def find(self, token: str, store_id: str, plate: str) -> KnownVehicle | None:
        """Return the facts about a plate; None when customer records is unavailable.

        The question is asked in the name of the bearer of ``token``.
        """
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

    async def read_vehicle(
        self, token: str, store_id: str, vehicle_ref: str
    ) -> RegisteredVehicle | None:
        """Return a vehicle of customer records by its reference; None when they are unavailable.

        The question is asked in the name of the bearer of ``token``.

        Raises:
            RuleViolation: the store's customer records have no such vehicle.
        """
        try:
            response = await self._client.get(
                f"/stores/{store_id}/registered-vehicles/{quote(vehicle_ref, safe='')}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=_AT_ONCE,
            )
            if response.status_code == _NOT_FOUND:
                raise unknown("vehicle_ref", vehicle_ref)
            response.raise_for_status()
        except httpx.HTTPError:
            return None
        return RegisteredVehicle.model_validate_json(response.content)

    async def check_customer(self, token: str, store_id: str, customer_ref: str) -> None:
        """Refuse a reference to a customer of another store.

        The question is asked in the name of the bearer of ``token``. While customer records is
        unavailable, nothing is refused.

        Raises:
            RuleViolation: the store's customer records have no such customer.
        """
        with suppress(httpx.HTTPError):
            response = await self._client.get(
                f"/stores/{store_id}/registered-customers/{quote(customer_ref, safe='')}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=_AT_ONCE,
            )
            if response.status_code == _NOT_FOUND:
                raise unknown("customer_ref", customer_ref)

    async def register(self, store_id: str, order_id: str, details: dict[str, Any]) -> str:
        """Register the person and return their ``customer_ref``.

        Repeating it for one order registers no second person.

        Raises:
            RetryLaterError: customer relations is still unavailable.
            CallRejectedError: it does not take these details.
        """
        response = await self._post(store_id, "customers", f"{order_id}:customer", details)
        customer_ref: str = response.json()["customer_ref"]
        return customer_ref

    async def send_message(
        self,
        store_id: str,
        key: str,
        *,
        customer_ref: str,
        message_type: str,
        about: str | None,
        values: dict[str, Any],
        order_id: str | None = None,
        expires_at: str | None = None,
    ) -> str:
        """Send a customer a message and return its id; repeating it with one ``key`` sends it once.

        Raises:
            RetryLaterError: customer relations is unavailable.
            CallRejectedError: it does not send such a message.
        """
        message = {
            "customer_ref": customer_ref,
            "message_type": message_type,
            "about": about,
            "order_id": order_id,
            "expires_at": expires_at,
            "values": values,
        }
        response = await self._post(store_id, "messages", key, message)
        message_id: str = response.json()["message_id"]
        return message_id

    async def contact_used(self, store_id: str, message_id: str) -> ContactUsed:
        """Return who had set the address to which a message went, and when.

        Not known while customer records is unavailable.
        """
        try:
            response = await self._client.get(
                f"/stores/{store_id}/messages/{quote(message_id, safe='')}",
                headers={"Authorization": f"Bearer {await self._credentials.token(store_id)}"},
                timeout=_AT_ONCE,
            )
            response.raise_for_status()
        except httpx.HTTPError:
            return ContactUsed(known=False)
        sent = SentMessage.model_validate_json(response.content)
        return ContactUsed(sent.contact_set_by, sent.contact_set_at)

    async def _post(
        self, store_id: str, path: str, key: str, body: dict[str, Any]
    ) -> httpx.Response:
        async def call() -> httpx.Response:
            return await self._client.post(
                f"/stores/{store_id}/{path}",
                json=body,
                headers={
                    "Authorization": f"Bearer {await self._credentials.token(store_id)}",
                    "Idempotency-Key": key,
                },
            )

        return await response_of("customer relations", call())
