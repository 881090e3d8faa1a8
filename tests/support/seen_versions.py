"""Versions that people see before they decide: commands that decide carry the version shown."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

Read = Callable[[str], Awaitable[Any]]
"""Function that responds to a GET of a path."""


@dataclass(frozen=True)
class Sight:
    """Commands that take a version, from a service's description, and the reads that return it."""

    reads: Mapping[str, str]
    """Template of the read by that of the command."""

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> "Sight":
        """Parse the OpenAPI ``description``."""
        paths = description["paths"]
        shown = [
            path
            for path, methods in paths.items()
            if "get" in methods and "version" in _answered(description, methods["get"])
        ]
        return cls(
            {
                path: max((each for each in shown if f"{path}/".startswith(f"{each}/")), key=len)
                for path, methods in paths.items()
                for method in {"post", "put"} & methods.keys()
                if "version" in _asked(description, methods[method])
            }
        )

    async def look(self, path: str, body: Any, read: Read) -> Any:
        """Return the ``body`` of a command with the version that its caller sees; unchanged if it
        names one or needs none.
        """
        found = self._read_of(path)
        if found is None or "version" in (body or {}):
            return body
        return {**(body or {}), "version": (await read(found))["version"]}

    def _read_of(self, path: str) -> str | None:
        for command, read in self.reads.items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", command), path):
                return "/".join(path.split("/")[: read.count("/") + 1])
        return None


def _asked(description: Mapping[str, Any], operation: Mapping[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return _fields(description, content)


SIGHTS: dict[str, Sight] = {}
"""Sight by service, once its description has been asked for."""


def _answered(description: Mapping[str, Any], operation: Mapping[str, Any]) -> Any:
    content = operation["responses"]["200"].get("content", {}).get("application/json", {})
    return _fields(description, content)


def _fields(description: Mapping[str, Any], content: Mapping[str, Any]) -> Any:
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return description["components"]["schemas"].get(name, {}).get("properties", {})
