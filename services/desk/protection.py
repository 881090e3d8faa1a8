"""Protection around the desk: allowed hosts and origins, and a browser's rights on its
responses.
"""

import re
import secrets
import socket
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from jinja2.ext import Extension
from nicegui.client import templates
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from shared.problems import Problem, respond
from shared.response_headers import EVERYWHERE, answering, complete
from shared.settings import Settings

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_SOCKET = "/_nicegui_ws/"
_STATIC = "/static/"
_HTTP = {"ws": "http", "wss": "https"}
_PORTS = {"http": ":80", "https": ":443"}
_HOST = re.compile(r"(?P<name>[\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_FORWARDED_SCHEME = b"x-forwarded-proto"
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
    """Nonces of NiceGUI's own page template: its scripts, and no others, carry the nonce of the
    response.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        return source.replace("<script", '<script nonce="{{ request.state.nonce }}"')


class Protection:
    """Filter that refuses requests from other sites' pages or for other hosts, and sets the
    policies of pages.

    The desk's hosts are ``names``, loopback names and IP addresses. A page may be framed by the
    desk itself if ``request.state.framed`` says so. The scheme is the one that the server found,
    which reads it from a trusted proxy.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self.app = app
        self._names = names
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
        problem = self._problem(scope, headers)
        if problem is None:
            await self.app(scope, receive, sending)
        elif scope["type"] == "websocket":
            await sending({"type": "websocket.close", "code": 1008, "reason": problem.rule})
        else:
            await respond(problem)(scope, receive, sending)

    def _problem(self, scope: Scope, headers: Headers) -> Problem | None:
        if not self._is_named(headers.getlist("host")):
            detail = "The desk has no such host name; AFTERSALES_DESK_HOSTS lists further ones."
            return Problem(421, "unknown_host", detail, field="Host")
        if _from_elsewhere(scope, headers):
            detail = "This was sent from a page that is not one of the desk."
            return Problem(403, "another_origin", detail)
        return None

    def _is_named(self, hosts: list[str]) -> bool:
        """Return whether a request names the desk, and only the desk, as its host; a program that
        is no browser may name none (HTTP/1.0).
        """
        if not hosts:
            return True
        found = _HOST.fullmatch(hosts[0])
        if found is None or len(hosts) > 1:
            return False
        name = found["name"].lower().removesuffix(".")
        return name in self._names or name.endswith(".localhost") or _is_address(name.strip("[]"))


def names_of_desk(settings: Settings) -> frozenset[str]:
    """Return the host names under which browsers reach the desk: of its public address, of the
    machine, and of ``desk_hosts``.
    """
    own = socket.gethostname().lower()
    more = (each.strip().lower() for each in settings.desk_hosts.split(","))
    named = (urlsplit(settings.public_url).hostname or "", own, f"{own}.local", "localhost", *more)
    return frozenset(filter(None, named))


def behind_proxies(app: ASGIApp, trusted: str) -> ASGIApp:
    """Return the application behind proxies at the ``trusted`` addresses and networks; of a chain
    of schemes, the first is the browser's.
    """
    served = ProxyHeadersMiddleware(app, trusted_hosts=trusted)  # type: ignore[arg-type]

    async def first_scheme(scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope.get("headers", ())
        schemes = b",".join(text for name, text in headers if name == _FORWARDED_SCHEME)
        if b"," in schemes:
            others = [each for each in headers if each[0] != _FORWARDED_SCHEME]
            first = schemes.partition(b",")[0].strip()
            scope = {**scope, "headers": [*others, (_FORWARDED_SCHEME, first)]}
        await served(scope, receive, send)  # type: ignore[arg-type]

    return first_scheme


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _from_elsewhere(scope: Scope, headers: Headers) -> bool:
    """Return whether a page of another origin sends a command or opens a socket.

    Browsers always say where such a request comes from; a program that is no browser need not.
    """
    reads = scope["type"] == "http" and scope["method"] in _READS
    if reads and not scope["path"].startswith(_SOCKET):
        return False
    origin, site = headers.get("origin", ""), headers.get("sec-fetch-site")
    if origin and origin != "null":
        return _without_port(origin) != _without_port(
            f"{_scheme(scope)}://{headers.get('host', '')}"
        )
    return site not in {"same-origin", "none"} if site else bool(origin)


def _without_port(origin: str) -> str:
    """Return an origin as browsers write it, without the port that is its scheme's own."""
    origin = origin.lower()
    return origin.removesuffix(_PORTS.get(origin.partition("://")[0], ""))


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
    """Return a cookie that browsers send over https only; other headers unchanged."""
    plain = name.lower() == b"set-cookie" and b"; secure" not in value.lower()
    return name, value + b"; secure" if plain else value
