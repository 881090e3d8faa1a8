"""What surrounds the desk: who may ask from where, and what a browser may do with an answer."""

import re
import secrets

from jinja2.ext import Extension
from nicegui.client import templates
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.answer_headers import EVERYWHERE, answering, complete
from shared.problems import Problem, respond

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_SOCKET = "/_nicegui_ws/"
_STATIC = "/static/"
_HTTP = {"ws": "http", "wss": "https"}
_HOST = re.compile(r"[\w.:\[\]-]+")
_YEAR_S = 31_536_000

_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval';"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src {sockets};"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {frames}"
)
_PERMISSIONS = ", ".join(
    f"{each}=()"
    for each in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)


class _Nonces(Extension):
    """Scripts of NiceGUI's own page template carry the nonce of the answer; no others do."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        return source.replace("<script", '<script nonce="{{ request.state.nonce }}"')


class Protection:
    """Refuses what another site's page sends, and lays down what pages may do.

    A page may be framed by the desk itself if ``request.state.framed`` says so. The scheme is the
    one that the server found, which reads it from a trusted proxy.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        templates.env.add_extension(_Nonces)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["nonce"] = secrets.token_urlsafe(16)
        headers = Headers(scope=scope)

        def add(answer: Message) -> None:
            complete(answer, _headers(scope, headers.get("host", "")))
            if _scheme(scope) == "https":
                answer["headers"] = [_only_encrypted(*each) for each in answer["headers"]]

        sending = answering(send, add)
        if not _from_elsewhere(scope, headers):
            await self.app(scope, receive, sending)
        elif scope["type"] == "websocket":
            await sending({"type": "websocket.close", "code": 1008, "reason": "another origin"})
        else:
            detail = "This was sent from a page that is not one of the desk."
            await respond(Problem(403, "another_origin", detail))(scope, receive, sending)


def _from_elsewhere(scope: Scope, headers: Headers) -> bool:
    """Whether a page of another origin sends a command or opens a socket.

    Browsers always say where such a request comes from; a program that is no browser need not.
    """
    reads = scope["type"] == "http" and scope["method"] in _READS
    if reads and not scope["path"].startswith(_SOCKET):
        return False
    origin, site = headers.get("origin", ""), headers.get("sec-fetch-site")
    if origin and origin != "null":
        return origin.lower() != f"{_scheme(scope)}://{headers.get('host', '')}".lower()
    return site not in {"same-origin", "none"} if site else bool(origin)


def _scheme(scope: Scope) -> str:
    scheme = str(scope["scheme"])
    return _HTTP.get(scheme, scheme)


def _headers(scope: Scope, host: str) -> dict[str, str]:
    encrypted = _scheme(scope) == "https"
    sockets = f"'self' {'wss' if encrypted else 'ws'}://{host}"
    policy = _POLICY.format(
        nonce=scope["state"]["nonce"],
        sockets=sockets if _HOST.fullmatch(host) else "'self'",
        frames="'self'" if scope["state"].get("framed") else "'none'",
    )
    return {
        **EVERYWHERE,
        "Content-Security-Policy": policy,
        "Permissions-Policy": _PERMISSIONS,
        "Cache-Control": "no-cache" if scope["path"].startswith(_STATIC) else "no-store",
        **({"Strict-Transport-Security": f"max-age={_YEAR_S}"} if encrypted else {}),
    }


def _only_encrypted(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A cookie that browsers send over https only; other headers as they are."""
    plain = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return name, value + b"; secure" if plain else value
