"""Rejection of text that no database can store, at the entry of a request."""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_LONGEST_IN_A_PATH = 200

UNSTORABLE_TEXT = "unstorable_text"
MESSAGE = "U+0000 and surrogates are not text"

Place = tuple[str | int, ...]
"""Place in a request: its part, then keys and indices."""


def unstorable(whole: Mapping[str, Any]) -> Iterator[Place]:
    """Return the places of unstorable texts and keys in ``whole``, at any depth.

    A text with a lone surrogate or U+0000 is unstorable.
    """
    waiting: deque[tuple[Place, Any]] = deque([((), whole)])
    while waiting:
        place, value = waiting.popleft()
        if isinstance(value, str):
            if _UNSTORABLE.search(value):
                yield place
        elif isinstance(value, Mapping):
            names = {key: _UNSTORABLE.sub(_escaped, key) for key in value}
            yield from ((*place, name) for key, name in names.items() if name != key)
            waiting.extend(((*place, names[key]), part) for key, part in value.items())
        elif isinstance(value, list):
            waiting.extend(((*place, index), part) for index, part in enumerate(value))


async def refuse_unstorable(request: Request) -> None:
    """Refuse a request with unstorable text; headers that are stored have a pattern.

    This is a dependency of every operation.

    Raises:
        RequestValidationError: the body is no JSON, a text is unstorable, or one in the path is
            too long for a name.
    """
    found = {
        "path": request.path_params,
        "query": dict(request.query_params),
        "body": await _json_of(request),
    }
    field_errors = [
        {"type": UNSTORABLE_TEXT, "loc": place, "msg": MESSAGE} for place in unstorable(found)
    ]
    field_errors += [
        {"type": "string_too_long", "loc": ("path", name), "msg": "Value is too long"}
        for name, value in request.path_params.items()
        if len(value) > _LONGEST_IN_A_PATH
    ]
    if field_errors:
        raise RequestValidationError(field_errors)


async def _json_of(request: Request) -> Any:
    """Return the body as FastAPI has parsed it.

    Operations without a body may be sent one all the same.
    """
    if "json" not in request.headers.get("Content-Type", "") or not await request.body():
        return None
    try:
        return await request.json()
    except (ValueError, RecursionError):
        fault = {"type": "json_invalid", "loc": ("body",), "msg": "JSON decode error"}
        raise RequestValidationError([fault]) from None


def field_name(place: Place) -> str:
    """Return the name of the field at ``place`` in a problem; the part itself where it is wrong."""
    return ".".join(map(str, place[1:])) or str(place[0])


def _escaped(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"
