"""Composition root of the desk (工作台): web pages over the services' HTTP interfaces."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import nicegui
import uvicorn
from fastapi import FastAPI, Form, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from nicegui import ui
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

import services.desk.pages  # noqa: F401 registers the pages
from services.desk.addresses import inside
from services.desk.client import AwayError, RefusalError, Services
from services.desk.i18n import LOCALES
from services.desk.page import landing
from services.desk.protection import Protection
from services.desk.session import SESSION_S, DemoSignIn, OidcSignIn, SignedOutError
from services.desk.visit import Desk
from shared.answer_headers import WrappedFastAPI
from shared.memory import standing
from shared.settings import Settings

_STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings) -> FastAPI:
    """The desk; it opens no connection before somebody looks at a page."""
    desk = Desk(settings)
    nicegui.app.state.desk = desk

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with standing():
            yield
        await desk.connections.close()

    app = WrappedFastAPI(
        outermost=Protection,
        title="Desk",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_middleware(
        SessionMiddleware,
        secret_key=_secret(settings),
        session_cookie="aftersales_desk",
        max_age=SESSION_S,
        same_site="lax",
    )
    _add_routes(app, desk)
    ui.run_with(
        app,
        favicon=_STATIC / "favicon.svg",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10,
    )
    return app


def main() -> None:
    """Serve the desk where the settings say."""
    settings = Settings()
    uvicorn.run(
        create_app(settings),
        host=settings.http_host,
        port=settings.http_port,
        log_level="warning",
        access_log=False,
        forwarded_allow_ips=settings.trusted_proxies,
    )


def _add_routes(app: FastAPI, desk: Desk) -> None:
    @app.get("/health/live")
    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/board/{store_id}")
    async def board() -> Response:
        return FileResponse(_STATIC / "board.html")

    @app.get("/stores/{store_id}/photos/{photo_id}")
    async def photo(request: Request, store_id: str, photo_id: str) -> Response:
        """A picture that reception keeps, for whoever may see it there."""
        signed_in = desk.sign_in.current(request.session)
        if signed_in is None:
            return Response(status_code=401)
        services = Services(desk.connections, signed_in.token)
        path = f"/stores/{quote(store_id, safe='')}/photos/{quote(photo_id, safe='')}"
        try:
            content = await services.file("reception", path)
        except RefusalError as refusal:
            return Response(status_code=refusal.status)
        except AwayError:
            return Response(status_code=503)
        return Response(content, media_type="image/jpeg")

    app.mount("/static", StaticFiles(directory=_STATIC))
    _add_session_routes(app, desk)
    if isinstance(desk.sign_in, DemoSignIn):
        _add_demo_routes(app, desk.sign_in)
    else:
        _add_oidc_routes(app, desk.sign_in)


def _add_session_routes(app: FastAPI, desk: Desk) -> None:
    @app.get("/")
    async def home(request: Request) -> Response:
        signed_in = desk.sign_in.current(request.session)
        if signed_in is None:
            return RedirectResponse("/sign-in", 303)
        return RedirectResponse(landing(desk, signed_in.person, request.session.get("store")), 303)

    @app.get("/session")
    async def stay(request: Request) -> Response:
        """Keep a screen that nobody touches signed in."""
        if desk.sign_in.current(request.session) is None:
            return Response(status_code=401)
        request.session.update(request.session)
        return Response(status_code=204)

    @app.get("/language/{language}")
    async def speak(request: Request, language: str, next: str = "/") -> Response:  # noqa: A002
        if language in LOCALES:
            request.session["language"] = language
        return RedirectResponse(inside(next), 303)

    @app.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        desk.sign_in.end(request.session)
        return RedirectResponse("/sign-in", 303)


def _add_demo_routes(app: FastAPI, sign_in: DemoSignIn) -> None:
    @app.post("/sign-in/person")
    async def as_person(
        request: Request,
        subject: Annotated[str, Form()],
        next: Annotated[str, Form()] = "/",  # noqa: A002
    ) -> Response:
        request.session.pop("store", None)
        if not sign_in.begin(request.session, subject):
            return RedirectResponse("/sign-in", 303)
        return RedirectResponse(inside(next), 303)


def _add_oidc_routes(app: FastAPI, sign_in: OidcSignIn) -> None:
    @app.get("/sign-in/issuer")
    async def at_issuer(request: Request, next: str = "/") -> Response:  # noqa: A002
        request.session["next"] = inside(next)
        return await sign_in.redirect(request, str(request.url_for("from_issuer")))

    @app.get("/sign-in/callback", name="from_issuer")
    async def from_issuer(request: Request) -> Response:
        try:
            await sign_in.complete(request)
        except SignedOutError:
            return RedirectResponse("/sign-in", 303)
        return RedirectResponse(request.session.pop("next", "/"), 303)


def _secret(settings: Settings) -> str:
    """Signs the session cookies; without a configured one, sessions end with the process."""
    file = settings.desk_secret_file
    return file.read_text().strip() if file else secrets.token_urlsafe(32)


if __name__ == "__main__":
    main()
