"""The frame of a service process: what app.py of each service composes."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import Depends, FastAPI, Request, Response
from faststream.kafka import KafkaBroker

from shared import dead_letter_routes, health, schemas
from shared.answer_headers import FOR_PROGRAMS, AnswerHeaders, WrappedFastAPI
from shared.clock import Clock, clock_from
from shared.consuming import BatchHandler, Consumer
from shared.contracts import Event
from shared.db import TRANSIENT, Pool, open_pool
from shared.kafka import broker_security, client_options
from shared.memory import standing
from shared.outbox import Relay
from shared.problems import RESPONSES, answer_problems
from shared.receiving import CloseUnread
from shared.routing import Router
from shared.security import Verifier
from shared.settings import Settings
from shared.storable import refuse_unstorable
from shared.telemetry import REQUESTS, configure_logging
from shared.timers import Deadline, Timers
from shared.unit import Units

log = structlog.get_logger()

_PARTITION_DAYS_AHEAD = 14
_WORKER_POOL = 3


class Service:
    """Pools, broker, relay, timers and consumer of one process, started and stopped together."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self.clock: Clock = clock_from(settings.clock_file, settings.clock_skew_s)
        self.pool: Pool
        self.workers: Pool
        self.units: Units
        self.timers: Timers
        self.consumer: Consumer
        self._deadlines: Mapping[str, Deadline] = {}
        holder = f"{name}-{settings.instance}"
        self.relay = Relay(settings.worker_database_url, client_options(settings), holder)
        self.broker = KafkaBroker(
            settings.kafka_bootstrap,
            client_id=holder,
            security=broker_security(settings),
            apply_types=False,
            consumer_only=True,
            graceful_timeout=10,
            logger=None,
        )

    @property
    def stuck(self) -> bool:
        return self.consumer.stalled

    async def open(self) -> None:
        """Open the pools, waiting for the database as long as it takes."""
        settings, holder = self.settings, f"{self.name}-{self.settings.instance}"
        self.pool = await _patiently(
            lambda: open_pool(settings.database_url, settings.database_pool_size, holder)
        )
        self.workers = await _patiently(
            lambda: open_pool(settings.worker_database_url, _WORKER_POOL, f"{holder} worker")
        )
        self.units = self.consumer.units = Units(self.pool, self.clock, self.relay.wake)
        self.timers = Timers(self.name, self.workers, self.units, self.clock, self._deadlines)

    def listen(
        self,
        interests: Iterable[type[Event]],
        handle: BatchHandler,
        deadlines: Mapping[str, Deadline],
        *,
        lanes: int = 1,
    ) -> None:
        """Say which events and deadlines the service handles, and events in how many lanes."""
        self.consumer = Consumer(
            self.broker,
            name=self.name,
            kafka=client_options(self.settings),
            interests=interests,
            handle=handle,
            lanes=lanes,
        )
        self._deadlines = deadlines

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay, consume and fire timers until the block ends; then drain and close."""
        tasks = [
            asyncio.create_task(work, name=name)
            for name, work in {
                "relay": self.relay.run(),
                "timers": self.timers.run(),
                "consumer": self._consume(),
                "watchdog": self.consumer.watch(),
                "dead letters": self._settle_dead_letters(),
                "partitions": self._maintain_partitions(),
            }.items()
        ]
        for task in tasks:
            task.add_done_callback(_end_process_on_failure)
        try:
            yield
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.broker.stop(), 10)
                await asyncio.wait_for(self.consumer.close(), 2)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for pool in (self.pool, self.workers):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(pool.close(), 5)

    async def _consume(self) -> None:
        """Start consuming; commands work meanwhile even when the broker is down."""
        await _patiently(self.broker.start)

    async def _settle_dead_letters(self) -> None:
        while True:
            with contextlib.suppress(*TRANSIENT):
                await self.consumer.apply_operator_decisions(self.workers)
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
    service: Service,
    *,
    title: str,
    stores: Iterable[str],
    routers: Iterable[Router],
    prepare: Callable[[], Awaitable[None]] | None = None,
) -> FastAPI:
    """The HTTP face of ``service``, which runs as long as the application does.

    ``prepare`` is awaited before the first request, when the pools are open.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logging(service.name, service.settings.instance)
        await service.open()
        app.state.units = service.units
        if prepare:
            await _patiently(prepare)
        with standing():
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
    app.state.service = service
    app.state.verifier = Verifier(service.settings)
    app.state.stores = frozenset(stores)
    answer_problems(app)
    app.include_router(dead_letter_routes.router)
    app.include_router(health.router)
    app.include_router(schemas.router)
    for router in routers:
        app.include_router(router)
    _measure(app, service.name)
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


async def _patiently(action: Callable[[], Awaitable[Any]]) -> Any:
    """Try until it works: what a service needs may start later than the service."""
    pause = 0.2
    while True:
        try:
            return await action()
        except Exception as error:
            log.warning("not available yet", error=repr(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


def _end_process_on_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("background work failed", task=task.get_name(), error=repr(error))
        os._exit(70)
