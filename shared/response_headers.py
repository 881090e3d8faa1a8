"""Headers on every response of an application, which tell a browser how to treat it."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ANSWERS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

FOR_PROGRAMS = {
    **EVERYWHERE,
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}
"""Headers of an interface that no browser shows."""


class WrappedFastAPI(FastAPI):
    """Application inside ``outermost``, which sees every response, also those to failures."""

    def __init__(self, *, outermost: Callable[[ASGIApp], ASGIApp], **options: Any) -> None:
        super().__init__(**options)
        self._outermost = outermost

    def build_middleware_stack(self) -> ASGIApp:
        return self._outermost(super().build_middleware_stack())


class AnswerHeaders:
    """Middleware that adds ``headers`` to responses of ``app`` that do not set them."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        def add(answer: Message) -> None:
            complete(answer, self._headers)

        await self.app(scope, receive, answering(send, add))


def answering(send: Send, add: Callable[[Message], None]) -> Send:
    """Return ``send`` with ``add`` called on the head of each response first."""

    async def sending(message: Message) -> None:
        if message["type"] in _ANSWERS:
            message.setdefault("headers", [])
            add(message)
        await send(message)

    return sending


def complete(answer: Message, headers: Mapping[str, str]) -> None:
    """Add to a response those ``headers`` that it lacks."""
    present = MutableHeaders(scope=answer)
    for name, value in headers.items():
        present.setdefault(name, value)
