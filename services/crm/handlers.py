"""Events that customer relations acts on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.crm import store
from services.crm.directory import Directory
from services.crm.domain import follow_up as follow_ups
from shared.contracts import Event
from shared.contracts.reception import OrderCustomerLinked, VehicleDelivered
from shared.envelope import Received
from shared.ids import new_id
from shared.timers import Deadline
from shared.unit import Unit

INTERESTS: tuple[type[Event], ...] = (VehicleDelivered, OrderCustomerLinked)

DEADLINES: Mapping[str, Deadline] = {}


@dataclass(frozen=True)
class Handlers:
    """What happens in customer relations after events of reception."""

    directory: Directory

    async def handle(self, unit: Unit, batch: Sequence[Received]) -> None:
        """Apply each event in order."""
        for received in batch:
            match received.event:
                case VehicleDelivered() as event:
                    await self._on_delivered(unit, received, event)
                case OrderCustomerLinked() as event:
                    await self._on_linked(unit, received, event)

    async def _on_delivered(self, unit: Unit, received: Received, event: VehicleDelivered) -> None:
        """A call is due on the next working day (R21), once it is known whom to call."""
        await store.save_delivery(
            unit.connection, event.store_id, event.order_id, event.customer_ref, event.delivered_at
        )
        if event.customer_ref is not None:
            await self._schedule(
                unit, received, event.order_id, event.customer_ref, event.delivered_at
            )

    async def _on_linked(self, unit: Unit, received: Received, event: OrderCustomerLinked) -> None:
        """Now it is known whom to call about a delivery that was made already."""
        delivered_at = await store.link_delivery(
            unit.connection, event.store_id, event.order_id, event.customer_ref
        )
        if delivered_at is not None:
            await self._schedule(unit, received, event.order_id, event.customer_ref, delivered_at)

    async def _schedule(
        self,
        unit: Unit,
        received: Received,
        order_id: str,
        customer_ref: str,
        delivered_at: datetime,
    ) -> None:
        store_id = received.envelope.store_id
        agent_id = follow_ups.least_loaded(
            self.directory.agents[store_id], await store.open_calls(unit.connection, store_id)
        )
        follow_up, events = follow_ups.schedule(
            follow_up_id=str(new_id()),
            store_id=store_id,
            order_id=order_id,
            customer_ref=customer_ref,
            agent_id=agent_id,
            due_at=self.directory.follow_up_due(store_id, delivered_at),
        )
        await store.save_follow_up(unit.connection, follow_up)
        unit.publish(events, received.envelope.cause)
