"""Commands on the real database."""

import asyncio

from pydantic import BaseModel

from shared.commands import CommandContext
from shared.ids import new_id
from shared.security import Principal
from shared.unit_of_work import UnitOfWork
from tests.support.foundation import CAUSATION, Bench

_LOCK = "SELECT pg_advisory_xact_lock($1)"


class Done(BaseModel):
    """Response to a command: how often it was applied."""

    tries: int


class Locking:
    """Command that holds its first lock until another one holds its own, then takes the second."""

    def __init__(self, bench: Bench, first: int, second: int, both: asyncio.Barrier) -> None:
        self._bench = bench
        self._locks = first, second
        self._both = both
        self.tries = 0

    async def run(self) -> Done:
        subject = f"a{self._locks[0]}"
        principal = Principal(subject, "", frozenset({"service_advisor"}), frozenset({"S01"}), "")
        command = CommandContext(
            principal, "S01", str(new_id()), CAUSATION, b"", self._bench.uow_factory
        )
        return Done.model_validate_json(bytes((await command.run(self._apply)).body))

    async def _apply(self, uow: UnitOfWork) -> Done:
        self.tries += 1
        first, second = self._locks
        await uow.connection.execute(_LOCK, first)
        if self.tries == 1:
            await self._both.wait()
        await uow.connection.execute(_LOCK, second)
        return Done(tries=self.tries)


async def test_commands_that_lock_crosswise_both_succeed(bench: Bench) -> None:
    both = asyncio.Barrier(2)
    one, other = Locking(bench, 1, 2, both), Locking(bench, 2, 1, both)
    found = await asyncio.gather(one.run(), other.run())
    assert sorted(each.tries for each in found) == [1, 2]
