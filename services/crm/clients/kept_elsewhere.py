"""What other services keep about a person, asked in the name of the caller."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Literal

import httpx
from pydantic import BaseModel

from shared.calls import ApiError, ServiceCalls, ServiceUnavailableError
from shared.clients.management.client import ManagementApi
from shared.clients.reception.client import ReceptionApi
from shared.clients.reporting.client import ReportingApi
from shared.clients.workshop.client import WorkshopApi
from shared.kept_data import KeptEntries

_TIMEOUT = httpx.Timeout(3.0, connect=1.0)

Service = Literal["reception", "workshop", "reporting", "management"]


class KeptElsewhere:
    """Client of the services that keep something of a person besides customer relations."""

    def __init__(self, urls: Mapping[Service, str]) -> None:
        self._clients = {
            service: httpx.AsyncClient(base_url=url, timeout=_TIMEOUT)
            for service, url in urls.items()
        }

    async def ask(
        self, token: str, store_id: str, customer_refs: Sequence[str], order_ids: Sequence[str]
    ) -> Mapping[Service, Sequence[KeptEntries] | None]:
        """Return what each service keeps of a person; None of one that does not respond.

        The services are asked in the name of the bearer of ``token``.
        """

        def of(service: Service) -> ServiceCalls:
            return ServiceCalls(service, self._clients[service], token)

        refs, orders = list(customer_refs), list(order_ids)
        asked: Mapping[Service, Awaitable[Sequence[BaseModel]]] = {
            "reception": ReceptionApi(of("reception")).list_kept_data(
                store_id, customer_ref=refs, order_id=orders
            ),
            "workshop": WorkshopApi(of("workshop")).list_kept_data(store_id, order_id=orders),
            "reporting": ReportingApi(of("reporting")).list_kept_data(
                store_id, customer_ref=refs, order_id=orders
            ),
            "management": ManagementApi(of("management")).list_kept_data(store_id, order_id=orders),
        }
        answers = await asyncio.gather(*map(_answer, asked.values()))
        return dict(zip(asked, answers, strict=True))


async def _answer(call: Awaitable[Sequence[BaseModel]]) -> Sequence[KeptEntries] | None:
    try:
        return [KeptEntries.model_validate(each.model_dump()) for each in await call]
    except (ServiceUnavailableError, ApiError):
        return None
