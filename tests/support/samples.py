"""Samples for subscribers, run by the commands of their guide."""

import asyncio
import json
import os
import re
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.support.other_languages import REPOSITORY, environment
from tests.support.polling import PATIENCE_S

_GUIDE = REPOSITORY / "docs/subscribers.md"


def commands(heading: str) -> list[str]:
    """Return the commands below a heading of the guide."""
    section = _GUIDE.read_text().partition(f"### {heading}\n")[2].partition("\n#")[0]
    found = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert found, heading
    return found


class Output:
    """Lines that a running program prints."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream

    async def line(self) -> str:
        """Wait for the next line."""
        line = await asyncio.wait_for(self._stream.readline(), PATIENCE_S)
        assert line, "the program has ended"
        return line.decode().rstrip("\n")

    async def facts(self, number: int) -> list[Any]:
        """Wait for so many lines of JSON."""
        return [json.loads(await self.line()) for _ in range(number)]


async def _start(command: str, variables: Mapping[str, str], stderr: int | None = None) -> Process:
    return await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        command,
        cwd=REPOSITORY,
        env={**environment(), **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )


@asynccontextmanager
async def running(command: str, variables: Mapping[str, str]) -> AsyncIterator[Output]:
    """Run a program that does not end by itself."""
    process = await _start(command, variables)
    assert process.stdout
    try:
        yield Output(process.stdout)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def run(command: str, variables: Mapping[str, str]) -> list[Any]:
    """Run a program to its end, and return its lines of JSON."""
    process = await _start(command, variables)
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


async def complaint(command: str, variables: Mapping[str, str]) -> str:
    """Run a program that prints no line, and return what it says on standard error."""
    process = await _start(command, variables, asyncio.subprocess.PIPE)
    output, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert output == b""
    return said.decode()
