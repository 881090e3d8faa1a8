"""Subscribers (订阅方): other companies' systems that read events, for the group's operator."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    facts,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, FoundChoice, choices, dialog_actions, several
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.directory import Store
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.subscribers.client import SubscribersApi
from shared.clients.subscribers.models import (
    AddSubscriberRequest,
    ChangeView,
    RemovedSubscriber,
    SubscriberAccess,
    SubscriberList,
    SubscriberView,
    TopicChoice,
)
from shared.contracts import contracts_address

PAGE = Page(
    path="/subscribers",
    title="Subscribers",
    icon="rss_feed",
    roles=roles_of(SubscribersApi.list_subscribers),
    requirements=("R39",),
)

_INTERVAL_S = 10.0
_ALL, _SOME = "all", "some"
_MOST_FOUND = 50
ResponseT = TypeVar("ResponseT")

_PASSWORDS_OVER_TLS = "SASL_SSL"


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show each subscriber with how far it has read, and who changed which."""
    stores = await ctx.stores()

    def render(found: SubscriberList, renderer: PartialRenderer) -> None:
        renderer.section("toolbar", partial(_toolbar, ctx, stores), found.topics)
        renderer.section("subscribers", partial(_subscribers, ctx), found.subscribers)
        renderer.section("changes", partial(_changes, ctx), found.changes)

    await live(ctx, ctx.services.subscribers.list_subscribers, render, _INTERVAL_S)


def _toolbar(ctx: PageContext, stores: Mapping[str, Store], topics: Sequence[TopicChoice]) -> None:
    t = ctx.t
    with box("toolbar"):
        if ctx.may(SubscribersApi.add_subscriber):
            add = partial(_AddSubscriber, ctx, stores, topics)
            button(t("Add subscriber"), add, name="add-subscriber", kind="main")
        text(t("Other companies' systems that read the group's events."), "hint")


def _subscribers(ctx: PageContext, found: Sequence[SubscriberView]) -> None:
    t = ctx.t
    if not found:
        empty(t("No other system reads events."))
        return
    events, consumers, sees = t("Events behind"), t("Connected consumers"), t("What it sees")
    uncopied = t("Events to copy")
    headings = [t("Subscriber"), t("Topics"), sees, uncopied, consumers, events, t("Last read"), ""]
    with table(headings, (uncopied, events, consumers)):
        for each in found:
            _subscriber(ctx, each)


def _subscriber(ctx: PageContext, subscriber: SubscriberView) -> None:
    t = ctx.t
    with test_id(f"subscriber-{subscriber.name}", row()):
        with cell_box():
            text(subscriber.name)
            text(subscriber.user, "hint")
        cell(t.listed(map(_short, subscriber.topics)), "whole-line")
        cell(_stores(ctx, subscriber.stores), "whole-line")
        with cell_box("figure"):
            text(_figure(subscriber.uncopied))
            if subscriber.forwarders == 0:
                badge(t("No forwarder copies them now"), "warn")
        cell(str(subscriber.consumers), "figure")
        cell(_figure(subscriber.lag), "figure")
        cell(_moment(ctx, subscriber.last_read) or t("Never"), "number")
        with cell_box("cell-actions"):
            if ctx.may(SubscribersApi.rotate_password):
                rotate = partial(_rotate_dialog, ctx, subscriber)
                button(t("New password"), rotate, name="rotate", kind="small")
                remove = partial(_remove_dialog, ctx, subscriber)
                button(t("Remove"), remove, name="remove", kind="small")


def _changes(ctx: PageContext, found: Sequence[ChangeView]) -> None:
    t = ctx.t
    if found:
        text(t("Latest changes"), "section-title")
        with table([t("Subscriber"), t("Change"), t("Changed by"), t("When")]):
            for change in found:
                with test_id("change", row()):
                    cell(change.name)
                    cell(t.code("subscriber_change", change.kind))
                    cell(ctx.colleague(change.by))
                    cell(_moment(ctx, change.at), "number")


class _AddSubscriber:
    """Dialog for a new subscriber; that it sees all stores is a choice of its own."""

    def __init__(
        self, ctx: PageContext, stores: Mapping[str, Store], topics: Sequence[TopicChoice]
    ) -> None:
        self._ctx, self._stores, t = ctx, stores, ctx.t
        with dialog(t("Add subscriber"), wide=True) as self._opened:
            form = self._form = Form(ctx)
            with box("fields"):
                name = ui.input(t("Name"), placeholder="insurer-1").props("autofocus")
                self._name = form.field("name", name)
                offered = {each.name: _label(ctx, each) for each in topics}
                self._topics = form.field("topics", several(offered, t("Topics")))
                scopes = choices(t, "subscriber_scope", (_ALL, _SOME))
                scope = ui.select(scopes, label=t("What it sees"), value=_SOME)
                self._scope = form.field("scope", scope)
                chosen = FoundChoice(t, t("Stores"), self._find, self._store_label)
                self._chosen = form.field("stores", chosen)
            self._chosen.bind_visibility_from(self._scope, "value", value=_SOME)
            dialog_actions(form, self._opened, t("Add subscriber"), self._send)

    async def _find(self, typed: str) -> Mapping[str, str]:
        labels = {each: self._store_label(each) for each in self._stores}
        found = [each for each, label in labels.items() if typed.lower() in label.lower()]
        return {each: labels[each] for each in found[:_MOST_FOUND]}

    def _store_label(self, store_id: str) -> str:
        return f"{store_id} {self._ctx.t.of(self._stores[store_id])}"

    async def _send(self) -> None:
        sees_some = self._scope.value == _SOME
        if self._form.require("name", "topics", *(["stores"] if sees_some else [])):
            access = await self._form.send(partial(self._add, sees_some=sees_some))
            if access:
                _show_access(self._ctx, access)
                self._opened.close()
                await self._ctx.changed()

    def _add(self, *, sees_some: bool) -> Awaitable[SubscriberAccess]:
        request = AddSubscriberRequest(
            name=(self._name.value or "").strip(),
            topics=self._topics.value,
            stores=self._chosen.value if sees_some else None,
        )
        return self._ctx.services.subscribers.add_subscriber(
            request, idempotency_key=self._form.attempt
        )


def _rotate_dialog(ctx: PageContext, subscriber: SubscriberView) -> None:
    t = ctx.t

    def rotate(form: Form) -> Awaitable[SubscriberAccess]:
        return ctx.services.subscribers.rotate_password(
            subscriber.name, idempotency_key=form.attempt
        )

    _confirm(
        ctx,
        t("Give {name} a new password?", name=subscriber.name),
        t("The old password signs in no more; connections that are open stay until they end."),
        t("New password"),
        rotate,
        partial(_show_access, ctx),
    )


def _remove_dialog(ctx: PageContext, subscriber: SubscriberView) -> None:
    t = ctx.t

    def remove(form: Form) -> Awaitable[RemovedSubscriber]:
        return ctx.services.subscribers.remove_subscriber(
            subscriber.name, idempotency_key=form.attempt
        )

    _confirm(
        ctx,
        t("Remove {name}?", name=subscriber.name),
        t("It loses its user, its rights and the place up to which it has read."),
        t("Remove"),
        remove,
        lambda _: None,
    )


def _confirm(
    ctx: PageContext,
    title: str,
    sentence: str,
    label: str,
    command: Callable[[Form], Awaitable[ResponseT]],
    then: Callable[[ResponseT], None],
) -> None:
    with dialog(title) as opened:
        text(sentence, "hint")
        form = Form(ctx)

        async def send() -> None:
            response = await form.send(partial(command, form))
            if response is not None:
                then(response)
                opened.close()
                await ctx.changed()

        dialog_actions(form, opened, label, send)


def _show_access(ctx: PageContext, access: SubscriberAccess) -> None:
    """Show once what the owner of a subscriber needs; only its button closes the dialog."""
    t = ctx.t
    with dialog(t("Access of {name}", name=access.user), wide=True) as opened:
        opened.props("persistent")
        text(t("The password is shown only now. Hand all of this over in a safe way."), "hint")
        pairs = [
            (t("Brokers"), access.bootstrap),
            (t("Sign-in"), f"{access.security}, {access.mechanism}"),
            (t("User"), access.user),
            (t("Password"), access.password),
            (t("Topics"), ", ".join(access.topics)),
            (t("Consumer groups"), f"{access.group_prefix}…"),
            (t("Schemas of the events"), contracts_address(ctx.app_context.settings.public_url)),
        ]
        with test_id("access", box("access")):
            facts(pairs)
            for doubt in _doubts(t, access):
                text(doubt, "notice")
            text(t("To paste into a shell, as the guide for subscribers needs it"), "section-title")
            text(access.shell, "event-example")
        with box("dialog-actions"):
            button(t("I have handed it over"), opened.close, name="access-close", kind="main")


def _doubts(t: Translator, access: SubscriberAccess) -> Iterator[str]:
    """Yield what the operator has to look at before the subscriber can sign in."""
    if access.security != _PASSWORDS_OVER_TLS:
        yield t("These brokers take {security}, not passwords over TLS.", security=access.security)
    elif not access.authority:
        yield t("No authority is set: the brokers' certificate must be from a public one.")


def _label(ctx: PageContext, topic: TopicChoice) -> str:
    if topic.by_store:
        return _short(topic.name)
    return ctx.t("{topic} (all stores only)", topic=_short(topic.name))


def _figure(number: int | None) -> str:
    return formats.NOTHING if number is None else f"{number:,}"


def _short(topic: str) -> str:
    return topic.removeprefix("aftersales.").removesuffix(".v1")


def _stores(ctx: PageContext, stores: Sequence[str]) -> str:
    return ctx.t.listed(stores) if stores else ctx.t.code("subscriber_scope", _ALL)


def _moment(ctx: PageContext, moment: datetime | None) -> str:
    zone = ctx.store.timezone
    return formats.day_and_clock(moment, zone, datetime.now(zone)) if moment else ""
