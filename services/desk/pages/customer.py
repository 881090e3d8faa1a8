"""One customer (客户): how they want to be told, and what they were told."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.drawing import Drawing
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    empty,
    facts,
    link,
    mark,
    panel,
    row,
    table,
    text,
)
from services.desk.components.forms import Form
from services.desk.components.live import live
from services.desk.page import Page
from services.desk.vehicles import find_customer
from services.desk.visit import Visit, together

PAGE = Page(
    path="/stores/{store_id}/customers/{customer_ref}",
    title="Contact preferences",
    roles=frozenset({"advisor", "agent", "manager"}),
    duties=("R9", "R19"),
)

SEARCH = Page(
    path="/stores/{store_id}/customers",
    title="Customers",
    icon="person_search",
    roles=PAGE.roles,
    duties=("R9", "R19"),
)

CHANNELS = ("wecom", "sms", "email")
DECLINABLE = (*CHANNELS, "phone")
_LANGUAGES = {"zh": "中文", "en": "English"}
_TONES = {
    "waiting": "calm",
    "sending": "calm",
    "sent": "good",
    "to_call": "warn",
    "called": "good",
    "unreached": "bad",
    "suppressed": "quiet",
    "obsolete": "quiet",
}


@SEARCH.shows
async def search(visit: Visit) -> None:
    """Find a customer by the vehicle."""
    t = visit.t
    with box("narrow"), panel():
        form = Form(visit)
        typed = form.field("plate", ui.input(t("Plate or VIN")).props("autofocus"))

        async def find() -> None:
            if not form.require("plate"):
                return

            async def ask() -> dict[str, Any]:
                return await find_customer(visit, str(typed.value)) or {}

            found = await form.send(ask)
            if found:
                ui.navigate.to(f"{visit.store_path}/customers/{found['customer_ref']}")
            elif found is not None:
                typed.error = t("Not in the archive.")

        typed.on("keydown.enter", find)
        button(t("Find"), find, name="find-customer", kind="main")
        form.speak_here()


@PAGE.shows
async def show(visit: Visit) -> None:
    """Preferences on the left, messages on the right."""
    ref = visit.parameters["customer_ref"]
    path = f"{visit.store_path}/customers/{ref}/contact-preferences"
    known, names = await together(
        visit.services.get("crm", path), visit.names([{"customer_ref": ref}])
    )
    text(names.customers.get(ref, formats.NOTHING), "subtitle")
    with box("columns even"):
        with box("column-wide"), panel(visit.t("Contact preferences")):
            _preferences(visit, path, known)
        with box("column-wide"), panel(visit.t("Messages")):
            await _messages(visit, ref)


def _preferences(visit: Visit, path: str, known: Mapping[str, Any]) -> None:
    t = visit.t
    channels = {each: t.code("channel", each) for each in CHANNELS}
    reachable = t.listed(channels[each] for each in known["reachable_by"]) or formats.NOTHING
    facts([(t("Reachable by"), reachable)])
    form = Form(visit, known["version"])
    with box("fields form-fields"):
        language = form.field(
            "language", ui.select(_LANGUAGES, label=t("Language"), value=known["language"])
        )
        preferred = form.field(
            "preferred_channel",
            ui.select(
                channels,
                label=t("Preferred channel"),
                value=known["preferred_channel"],
                clearable=True,
            ),
        )
        email = form.field("email", ui.input(t("E-mail"), value=known["email"] or ""))
        wecom_id = form.field("wecom_id", ui.input(t("WeCom ID"), value=known["wecom_id"] or ""))
    text(t("The customer wants nothing by"), "section-title")
    declined = {
        each: mark(
            f"declined-{each}",
            ui.checkbox(t.code("channel", each), value=each in known["declined_channels"]),
        )
        for each in DECLINABLE
    }

    async def save() -> None:
        body = {
            "language": language.value,
            "preferred_channel": preferred.value,
            "email": email.value or None,
            "wecom_id": wecom_id.value or None,
            "declined_channels": [
                each
                for each, element in declined.items()
                if isinstance(element, ui.checkbox) and element.value
            ],
        }
        saved = await form.send(
            lambda: visit.services.replace("crm", path, form.seen(body), attempt=form.attempt)
        )
        if saved:
            form.version = saved["version"]
            ui.notify(t("Saved."), type="positive", position="top")
        elif form.conflict:
            present.clear()
            with present:
                _present(visit, await visit.services.get("crm", path))

    with box("card-actions"):
        button(t("Save"), save, name="save-preferences", kind="main")
    form.speak_here()
    present = mark("conflict", box("conflict"))


def _present(visit: Visit, known: Mapping[str, Any]) -> None:
    """What somebody else has saved meanwhile."""
    t = visit.t
    declined = t.listed(t.code("channel", each) for each in known["declined_channels"])
    preferred = known["preferred_channel"]
    facts(
        [
            (t("Language"), _LANGUAGES[known["language"]]),
            (t("Preferred channel"), t.code("channel", preferred)),
            (t("E-mail"), known["email"] or formats.NOTHING),
            (t("WeCom ID"), known["wecom_id"] or formats.NOTHING),
            (t("The customer wants nothing by"), declined or formats.NOTHING),
        ]
    )


async def _messages(visit: Visit, customer_ref: str) -> None:
    path = f"{visit.store_path}/messages"

    async def fetch() -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = await visit.shared(
            f"messages of {customer_ref}",
            lambda: visit.services.get("crm", path, customer_ref=customer_ref),
        )
        return found

    def render(messages: Sequence[Mapping[str, Any]], drawing: Drawing) -> None:
        t = visit.t
        if not messages:
            drawing.part("none", empty, t("Nothing was told yet."))
            return
        headings = [t("Since"), t("Subject"), t("Channel"), t("Status"), ""]
        with drawing.frame("table", table, headings):
            for each in messages:
                drawing.part(each["message_id"], partial(_message, visit), each)

    await live(visit, fetch, render)


def _message(visit: Visit, message: Mapping[str, Any]) -> None:
    t, zone, now = visit.t, visit.store.timezone, visit.now()
    with mark("message", row()):
        cell(formats.day_and_clock(message["created_at"], zone, now), "number")
        cell(t.code("subject", message["subject"]))
        cell(t.code("channel", message["channel"]))
        with cell_box():
            badge(t.code("message", message["status"]), _TONES[message["status"]])
        with cell_box("cell-actions"):
            if message["order_id"]:
                order = f"{visit.store_path}/orders/{message['order_id']}"
                link(t("Order"), order, "text-link")
