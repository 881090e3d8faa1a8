"""Where people land whose roles open no page of the desk."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app, ui

from services.desk.components.elements import box, empty
from services.desk.components.frame import head
from services.desk.visit import Desk


@ui.page("/nothing")
async def show(request: Request) -> Response | None:
    """Say so, and offer to sign out."""
    desk: Desk = app.state.desk
    t = desk.words_for(request.session)
    if desk.sign_in.current(request.session) is None:
        return RedirectResponse("/sign-in", 303)
    head(t.of(dict(desk.group)))
    with box("sign-in"):
        empty(t("Your roles open no page of the desk."))
        with ui.element("form").props('method="post" action="/sign-out"'):
            ui.element("input").classes("person-button").props(
                f'type="submit" value="{t("Sign out")}"'
            )
    return None
