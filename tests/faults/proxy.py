"""TCP proxy that can be cut, slowed down, or made to lose the responses to writes."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

_CHUNK = 65_536

IsWrite = Callable[[bytes], bool]


def http_write(chunk: bytes) -> bool:
    """Return whether the data begin a command."""
    return chunk.startswith(b"POST ")


def database_write(chunk: bytes) -> bool:
    """Return whether the data end a transaction of asyncpg."""
    return b"COMMIT" in chunk


def kafka_write(chunk: bytes) -> bool:
    """Return whether the data are a produce request: after its length, API key 0."""
    return chunk[4:6] == b"\0\0"


class Proxy:
    """Proxy between clients and loopback ports, which it takes in turn as far as they answer;
    counts its faults.
    """

    def __init__(self, target_port: int, is_write: IsWrite) -> None:
        self.port = 0
        self.latency_s = 0.0
        self.cut = 0
        self.delayed = 0
        self.lost = 0
        self.targets = deque([target_port])
        self._is_write = is_write
        self._closed = False
        self._losing = False
        self._links: set[_Link] = set()
        self._server: asyncio.Server

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        self._abort_all()
        await self._server.wait_closed()

    def close(self) -> None:
        """Break every connection and accept no new one."""
        self._closed = True
        self.cut += len(self._links)
        self._abort_all()

    def lose_responses(self) -> None:
        """Let writes through, and break their connections instead of answering."""
        self._losing = True

    def open(self) -> None:
        """Pass all traffic unchanged again."""
        self._closed = self._losing = False
        self.latency_s = 0.0

    def _abort_all(self) -> None:
        for link in list(self._links):
            link.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:
            self.cut += 1
            writer.transport.abort()
            return
        far = await self._connect()
        if far is None:
            writer.transport.abort()
            return
        far_reader, far_writer = far
        link = _Link(writer, far_writer)
        self._links.add(link)
        try:
            await asyncio.gather(
                self._requests(link, reader, far_writer), self._answers(link, far_reader, writer)
            )
        finally:
            link.abort()
            self._links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in range(len(self.targets)):
            self.targets.rotate()
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", self.targets[0])
        return None

    async def _requests(
        self, link: "_Link", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._delay()
                link.doomed = link.doomed or (self._losing and self._is_write(chunk))
                writer.write(chunk)
                await writer.drain()
        link.abort()

    async def _answers(
        self, link: "_Link", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK):
                await self._delay()
                if link.doomed:
                    self.lost += 1
                    break
                writer.write(chunk)
                await writer.drain()
        link.abort()

    async def _delay(self) -> None:
        if self.latency_s:
            self.delayed += 1
            await asyncio.sleep(self.latency_s)


class _Link:
    """Proxied connection; ``doomed`` once the response to a write is to be lost."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.doomed = False
        self._near = near
        self._far = far

    def abort(self) -> None:
        self._near.transport.abort()
        self._far.transport.abort()
