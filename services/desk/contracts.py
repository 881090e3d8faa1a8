"""Contracts of the events for other companies' systems (R39), read without signing in.

They are those of this release and hold no data.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi.responses import FileResponse
from pydantic import BaseModel

from shared import event_catalog, schemas
from shared.contracts import CONTRACTS, CONTRACTS_PATH, PUBLISHERS
from shared.routing import Router

_CATALOG = event_catalog.FILE
_ASYNCAPI = ("asyncapi.yaml", *(f"asyncapi.{publisher}.yaml" for publisher in PUBLISHERS))


class ContractAddresses(BaseModel):
    """Addresses of the catalog, of the AsyncAPI documents, and of the schemas by event type."""

    catalog: str
    asyncapi: list[str]
    schemas: dict[str, str]


def contracts_router(public_url: str) -> Router:
    """Return the routes of a desk that other companies reach at ``public_url``."""
    base = public_url.rstrip("/")
    router = Router()
    router.include_router(schemas.router)

    @router.get(CONTRACTS_PATH)
    async def contracts() -> ContractAddresses:
        return ContractAddresses(
            catalog=f"{base}/{_CATALOG.name}",
            asyncapi=[f"{base}/{name}" for name in _ASYNCAPI],
            schemas={kind: f"{base}/schemas/{kind}.json" for kind in sorted(CONTRACTS)},
        )

    router.get(f"/{_CATALOG.name}")(_answering(_CATALOG, "application/json"))
    for name in _ASYNCAPI:
        router.get(f"/{name}")(_answering(_CATALOG.with_name(name), "application/yaml"))
    return router


def _answering(file: Path, media_type: str) -> Callable[[], Awaitable[FileResponse]]:
    async def answer() -> FileResponse:
        return FileResponse(file, media_type=media_type)

    return answer
