"""Unknown addresses, in the visitor's language."""

import httpx
import pytest


@pytest.mark.parametrize(
    ("accepted", "sentence"),
    [
        ("en-US,en;q=0.9", "There is no such page."),
        ("zh-CN,zh;q=0.9,en;q=0.8", "没有这个页面。"),
        ("fr,en;q=0.5", "There is no such page."),
        ("fr", "没有这个页面。"),
    ],
)
async def test_unknown_page_uses_visitor_language(
    visitor: httpx.AsyncClient, accepted: str, sentence: str
) -> None:
    response = await visitor.get("/no/such/page", headers={"Accept-Language": accepted})
    assert response.status_code == 404
    assert sentence in response.text


async def test_unknown_resource_is_not_found(visitor: httpx.AsyncClient) -> None:
    response = await visitor.get("/_nicegui/0/nothing.js")
    assert response.status_code == 404
