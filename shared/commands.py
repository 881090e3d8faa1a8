"""Commands over HTTP: one transaction, one effect and one response per ``Idempotency-Key``."""

import hashlib
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

import asyncpg
from fastapi import Depends, Header, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from shared.contracts.violations import RuleViolation, key_reused
from shared.db import transaction
from shared.envelope import ID_PATTERN, LONGEST_ID, Causation, trace_of
from shared.ids import new_id
from shared.security import Principal, Role, require_roles
from shared.unit_of_work import UnitOfWork, UnitOfWorkFactory


class CommandHeaders(BaseModel):
    """Headers of a command."""

    idempotency_key: str = Field(
        alias="Idempotency-Key",
        min_length=8,
        max_length=LONGEST_ID,
        pattern=ID_PATTERN,
        description="Chosen by the client, the same for each try of one command",
    )
    correlation_id: str | None = Field(
        default=None,
        alias="X-Correlation-Id",
        max_length=LONGEST_ID,
        pattern=ID_PATTERN,
        description="The same for all that belongs to one request; made up where it is absent",
    )


Headers = Annotated[CommandHeaders, Header()]

P = TypeVar("P")

CUSTOMER = "customer"

_TRIES = 3
"""How often a command is applied that PostgreSQL has rolled back in favor of another one."""

_ROLLED_BACK = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

_KNOW_CALLER = "SELECT set_config('app.caller', $1, true)"

_ONE_AT_A_TIME = """
SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0)),
       set_config('app.caller', $1, true)
"""

_SELECT_RESPONSE = """
SELECT request_hash, status, response FROM idempotency WHERE principal = $1 AND key = $2
"""

_INSERT_RESPONSE = """
INSERT INTO idempotency (principal, key, store_id, request_hash, status, response)
VALUES ($1, $2, $3, $4, $5, $6)
"""


@dataclass(frozen=True)
class CommandContext:
    """Command of one caller on one store, or on the scope of the whole group.

    ``also`` are further scopes whose rows it writes.
    """

    principal: Principal
    store_id: str
    key: str
    causation: Causation
    _request_hash: bytes
    _uow_factory: UnitOfWorkFactory
    also: tuple[str, ...] = ()

    @property
    def actor(self) -> str:
        """Colleague, service or customer who calls; a customer acts over a link and has no role."""
        return self.principal.subject if self.principal.roles else CUSTOMER

    async def previous_response(self) -> JSONResponse | None:
        """Return the response that this command already has.

        It is asked for before any remote call.
        """
        async with transaction(self._uow_factory.pool, [self.store_id]) as connection:
            await connection.execute(_KNOW_CALLER, self.principal.subject)
            return self._replay(
                await connection.fetchrow(_SELECT_RESPONSE, self.principal.subject, self.key)
            )

    async def run(
        self, use_case: Callable[[UnitOfWork], Awaitable[BaseModel]], *, status: int = 200
    ) -> JSONResponse:
        """Apply ``use_case`` once and respond with its result, also when the command is repeated.

        One that locks against another command or batch is applied again, from its beginning.

        Raises:
            RuleViolation: the caller used the key for another request.
        """
        for _ in range(_TRIES - 1):
            with suppress(*_ROLLED_BACK):
                return await self._apply(use_case, status)
        return await self._apply(use_case, status)

    async def _apply(
        self, use_case: Callable[[UnitOfWork], Awaitable[BaseModel]], status: int
    ) -> JSONResponse:
        scopes = [self.store_id, *self.also]
        async with self._uow_factory.open(scopes, self.actor, self.causation) as uow:
            connection = uow.connection
            await connection.execute(_ONE_AT_A_TIME, self.principal.subject, self.key)
            row = await connection.fetchrow(_SELECT_RESPONSE, self.principal.subject, self.key)
            if previous := self._replay(row):
                return previous
            response = (await use_case(uow)).model_dump(mode="json")
            await connection.execute(
                _INSERT_RESPONSE,
                self.principal.subject,
                self.key,
                self.store_id,
                self._request_hash,
                status,
                response,
            )
        return JSONResponse(response, status)

    async def run_prepared(
        self,
        prepare: Callable[[], Awaitable[P]],
        use_case: Callable[[UnitOfWork, P], Awaitable[BaseModel]],
        *,
        status: int = 200,
    ) -> JSONResponse:
        """Prepare outside the transaction, then apply ``use_case`` to the result.

        ``prepare`` may call other systems; a repeated command has its response without calling them
        again.
        """
        if previous := await self.previous_response():
            return previous
        try:
            prepared = await prepare()
        except RuleViolation:
            # Another attempt of this command may have stored its response since the check above.
            if previous := await self.previous_response():
                return previous
            raise
        return await self.run(lambda uow: use_case(uow, prepared), status=status)

    def _replay(self, row: Any) -> JSONResponse | None:
        if row is None:
            return None
        if row["request_hash"] != self._request_hash:
            raise key_reused()
        return JSONResponse(row["response"], row["status"], headers={"Idempotent-Replayed": "true"})


def accept_command(
    *roles: Role, also: tuple[str, ...] = (), of_own: bool = False
) -> Callable[..., Coroutine[Any, Any, CommandContext]]:
    """Return a dependency: the command of a caller with one of ``roles`` in the path's store.

    ``also`` are further scopes whose rows it writes. A command ``of_own`` changes nothing but what
    is the caller's, who may have moved to another store.
    """

    async def received(
        request: Request,
        store_id: Annotated[str, Path()],
        principal: Annotated[Principal, Depends(require_roles(*roles, of_own=of_own))],
        headers: Headers,
    ) -> CommandContext:
        return replace(await command_of(request, principal, store_id, headers), also=also)

    return received


async def command_of(
    request: Request, principal: Principal, store_id: str, headers: CommandHeaders
) -> CommandContext:
    """Return the command that ``request`` carries in the name of ``principal``."""
    return CommandContext(
        principal=principal,
        store_id=store_id,
        key=headers.idempotency_key,
        causation=Causation(
            correlation_id=headers.correlation_id or str(new_id()),
            causation_id=headers.idempotency_key,
            traceparent=trace_of(request.headers.get("traceparent")),
        ),
        _request_hash=await _fingerprint(request),
        _uow_factory=request.app.state.service.uow_factory,
    )


async def _fingerprint(request: Request) -> bytes:
    """Return the fingerprint of a request: of method, path, query and body, as they were sent."""
    path, query = request.scope["raw_path"], request.scope["query_string"]
    target = b"?".join((path, query)) if query else path
    line = request.method.encode() + b" " + target + b"\n"
    return hashlib.sha256(line + await request.body()).digest()
