"""Composition root of the forwarder, a process of the platform."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from deploy.subscribers.forwarder import Forwarder
from deploy.subscribers.probes import probes
from shared.kafka import client_options
from shared.settings import FORWARDER, read_settings, require
from shared.telemetry import configure_logging


def create_app() -> FastAPI:
    """Build the forwarder: copies of events for subscribers that see some stores only.

    It is ready once the registry of subscribers was read.
    """
    settings = read_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        require(settings, FORWARDER)
        configure_logging(FORWARDER, settings.instance)
        forwarder = app.state.forwarder = Forwarder(client_options(settings))
        forwarding = asyncio.create_task(forwarder.run())
        yield
        forwarding.cancel()
        with suppress(asyncio.CancelledError):
            await forwarding

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.include_router(probes(lambda: app.state.forwarder.is_ready))
    return app
