"""Limits of size and time for reading a body (R40)."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive

from shared import request_body
from shared.problems import Problem


def scope(**headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    return {"type": "http", "headers": named}


def parts(*sizes: int) -> Receive:
    rest = list(sizes)

    async def receive() -> Message:
        size = rest.pop(0)
        return {"type": "http.request", "body": bytes(size), "more_body": bool(rest)}

    return receive


async def test_body_within_limit_is_read() -> None:
    read = request_body.bounded(scope(content_length="30"), parts(10, 20), 30)
    assert [len((await read())["body"]), len((await read())["body"])] == [10, 20]


async def test_body_one_byte_over_limit_is_rejected() -> None:
    read = request_body.bounded(scope(transfer_encoding="chunked"), parts(10, 21, 5), 30)
    await read()
    with pytest.raises(Problem) as violation:
        await read()
    assert (violation.value.status, violation.value.values) == (413, {"largest": 30})


async def test_announced_oversized_body_is_rejected_unread() -> None:
    with pytest.raises(Problem) as violation:
        request_body.bounded(scope(content_length="31"), parts(), 30)
    assert violation.value.status == 413


async def test_slow_body_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(request_body, "_TIMEOUT_S", 0.05)
    read = request_body.bounded(scope(content_length="3"), never, 30)
    with pytest.raises(Problem) as violation:
        await read()
    assert (violation.value.status, violation.value.rule) == (408, "too_slow")


async def test_waiting_after_body_has_no_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = asyncio.Event()

    async def receive() -> Message:
        if not read_once.is_set():
            read_once.set()
            return {"type": "http.request", "body": b"{}", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    read_once = asyncio.Event()
    monkeypatch.setattr(request_body, "_TIMEOUT_S", 0.05)
    read = request_body.bounded(scope(content_length="2"), receive, 30)
    await read()
    waiting = asyncio.ensure_future(read())
    await asyncio.sleep(0.1)
    gone.set()
    assert (await waiting)["type"] == "http.disconnect"
