"""What reception hands to customer relations over HTTP: details taken while it was away."""

from typing import Any

import httpx

from shared.credentials import ServiceCredentials
from shared.timers import NotYetError

_TIMEOUT = httpx.Timeout(5.0, connect=1.0)


class CustomerArchive:
    """Registers customers in reception's own name."""

    def __init__(self, base_url: str, credentials: ServiceCredentials) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT)
        self._credentials = credentials

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
