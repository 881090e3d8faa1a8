"""Tokens of a service's own from an OIDC provider."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from shared.credentials import ServiceCredentials
from shared.settings import Settings

Response = Callable[[], httpx.Response]


class TokenEndpoint:
    """Stub of the provider's token endpoint that counts its requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, respond: Response) -> None:
        self.asked = 0
        self.respond = respond
        monkeypatch.setattr(httpx.AsyncClient, "post", self._post)

    async def _post(self, url: str, **_: Any) -> httpx.Response:
        self.asked += 1
        await asyncio.sleep(0.01)
        response = self.respond()
        response.request = httpx.Request("POST", url)
        return response


@pytest.fixture
def credentials() -> ServiceCredentials:
    settings = Settings(token_url="http://issuer/token", client_id="reception", client_secret="x")
    return ServiceCredentials(settings, "reception")


async def test_concurrent_calls_share_one_token(
    credentials: ServiceCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {"access_token": "a", "expires_in": 30}
    endpoint = TokenEndpoint(monkeypatch, lambda: httpx.Response(200, json=good))
    tokens = await asyncio.gather(*(credentials.token("S01") for _ in range(10)))
    assert set(tokens) == {"a"}
    assert await credentials.token("S01") == "a"
    assert endpoint.asked == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"expires_in": 60}', b'{"access_token": "a", "expires_in": "soon"}', b"<html>"],
)
async def test_response_without_token_is_an_error(
    credentials: ServiceCredentials, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    endpoint = TokenEndpoint(monkeypatch, lambda: httpx.Response(200, content=content))
    with pytest.raises(httpx.HTTPError):
        await credentials.token("S01")
    endpoint.respond = lambda: httpx.Response(200, json={"access_token": "b"})
    assert await credentials.token("S01") == "b"
