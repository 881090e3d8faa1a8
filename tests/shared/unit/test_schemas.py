"""Fetch of the schema that an event's header names (R39)."""

import httpx
import pytest
from fastapi import FastAPI

from deploy.docs.schemas import schema
from shared import schemas
from shared.contracts import CONTRACTS
from shared.problems import add_problem_handlers


@pytest.fixture
async def client() -> httpx.AsyncClient:
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(schemas.router)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


@pytest.mark.parametrize("kind", CONTRACTS)
async def test_each_event_type_has_its_schema(client: httpx.AsyncClient, kind: str) -> None:
    response = await client.get(f"/schemas/{kind}.json")
    assert response.json() == schema(kind)


@pytest.mark.parametrize("kind", ["aftersales.crm.Nothing.v1", "..%2fasyncapi"])
async def test_unknown_event_type_has_no_schema(client: httpx.AsyncClient, kind: str) -> None:
    response = await client.get(f"/schemas/{kind}.json")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
