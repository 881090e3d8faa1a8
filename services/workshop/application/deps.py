"""Dependencies of the workshop's application functions besides the unit of work."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from services.workshop.application.workplace import (
    Operations,
    Workplace,
    read_operations,
    read_workplace,
)
from services.workshop.clients.planner import Planner
from shared.db import Connection
from shared.group import Group
from shared.personal_data import PersonalData
from shared.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True)
class ReservationLocks:
    """Locks under which slots of a store are reserved one after the other.

    The lock of a store is there as long as somebody uses it.
    """

    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def of(self, store_id: str) -> asyncio.Lock:
        """Return the lock of a store."""
        lock = self._locks.get(store_id)
        if lock is None:
            lock = self._locks[store_id] = asyncio.Lock()
        return lock


@dataclass(frozen=True)
class Deps:
    """Master data, keys and planner of one process of the workshop."""

    uow_factory: UnitOfWorkFactory
    group: Group
    personal: PersonalData
    planner: Planner
    reservation_locks: ReservationLocks = field(default_factory=ReservationLocks)

    async def workplace(self, connection: Connection, store_id: str) -> Workplace:
        """Return the workshop of a store as the transaction sees it now.

        Raises:
            NotDefinedError: management has not announced the store yet.
        """
        return await read_workplace(connection, store_id, self.group)

    async def operations(self, connection: Connection, op_codes: Iterable[str]) -> Operations:
        """Return operations that were ordered, as the transaction sees them now.

        Raises:
            NotDefinedError: management has not announced one of them yet.
        """
        return await read_operations(connection, op_codes, self.group)
