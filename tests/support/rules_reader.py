"""Service that reads rules and reacts to them, and to greetings in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import FastAPI, Request

from deploy.embedded.platform import Platform
from shared import timers
from shared.contracts.crm import CustomerRegistered
from shared.contracts.management import RuleSetDefined
from shared.contracts.reception import CustomerGreeted
from shared.master_data import MasterData, NotDefinedError
from shared.reactions import Reactions
from shared.routing import Router
from shared.service import Foundation, service_app
from shared.settings import Settings
from shared.unit_of_work import UnitOfWork
from tests.support.harness import InProcess, starting

router = Router()


@dataclass
class Deps:
    """Dependencies of the service; its reaction to greetings waits for ``may_greet``."""

    foundation: Foundation
    may_greet: asyncio.Event = field(default_factory=asyncio.Event)
    greeted: list[str] = field(default_factory=list)
    timers_seen: dict[str, list[str]] = field(default_factory=dict)

    @property
    def master_data(self) -> MasterData:
        return self.foundation.master_data

    async def rules(self, *record_ids: str) -> dict[str, RuleSetDefined]:
        """Return the rule sets as a transaction sees them now."""
        async with self.foundation.uow_factory.read("S01") as connection:
            return await self.master_data.get(connection, RuleSetDefined, record_ids)


@router.get("/rules/{record_id}")
async def get_rules(request: Request, record_id: str) -> dict[str, int]:
    """Return the number of versions."""
    rules = await request.app.state.service.deps.rules(record_id)
    return {"versions": len(rules[record_id].versions)}


async def greet(uow: UnitOfWork, event: CustomerGreeted, deps: Deps) -> None:
    """Greet once the rules are there that an order such as ``needs:rules`` names."""
    await deps.may_greet.wait()
    needed = event.order_id.split(":")[1:]
    if len(await deps.master_data.get(uow.connection, RuleSetDefined, needed)) < len(needed):
        raise NotDefinedError(f"rules {needed}")
    deps.greeted.append(event.order_id)


async def note_rules(uow: UnitOfWork, event: RuleSetDefined, deps: Deps) -> None:
    """Set a timer and publish an event of the store; note the timers that the reaction sees."""
    store_id = uow.store_id
    entity_id = f"{store_id} {event.record_id}"
    due_at = uow.now + timedelta(days=1)
    await timers.schedule(uow, "never", entity_id, store_id=store_id, due_at=due_at)
    rows = await uow.connection.fetch("SELECT entity_id FROM timer ORDER BY entity_id")
    deps.timers_seen[store_id] = [row["entity_id"] for row in rows]
    registered = CustomerRegistered(
        store_id=store_id,
        customer_ref=f"of-{store_id}",
        vehicle_ref="vehicle",
        registered_at=uow.caused_at,
    )
    uow.publish([registered])


def create_app() -> FastAPI:
    return service_app(
        "crm",
        Settings(),
        title="Reader of rules",
        routers=[router],
        reactions=Reactions({CustomerGreeted: greet}),
        timer_handlers={},
        compose=Deps,
        states=[RuleSetDefined],
        state_reactions=Reactions({RuleSetDefined: note_rules}),
    )


@asynccontextmanager
async def rules_reader(servers: Platform) -> AsyncIterator[InProcess]:
    """Run the service, under the name and with the database of customer relations.

    It may still have to read its master data.
    """
    async with starting(servers, "crm", create_app) as running:
        try:
            yield running
        finally:
            deps_of(running).may_greet.set()


def deps_of(running: InProcess) -> Deps:
    deps: Deps = running.app.state.service.deps
    return deps
