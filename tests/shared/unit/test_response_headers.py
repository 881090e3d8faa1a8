"""Headers on every response of a service's interface."""

import httpx
import pytest
from fastapi import Response

from shared.response_headers import FOR_PROGRAMS, AnswerHeaders, WrappedFastAPI


@pytest.fixture
def app() -> WrappedFastAPI:
    app = WrappedFastAPI(outermost=lambda stack: AnswerHeaders(stack, FOR_PROGRAMS))

    @app.get("/failing")
    async def fail() -> None:
        raise RuntimeError

    @app.get("/kept")
    async def kept(response: Response) -> None:
        response.headers["Cache-Control"] = "max-age=60"

    return app


async def test_every_response_has_security_headers(app: WrappedFastAPI) -> None:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        responses = {path: await client.get(path) for path in ("/failing", "/nothing", "/kept")}
    assert [response.status_code for response in responses.values()] == [500, 404, 200]
    for response in responses.values():
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert responses["/failing"].headers["Cache-Control"] == "no-store"
    assert responses["/kept"].headers["Cache-Control"] == "max-age=60"
