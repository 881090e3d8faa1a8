"""Routes by which a process of subscribers is watched."""

from collections.abc import Awaitable, Callable

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.routing import Router


async def _nothing() -> None:
    """Refresh nothing."""


def probes(
    is_ready: Callable[[], bool], refresh: Callable[[], Awaitable[None]] = _nothing
) -> Router:
    """Return the routes; a process that is not ready answers 503.

    ``refresh`` is awaited before metrics are shown.
    """
    router = Router(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/health/ready")
    async def ready(response: Response) -> dict[str, str]:
        response.status_code = 200 if is_ready() else 503
        return {"status": "ready" if is_ready() else "starting"}

    @router.get("/metrics")
    async def metrics() -> Response:
        await refresh()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
