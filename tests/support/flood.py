"""Caller that sends far more than any operation takes, over a socket of its own."""

import asyncio
import contextlib
import select
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.support.polling import PATIENCE_S

PART = b"[" * 65_536
_TIMEOUT_S = PATIENCE_S


@dataclass
class Flooded:
    """Bytes sent until the server closed the connection, and its response."""

    sent: int
    response: bytes

    @property
    def status(self) -> int:
        return int(self.response.split()[1])

    @property
    def problem(self) -> Any:
        return orjson.loads(self.response.partition(b"\r\n\r\n")[2])


async def flood(
    url: str, path: str, *headers: str, size: int = 100_000_000, chunked: bool = False
) -> Flooded:
    """Send up to ``size`` bytes after the head of a POST, whatever its headers announce."""
    address = urlsplit(url)
    framing = ["Transfer-Encoding: chunked"] if chunked else []
    head = [f"POST {path} HTTP/1.1", f"Host: {address.netloc}", *framing, *headers, "", ""]
    part = b"%x\r\n%b\r\n" % (len(PART), PART) if chunked else PART
    return await asyncio.to_thread(
        _flood, (str(address.hostname), address.port or 0), "\r\n".join(head).encode(), part, size
    )


def _flood(address: tuple[str, int], head: bytes, part: bytes, size: int) -> Flooded:
    flooded, waiting = Flooded(0, b""), head
    with socket.create_connection(address, _TIMEOUT_S) as connection:
        connection.setblocking(False)
        while True:
            writing = [connection] if flooded.sent < size else []
            readable, writable, _ = select.select([connection], writing, [], _TIMEOUT_S)
            assert readable or writable, "the server neither reads nor closes"
            if readable:
                try:
                    received = connection.recv(65_536)
                except ConnectionResetError:
                    return flooded
                if not received:
                    return flooded
                flooded.response += received
            elif writable:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    sent = connection.send(waiting)
                    flooded.sent += sent
                    waiting = waiting[sent:] or part
