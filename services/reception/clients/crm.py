"""Reception's requests to customer relations over HTTP."""

from collections.abc import Awaitable, Collection
from typing import TypeVar

import httpx
from pydantic import BaseModel

from services.reception.domain.link import ContactUsed
from shared.calls import ApiError, ServiceCalls, ServiceUnavailableError, repeatable
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    AdditionalWorkMessage,
    AppointmentReminderMessage,
    AuthorizationMessage,
    RegisterCustomerRequest,
    RegisterCustomerResponse,
)
from shared.contracts.management import Entitlement
from shared.contracts.violations import unknown
from shared.credentials import ServiceCredentials

_TIMEOUT = httpx.Timeout(5.0, connect=1.0)
_AT_ONCE = httpx.Timeout(1.0)
_NOT_FOUND = 404

Message = AuthorizationMessage | AdditionalWorkMessage | AppointmentReminderMessage

T = TypeVar("T")


class KnownVehicle(BaseModel):
    """Facts from customer records about a vehicle, which reception may use but not keep.

    A vehicle that the store's customer records do not know may still have a customer whose
    ``tier`` and ``visits`` in other stores of the group are known.
    """

    customer_ref: str | None = None
    vehicle_ref: str | None = None
    vin: str | None = None
    brand: str | None = None
    model: str | None = None
    tier: str | None = None
    entitlements: tuple[Entitlement, ...] = ()
    visits: int | None = None


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
            found = await self._at_once(token).get_vehicle(store_id, plate)
        except (ServiceUnavailableError, ApiError):
            return None
        return KnownVehicle.model_validate(found.model_dump())

    async def read_vehicle(
        self, token: str, store_id: str, vehicle_ref: str
    ) -> RegisterCustomerResponse | None:
        """Return the references of a vehicle; None when customer records is unavailable.

        Its plate's is empty once another vehicle has the plate. The question is asked in the name
        of the bearer of ``token``.

        Raises:
            RuleViolation: the store's customer records have no such vehicle.
        """
        call = self._at_once(token).get_registered_vehicle(store_id, vehicle_ref)
        return await _known(call, "vehicle_ref", vehicle_ref)

    async def check_customer(self, token: str, store_id: str, customer_ref: str) -> None:
        """Refuse a reference to a customer of another store.

        The question is asked in the name of the bearer of ``token``. While customer records is
        unavailable, nothing is refused.

        Raises:
            RuleViolation: the store's customer records have no such customer.
        """
        call = self._at_once(token).get_registered_customer(store_id, customer_ref)
        await _known(call, "customer_ref", customer_ref)

    async def references_of(self, store_id: str, customer_ref: str) -> Collection[str]:
        """Return all references of a customer; those of merged records are one person.

        While customer records is unavailable, or has the customer no longer, it is the one.
        """
        call = self._own(store_id, _AT_ONCE).get_registered_customer(store_id, customer_ref)
        try:
            return (await call).references
        except (httpx.HTTPError, ServiceUnavailableError, ApiError):
            return [customer_ref]

    async def check_campaign(self, token: str, store_id: str, campaign_id: str) -> None:
        """Refuse a reference to a campaign that the store does not have.

        The question is asked in the name of the bearer of ``token``. While customer relations is
        unavailable, nothing is refused.

        Raises:
            RuleViolation: there is no such campaign.
        """
        call = self._at_once(token).get_campaign(store_id, campaign_id)
        await _known(call, "campaign_id", campaign_id)

    async def register(
        self, store_id: str, order_id: str, details: RegisterCustomerRequest
    ) -> RegisterCustomerResponse:
        """Register the person and the vehicle, and return their references.

        Repeating it for one order registers no second person.

        Raises:
            RetryLaterError: customer relations is still unavailable.
            CallRejectedError: it does not take these details.
        """
        key = f"{order_id}:customer"
        return await repeatable(
            "customer relations",
            self._own(store_id).register_customer(store_id, details, idempotency_key=key),
        )

    async def send_message(self, store_id: str, key: str, message: Message) -> str:
        """Send a customer a message and return its id; repeating it with one ``key`` sends it once.

        Raises:
            RetryLaterError: customer relations is unavailable.
            CallRejectedError: it does not send such a message.
        """
        sent = await repeatable(
            "customer relations",
            self._own(store_id).send_message(store_id, message, idempotency_key=key),
        )
        return sent.message_id

    async def contact_used(self, store_id: str, message_id: str) -> ContactUsed:
        """Return who had set the address to which a message went, and when.

        Not known while customer records is unavailable.
        """
        try:
            sent = await self._own(store_id, _AT_ONCE).get_message(store_id, message_id)
        except (httpx.HTTPError, ServiceUnavailableError, ApiError):
            return ContactUsed(known=False)
        return ContactUsed(sent.contact_set_by, sent.contact_set_at)

    def _at_once(self, token: str) -> CrmApi:
        return CrmApi(ServiceCalls("crm", self._client, token, timeout=_AT_ONCE))

    def _own(self, store_id: str, timeout: httpx.Timeout | None = None) -> CrmApi:
        """Return the operations in reception's own name."""

        def token() -> Awaitable[str]:
            return self._credentials.token(store_id)

        return CrmApi(ServiceCalls("crm", self._client, token, timeout=timeout))


async def _known(call: Awaitable[T], field: str, reference: str) -> T | None:
    """Return what ``reference`` stands for; None when customer records is unavailable."""
    try:
        return await call
    except ServiceUnavailableError:
        return None
    except ApiError as error:
        if error.status == _NOT_FOUND:
            raise unknown(field, reference) from error
        return None
