"""Frame of a service process, which app.py of each service composes."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from fastapi import Depends, FastAPI, Request, Response
from faststream.kafka import KafkaBroker

from shared import dead_letter_routes, health, schemas
from shared.clock import Clock, clock_from
from shared.consumer import DRAIN_S, Consumer
from shared.contracts.base import GROUP, State
from shared.contracts.crm import CustomerErased
from shared.db import TRANSIENT, Connection, Pool, open_pool
from shared.envelope import ReceivedEvent
from shared.erasure_replay import ErasureReplay
from shared.group import Group
from shared.kafka import broker_security, brokers, client_options
from shared.master_data import MasterData, knows_store, store_states
from shared.posts import CallersPosts, PostsOf
from shared.problems import RESPONSES, add_problem_handlers, not_ready
from shared.projection import Projection
from shared.reactions import Reactions
from shared.relay import Relay
from shared.request_body import CloseUnread
from shared.response_headers import FOR_PROGRAMS, AnswerHeaders, WrappedFastAPI
from shared.routing import Router
from shared.runtime import frozen_gc
from shared.security import Verifier
from shared.settings import Settings, require
from shared.storable import refuse_unstorable
from shared.telemetry import REQUESTS, configure_logging
from shared.timers import TimerHandler, Timers
from shared.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = structlog.get_logger()

D = TypeVar("D")

KnowsStore = Callable[[Connection, str], Awaitable[bool]]
"""Query of a service, in a transaction, whether a store was ever defined."""

_PARTITION_DAYS_AHEAD = 14
_WORKER_POOL = 3
_REPLAY_WITHIN_S = 5.0


@dataclass(frozen=True)
class Foundation:
    """Base of a service: settings, clock, pools, relay and master data, opened before all else."""

    name: str
    settings: Settings
    clock: Clock
    pool: Pool
    workers: Pool
    relay: Relay
    uow_factory: UnitOfWorkFactory
    master_data: MasterData

    @property
    def holder(self) -> str:
        """Name of the process in leases and connections."""
        return _holder(self.name, self.settings)


@asynccontextmanager
async def opened(name: str, settings: Settings) -> AsyncIterator[Foundation]:
    """Open the pools, waiting for the database without a limit; close them at the end."""
    holder = _holder(name, settings)
    clock = clock_from(settings.clock_file, settings.clock_skew_s)
    pool = await _retry_until_ready(
        "database",
        lambda: open_pool(
            settings.database_url,
            settings.database_pool_size,
            holder,
            pooler=settings.database_pooler,
        ),
    )
    workers = await _retry_until_ready(
        "database of relay and timers",
        lambda: open_pool(settings.worker_database_url, _WORKER_POOL, f"{holder} worker"),
    )
    relay = Relay(settings.worker_database_url, client_options(settings), holder)
    uow_factory = UnitOfWorkFactory(pool, clock, [relay.note_commit])
    try:
        yield Foundation(name, settings, clock, pool, workers, relay, uow_factory, MasterData())
    finally:
        for each in (pool, workers):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(each.close(), 5)


class Service(Generic[D]):
    """Relay, timers and consumers of one process, started and stopped together."""

    def __init__(
        self,
        foundation: Foundation,
        deps: D,
        reactions: Reactions[D],
        timer_handlers: Mapping[str, TimerHandler[D]],
        *,
        states: Sequence[type[State]] = (),
        state_reactions: Reactions[D] | None = None,
        knows_store: KnowsStore = knows_store,
        posts_of: PostsOf | None = None,
        lanes: int = 1,
    ) -> None:
        """Create the service, which applies batches of events in ``lanes`` side by side.

        ``states`` are the master data that it reads. ``state_reactions`` are called in the
        transaction that stores some of them, once for each store that these concern, or concerned
        until then, and once for the group with those that concern all of it; those ``by_stores``
        are called once for all.
        """
        self._knows_store, self._known_stores = knows_store, set[str]()
        group = Group(foundation.master_data, foundation.clock)
        settings = foundation.settings
        self.callers_posts = CallersPosts(
            foundation.uow_factory,
            posts_of or group.posts,
            claims_without_record=settings.claims_without_record,
        )
        self.name, self.settings, self.clock = foundation.name, settings, foundation.clock
        self.pool, self.workers = foundation.pool, foundation.workers
        self.relay, self.uow_factory = foundation.relay, foundation.uow_factory
        self.deps, self._state_reactions = deps, state_reactions
        self.projection = (
            Projection(
                Consumer(
                    _broker(settings, foundation.holder),
                    name=f"{self.name}.state",
                    kafka=client_options(settings),
                    subscriptions=states,
                    handle=self._apply_states,
                    uow_factory=self.uow_factory,
                ),
                self.workers,
            )
            if states
            else None
        )
        self.broker = _broker(settings, foundation.holder)
        self.consumer = Consumer(
            self.broker,
            name=self.name,
            kafka=client_options(settings),
            subscriptions=reactions.subscriptions,
            handle=lambda uow, batch: reactions.react(uow, batch, deps),
            uow_factory=self.uow_factory,
            lanes=lanes,
        )
        self.erasures = (
            ErasureReplay(self.consumer, client_options(settings), self.workers)
            if CustomerErased in reactions.by_event
            else None
        )
        self.timers = Timers(
            self.name,
            self.workers,
            self.uow_factory,
            timer_handlers,
            deps,
            self.consumer.catch_up,
        )

    @property
    def consumers(self) -> Sequence[Consumer]:
        """Consumers of events and, if the service reads master data, of states."""
        return [self.consumer, *([self.projection.consumer] if self.projection else [])]

    @property
    def is_ready(self) -> bool:
        """Whether the service has all master data that it reads, and applied all erasures."""
        return (self.projection is None or self.projection.is_complete) and (
            self.erasures is None or self.erasures.is_open
        )

    async def knows_store(self, store_id: str) -> bool:
        """Return whether the store was ever defined; a store never becomes unknown again."""
        if store_id not in self._known_stores:
            async with self.uow_factory.read(GROUP) as connection:
                if await self._knows_store(connection, store_id):
                    self._known_stores.add(store_id)
        return store_id in self._known_stores

    @property
    def stalled(self) -> bool:
        return any(consumer.stalled for consumer in self.consumers)

    async def lag(self) -> int | None:
        """Return the records that wait in the assigned partitions.

        It is None while a consumer has no partition.
        """
        lags = [await consumer.lag() for consumer in self.consumers]
        known = [lag for lag in lags if lag is not None]
        return sum(known) if len(known) == len(lags) else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay, consume and fire timers until the block ends; then drain and close."""
        if self.projection:
            await _retry_until_ready("database", self.projection.recall)
        tasks = [
            asyncio.create_task(work, name=name)
            for name, work in {
                "relay": self.relay.run(),
                "timers": self._keep_time(),
                "consumers": self._consume(),
                "dead letters": self._settle_dead_letters(),
                "partitions": self._maintain_partitions(),
                **{f"watch of {each.name}": each.watch() for each in self.consumers},
            }.items()
        ]
        for task in tasks:
            task.add_done_callback(_end_process_on_failure)
        try:
            yield
        finally:
            await asyncio.gather(*(consumer.stop() for consumer in self.consumers))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _apply_states(self, uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        by_store = await store_states(uow, batch)
        if self._state_reactions:
            await self._state_reactions.react_by_store(uow, by_store, self.deps)

    async def _consume(self) -> None:
        """Start consuming; commands work in the meantime even when the broker is down.

        Before master data is complete, no other topic is read and no timer fires.
        """
        if self.projection:
            await _retry_until_ready("Kafka", self.projection.consumer.start)
            await _retry_until_ready("master data", self.projection.complete)
        if self.erasures:
            await self._replay_erasures(self.erasures)
        await _retry_until_ready("Kafka", self.consumer.start)

    async def _replay_erasures(self, erasures: ErasureReplay) -> None:
        """Apply all erasures, then open.

        A database that has seen them before opens after a moment where Kafka does not respond.
        """
        replayed = asyncio.create_task(_retry_until_ready("erasures in Kafka", erasures.replay))
        try:
            if await _retry_until_ready("database", erasures.is_known):
                await asyncio.wait({replayed}, timeout=_REPLAY_WITHIN_S)
                erasures.open()
            await replayed
        finally:
            replayed.cancel()
        erasures.open()

    async def _keep_time(self) -> None:
        if self.projection:
            await self.projection.completed()
        if self.erasures:
            await self.erasures.opened()
        await self.timers.run()

    async def _settle_dead_letters(self) -> None:
        while True:
            for consumer in self.consumers:
                with contextlib.suppress(*TRANSIENT):
                    await consumer.apply_operator_decisions(self.workers)
            await asyncio.sleep(1)

    async def _maintain_partitions(self) -> None:
        while True:
            with contextlib.suppress(*TRANSIENT):
                await self.workers.execute(
                    "SELECT maintain_partitions($1, $2)",
                    _PARTITION_DAYS_AHEAD,
                    self.settings.retention_days,
                )
            await asyncio.sleep(3600)


def service_app(
    name: str,
    settings: Settings,
    *,
    title: str,
    routers: Iterable[Router],
    reactions: Reactions[D],
    timer_handlers: Mapping[str, TimerHandler[D]],
    compose: Callable[[Foundation], D],
    prepare: Callable[[D], Awaitable[None]] | None = None,
    states: Sequence[type[State]] = (),
    state_reactions: Reactions[D] | None = None,
    knows_store: KnowsStore = knows_store,
    posts_of: PostsOf | None = None,
    lanes: int = 1,
) -> FastAPI:
    """Return the HTTP application of a service, which runs as long as the application does.

    ``compose`` creates the dependencies of the application functions, when the pools are open;
    ``prepare`` is awaited before the first request. ``states`` are the master data that the service
    reads; before it has read them all once, the operations of ``routers`` are answered with 503.
    ``state_reactions`` follow from them, as :class:`Service` says.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        require(settings, name)
        configure_logging(name, settings.instance)
        async with opened(name, settings) as foundation:
            deps = compose(foundation)
            service = Service(
                foundation,
                deps,
                reactions,
                timer_handlers,
                states=states,
                state_reactions=state_reactions,
                knows_store=knows_store,
                posts_of=posts_of,
                lanes=lanes,
            )
            app.state.service = service
            if prepare:
                await _retry_until_ready("own processes", lambda: prepare(deps))
            with frozen_gc():
                async with service.running():
                    yield

    app = WrappedFastAPI(
        outermost=lambda stack: CloseUnread(AnswerHeaders(stack, FOR_PROGRAMS)),
        docs_url=None,
        redoc_url=None,
        title=title,
        version="1",
        lifespan=lifespan,
        dependencies=[Depends(refuse_unstorable)],
        responses=RESPONSES,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.verifier = Verifier(settings)
    add_problem_handlers(app)
    for router in (dead_letter_routes.router, health.router, schemas.router):
        app.include_router(router)
    for router in routers:
        app.include_router(router, dependencies=[Depends(_require_master_data)])
    _measure(app, name)
    return app


def _measure(app: FastAPI, service: str) -> None:
    @app.middleware("http")
    async def measured(request: Request, call_next: Any) -> Response:
        began = time.perf_counter()
        response: Response = await call_next(request)
        operation = getattr(request.scope.get("route"), "name", "unmatched")
        REQUESTS.labels(service, operation, response.status_code).observe(
            time.perf_counter() - began
        )
        return response


def _require_master_data(request: Request) -> None:
    service: Service[Any] = request.app.state.service
    if not service.is_ready:
        raise not_ready()


def _broker(settings: Settings, client_id: str) -> KafkaBroker:
    return KafkaBroker(
        brokers(settings),
        client_id=client_id,
        security=broker_security(settings),
        apply_types=False,
        consumer_only=True,
        graceful_timeout=DRAIN_S,
        logger=None,
    )


def _holder(name: str, settings: Settings) -> str:
    return f"{name}-{settings.instance}"


async def _retry_until_ready(dependency: str, action: Callable[[], Awaitable[Any]]) -> Any:
    """Retry until success: a ``dependency`` of a service may start later than the service."""
    pause = 0.2
    while True:
        try:
            return await action()
        except Exception as error:
            log.warning("not available yet", dependency=dependency, error=repr(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


def _end_process_on_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("background work failed", task=task.get_name(), error=repr(error))
        os._exit(70)
