"""Pages for unknown addresses, and for people whose roles open no page."""

import nicegui
from fastapi import Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import RedirectResponse, Response
from nicegui import Client, app, ui
from starlette.exceptions import HTTPException

from services.desk.components.elements import box, empty, link
from services.desk.components.frame import head, posting
from services.desk.context import AppContext, Present


@ui.page("/no-page")
async def show(request: Request, signed_in: Present) -> Response | None:
    """Tell the person that no page is open to them, and offer to sign out."""
    app_context: AppContext = app.state.app_context
    t = app_context.translator_for(request)
    if signed_in is None:
        return RedirectResponse("/sign-in", 303)
    signed_in.shown_on(ui.context.client)
    head(await app_context.group_name(t))
    with box("sign-in"):
        empty(t("Your role has no pages; ask the operator."))
        with posting("/sign-out"):
            leave = ui.element("input").classes("person-button").props("type=submit")
            leave.props["value"] = t("Sign out")
    return None


@nicegui.app.exception_handler(404)
async def unknown_page(request: Request, error: Exception) -> Response:
    """Say in the visitor's language that there is no such page, and lead back."""
    endpoint = request.scope.get("endpoint")
    if endpoint not in (None, nicegui.app) and isinstance(error, HTTPException):
        return await http_exception_handler(request, error)
    app_context: AppContext = app.state.app_context
    t = app_context.translator_for(request)
    group_name = await app_context.group_name(t)
    with Client(ui.page(""), request=request) as client:
        head(group_name)
        with box("sign-in"):
            empty(t("There is no such page."))
            link(t("To the first page"), "/", "text-link")
    return client.build_response(request, 404)
