"""Bounds of size and time on request bodies."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.problems import Problem
from shared.response_headers import answering

LARGEST_BODY = 256_000
"""Default limit of the body of an operation, in bytes."""

LARGEST_PICTURE = 12_000_000
"""Limit of a photo from a phone, in bytes."""

LARGEST_FORM_WITH_PICTURE = LARGEST_PICTURE + 16_000
"""Limit of a form with a photo that a browser sends, in bytes."""

_TIMEOUT_S = 15.0
_SLOWEST_BYTES_PER_S = 100_000


def bounded(scope: Scope, receive: Receive, largest: int) -> Receive:
    """Return ``receive`` limited to ``largest`` bytes of a body that is not compressed.

    The body has the time that a slow connection needs: 15 s and 1 s for each 100,000 bytes.

    Raises:
        Problem: 415 or 413, when the headers announce another body; the reader then raises 413 or
            408, when more comes or it comes too slowly.
    """
    headers = Headers(scope=scope)
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(
            415,
            "compressed_body",
            "A compressed body is not accepted.",
            field="Content-Encoding",
            headers={"Accept-Encoding": "identity"},
        )
    if int(headers.get("Content-Length", 0)) > largest:
        raise _too_large(largest)
    return _Reader(receive, largest)


class CloseUnread:
    """Middleware that closes the connection with the response where a body was not read to its end.

    The server would otherwise read for as long as the caller sends, only to reach the next request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        unread = scope["type"] == "http" and _has_body(scope)

        async def reading() -> Message:
            nonlocal unread
            message = await receive()
            unread = message.get("more_body", False)
            return message

        def close(answer: Message) -> None:
            if unread:
                answer["headers"] = [*answer["headers"], (b"connection", b"close")]

        if unread:
            await self._app(scope, reading, answering(send, close))
        else:
            await self._app(scope, receive, send)


class _Reader:
    """Reader of one body within its bounds.

    After the end of the body it only waits for the caller to disconnect.
    """

    def __init__(self, receive: Receive, largest: int) -> None:
        self._receive = receive
        self._largest = largest
        self._read = 0
        self._ended = False
        self._until: float | None = None

    async def __call__(self) -> Message:
        if self._ended:
            return await self._receive()
        message = await self._in_time()
        self._read += len(message.get("body", b""))
        if self._read > self._largest:
            raise _too_large(self._largest)
        self._ended = not message.get("more_body", False)
        return message

    async def _in_time(self) -> Message:
        if self._until is None:
            timeout_s = _TIMEOUT_S + self._largest / _SLOWEST_BYTES_PER_S
            self._until = asyncio.get_running_loop().time() + timeout_s
        try:
            async with asyncio.timeout_at(self._until):
                return await self._receive()
        except TimeoutError:
            raise Problem(
                408, "too_slow", "The body did not come in time; nothing was changed.", field="body"
            ) from None


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"


def _too_large(largest: int) -> Problem:
    return Problem(
        413,
        "too_large",
        f"A body may have {largest} bytes here.",
        field="body",
        values={"largest": largest},
    )
