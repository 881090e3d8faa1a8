"""Limits on input of the desk: files from signed-in users only, small bodies otherwise."""

import re

import nicegui
from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from services.desk.session import Sessions
from shared.calls import ServiceUnavailableError
from shared.problems import Problem, respond, unavailable
from shared.request_body import LARGEST_BODY, LARGEST_FORM_WITH_PICTURE, bounded

LARGEST_MESSAGE = 1_000_000
"""Limit, in bytes, of one message over the socket of a page, equal to that of the socket's
server.
"""

_UPLOAD = re.compile(r"/_nicegui/client/[^/]+/upload/[^/]+")


class BoundedBodies:
    """Limits on every body; the pages' addresses for files take a photo, from signed-in people."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            read = bounded(scope, receive, await self._largest(scope))
        except Problem as problem:
            await respond(problem)(scope, receive, send)
        else:
            await self._app(scope, read, send)

    async def _largest(self, scope: Scope) -> int:
        if not _UPLOAD.fullmatch(scope["path"]):
            return LARGEST_BODY
        try:
            signed_in = await self._sessions.current(scope["session"])
        except ServiceUnavailableError:
            raise unavailable("The session store") from None
        if signed_in is None:
            raise Problem(401, "signed_out", "Nobody is signed in.")
        return LARGEST_FORM_WITH_PICTURE


@nicegui.app.exception_handler(Problem)
async def on_problem(_: Request, problem: Problem) -> JSONResponse:
    """Respond at a page's address as a service does, when a body exceeds its announced size."""
    return respond(problem)
