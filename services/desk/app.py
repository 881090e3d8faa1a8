"""Composition root of the desk (工作台): web pages over the services' HTTP interfaces."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import nicegui
import uvicorn
from fastapi import FastAPI, Form, Request
from fastapi.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from nicegui import ui
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

import services.desk.pages  # noqa: F401 registers the pages
from services.desk.addresses import inside
from services.desk.client import Services
from services.desk.components.problems import unavailable_text
from services.desk.context import AppContext, Present
from services.desk.contracts import contracts_router
from services.desk.i18n import LOCALES
from services.desk.page import landing
from services.desk.pages import survey_link
from services.desk.protection import Protection, behind_proxies, names_of_desk
from services.desk.request_body import LARGEST_MESSAGE, BoundedBodies
from services.desk.session import Sessions, SignedOutError
from services.desk.sign_in import DemoSignIn, OidcSignIn
from shared.calls import ApiError, ServiceUnavailableError
from shared.problems import RETRY_AFTER_S, add_problem_handlers
from shared.request_body import CloseUnread
from shared.response_headers import WrappedFastAPI
from shared.runtime import frozen_gc
from shared.settings import DESK, Settings, read_settings, require

_STATIC = Path(__file__).parent / "static"


def create_app(settings: Settings) -> FastAPI:
    """Return the desk; it opens no connection before a page is opened."""
    secret = _secret(settings)
    app_context = AppContext(settings, secret)
    nicegui.app.state.app_context = app_context

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with frozen_gc():
            async with app_context.sessions.watched():
                yield
        await app_context.connections.close()

    app = WrappedFastAPI(
        outermost=lambda app: CloseUnread(Protection(app, names_of_desk(settings))),
        title="Desk",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    add_problem_handlers(app)
    app.add_middleware(BoundedBodies, sessions=app_context.sessions)
    app.add_middleware(
        SessionMiddleware,
        secret_key=secret,
        session_cookie="aftersales_desk",
        max_age=int(settings.session_max_s),
        same_site="lax",
    )
    _add_routes(app, app_context)
    for each in (app, nicegui.app):
        _answer_errors(each, app_context)
    ui.run_with(
        app,
        favicon=_STATIC / "favicon.svg",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10,
    )
    return app


def main() -> None:
    """Serve the desk at the host and port of the settings."""
    settings = read_settings()
    require(settings, DESK)
    uvicorn.run(
        behind_proxies(create_app(settings), settings.trusted_proxies),
        host=settings.http_host,
        port=settings.http_port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        ws_max_size=LARGEST_MESSAGE,
    )


def _answer_errors(app: FastAPI, app_context: AppContext) -> None:
    @app.exception_handler(ServiceUnavailableError)
    async def away(request: Request, error: ServiceUnavailableError) -> Response:
        sentence = unavailable_text(app_context.translator_for(request), error)
        return PlainTextResponse(sentence, 503, headers={"Retry-After": str(RETRY_AFTER_S)})

    @app.exception_handler(SignedOutError)
    async def signed_out(_: Request, __: SignedOutError) -> Response:
        return Response(status_code=401)


def _add_routes(app: FastAPI, app_context: AppContext) -> None:
    @app.get("/health/live")
    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/board/{store_id}")
    async def board() -> Response:
        return FileResponse(_STATIC / "board.html")

    @app.get("/stores/{store_id}/photos/{photo_id}")
    async def photo(store_id: str, photo_id: str, signed_in: Present) -> Response:
        """Return a picture that reception keeps, to people who may see it there."""
        if signed_in is None:
            return Response(status_code=401)
        services = Services(app_context.connections, signed_in.token)
        try:
            content = await services.reception.get_photo(store_id, photo_id)
        except ApiError as error:
            return Response(status_code=error.status)
        return Response(content, media_type="image/jpeg")

    app.include_router(survey_link.router)
    app.include_router(contracts_router(app_context.settings.public_url))
    app.mount("/static", StaticFiles(directory=_STATIC))
    _add_session_routes(app, app_context)
    if isinstance(app_context.sign_in, DemoSignIn):
        _add_demo_routes(app, app_context.sign_in, app_context.sessions)
    else:
        _add_oidc_routes(app, app_context.sign_in, app_context.sessions)


def _add_session_routes(app: FastAPI, app_context: AppContext) -> None:
    @app.get("/")
    async def home(request: Request, signed_in: Present) -> Response:
        if signed_in is None:
            return RedirectResponse("/sign-in", 303)
        last = request.session.get("store")
        return RedirectResponse(await landing(app_context, signed_in.person, last), 303)

    @app.get("/session")
    async def stay(signed_in: Present) -> Response:
        """Keep the session of a person who uses a page, or of an unattended screen, from idling."""
        return Response(status_code=204 if signed_in else 401)

    @app.get("/language/{language}")
    async def speak(request: Request, language: str, next: str = "/") -> Response:  # noqa: A002
        if language in LOCALES:
            request.session["language"] = language
        return RedirectResponse(inside(next), 303)

    @app.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        await app_context.sessions.sign_out(request.session)
        return RedirectResponse("/sign-in", 303)


def _add_demo_routes(app: FastAPI, sign_in: DemoSignIn, sessions: Sessions) -> None:
    @app.post("/sign-in/person")
    async def as_person(
        request: Request,
        subject: Annotated[str, Form()],
        store: Annotated[str, Form()],
        next: Annotated[str, Form()] = "/",  # noqa: A002
    ) -> Response:
        grant = await sign_in.grant(subject, store)
        if grant is None:
            return RedirectResponse("/sign-in", 303)
        await sessions.begin(request.session, grant)
        return RedirectResponse(inside(next), 303)


def _add_oidc_routes(app: FastAPI, sign_in: OidcSignIn, sessions: Sessions) -> None:
    @app.get("/sign-in/issuer")
    async def at_issuer(request: Request, next: str = "/") -> Response:  # noqa: A002
        request.session["next"] = inside(next)
        return await sign_in.redirect(request, str(request.url_for("from_issuer")))

    @app.get("/sign-in/callback", name="from_issuer")
    async def from_issuer(request: Request) -> Response:
        try:
            grant = await sign_in.complete(request)
        except SignedOutError:
            return RedirectResponse("/sign-in", 303)
        back = request.session.get("next", "/")
        await sessions.begin(request.session, grant)
        return RedirectResponse(back, 303)


def _secret(settings: Settings) -> str:
    """Return the key that signs session cookies.

    Without a configured one, sessions end with the process.
    """
    return settings.desk_secret or secrets.token_urlsafe(32)


if __name__ == "__main__":
    main()
