"""Contracts of the events, which other companies read at the desk without signing in (R39)."""

from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from fastapi import FastAPI

from services.desk.contracts import contracts_router
from shared.contracts import CONTRACTS, CONTRACTS_PATH, PUBLISHERS, schema_address


async def listed(visitor: httpx.AsyncClient) -> dict[str, object]:
    answer = await visitor.get(CONTRACTS_PATH)
    assert answer.status_code == 200
    found: dict[str, object] = answer.json()
    return found


def path(address: object) -> str:
    return urlsplit(str(address)).path


async def test_each_record_names_reachable_schema(visitor: httpx.AsyncClient) -> None:
    schemas = (await listed(visitor))["schemas"]
    assert isinstance(schemas, dict)
    assert schemas.keys() == CONTRACTS.keys()
    for kind, address in schemas.items():
        named = schema_address(kind)
        assert path(address) == path(named)
        answer = await visitor.get(path(named))
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json()["$id"] == named


async def test_documents_and_catalog_are_reachable(visitor: httpx.AsyncClient) -> None:
    found = await listed(visitor)
    addresses = found["asyncapi"]
    assert isinstance(addresses, list)
    assert len(addresses) == 1 + len(PUBLISHERS)
    for address in addresses:
        document = yaml.load((await visitor.get(path(address))).text, yaml.CBaseLoader)
        assert document["asyncapi"].startswith("3.")
    catalog = (await visitor.get(path(found["catalog"]))).json()
    assert {each["type"] for topic in catalog["topics"] for each in topic["events"]} == set(
        CONTRACTS
    )


@pytest.mark.parametrize("public_url", ["https://desk.example", "https://desk.example/"])
async def test_addresses_begin_with_public_url(public_url: str) -> None:
    app = FastAPI()
    app.include_router(contracts_router(public_url))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        catalog = (await client.get(CONTRACTS_PATH)).json()["catalog"]
    assert catalog == "https://desk.example/catalog.json"


async def test_unknown_schema_is_refused_by_field(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/schemas/aftersales.reception.Nothing.v1.json")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["field"] == "kind"
