"""Composition root of the administration of subscribers, a process of the platform.

It has no database: Kafka holds the subscribers and their changes, management says who a caller is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import structlog
from fastapi import Depends, FastAPI

from deploy.embedded.settings import EmbeddedSettings
from deploy.subscribers.administration import Subscribers
from deploy.subscribers.handover import doubts, reached_by_subscribers
from deploy.subscribers.http import Administration, router
from deploy.subscribers.metrics import KafkaMetrics
from deploy.subscribers.model import Offer
from deploy.subscribers.probes import probes
from shared.calls import ApiError, ServiceCalls, ServiceUnavailableError
from shared.clients.management.client import ManagementApi
from shared.kafka import administration_options
from shared.problems import RESPONSES, Problem, add_problem_handlers, unavailable
from shared.request_body import CloseUnread
from shared.response_headers import FOR_PROGRAMS, AnswerHeaders, WrappedFastAPI
from shared.security import Principal, Verifier
from shared.settings import SUBSCRIBERS, read_settings, require
from shared.storable import refuse_unstorable
from shared.telemetry import configure_logging

log = structlog.get_logger()

_TIMEOUT = httpx.Timeout(4.0, connect=1.0)


@dataclass(frozen=True)
class CallersPosts:
    """Posts of the callers, as management knows them now."""

    http: httpx.AsyncClient

    async def apply(self, caller: Principal, _: str | None) -> Principal:
        """Return the caller with the roles that they have by their posts.

        Raises:
            Problem: management refuses the caller, or does not answer (503).
        """
        calls = ServiceCalls("management", self.http, caller.token)
        try:
            found = await ManagementApi(calls).own_roles()
        except ServiceUnavailableError as away:
            raise unavailable("Management") from away
        except ApiError as error:
            raise Problem(error.status, error.rule, error.detail) from error
        return replace(caller, roles=frozenset(found.roles))


@dataclass(frozen=True)
class _Process:
    """What a guarded route asks of its process."""

    callers_posts: CallersPosts


def create_app() -> FastAPI:
    """Build the administration of subscribers (事件订阅方)."""
    settings = read_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        require(settings, SUBSCRIBERS)
        configure_logging(SUBSCRIBERS, settings.instance)
        reached = reached_by_subscribers(settings)
        for seen, remedy in doubts(reached):
            log.warning("subscribers may not reach Kafka", seen=seen, remedy=remedy)
        subscribers = Subscribers(administration_options(settings))
        app.state.metrics = KafkaMetrics(subscribers)
        app.state.administration = Administration(
            subscribers,
            Offer.declared(EmbeddedSettings().topics_file),
            reached,
        )
        address = settings.management_url
        async with httpx.AsyncClient(base_url=address, timeout=_TIMEOUT, trust_env=False) as http:
            app.state.service = _Process(CallersPosts(http))
            yield

    async def refresh() -> None:
        metrics: KafkaMetrics = app.state.metrics
        await metrics.refresh()

    app = WrappedFastAPI(
        outermost=lambda stack: CloseUnread(AnswerHeaders(stack, FOR_PROGRAMS)),
        docs_url=None,
        redoc_url=None,
        title="Subscribers",
        version="1",
        lifespan=lifespan,
        dependencies=[Depends(refuse_unstorable)],
        responses=RESPONSES,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.verifier = Verifier(settings)
    add_problem_handlers(app)
    app.include_router(router)
    app.include_router(probes(lambda: True, refresh))
    return app
