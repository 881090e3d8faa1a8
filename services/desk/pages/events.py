"""Events (事件目录): what the services tell each other and other companies' systems."""

import json
from collections.abc import Sequence

from nicegui import ui

from services.desk.components.elements import (
    badge,
    box,
    cell,
    cell_box,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.event_flow import event_flow
from services.desk.context import PageContext
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.contracts import CONTRACTS_PATH, contracts_address
from shared.event_catalog import CatalogEvent, CatalogTopic, event_catalog
from shared.security import GROUP_MANAGERS

PAGE = Page(
    path="/stores/{store_id}/events",
    title="Events",
    icon="schema",
    roles=frozenset({"service_manager", "operator", *GROUP_MANAGERS}),
    requirements=("R39",),
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the flow of an order and all events, or the one that the address names."""
    found = [
        (topic, event)
        for topic in event_catalog().topics
        for event in topic.events
        if event.name == ctx.query.get("event")
    ]
    for topic, event in found:
        _one(ctx, topic, event)
    if not found:
        _all(ctx)


def _address(ctx: PageContext, event: str) -> str:
    return f"{PAGE.address(ctx.store.id)}?event={event}"


def _all(ctx: PageContext) -> None:
    t = ctx.t
    with box("toolbar"):
        text(t("Schemas and AsyncAPI documents, also for other companies:"), "hint")
        contracts = contracts_address(ctx.app_context.settings.public_url)
        link(contracts, CONTRACTS_PATH, "text-link")
    with panel(t("Flow of an order"), name="event-flow"), box("event-flow-scroll"):
        event_flow(t, lambda event: ui.navigate.to(_address(ctx, event)))
    for topic in event_catalog().topics:
        text(topic.name, "section-title")
        text(_promise(t, topic), "hint")
        headings = [t("Event"), t("Says"), t("Read by"), t("Requirements")]
        with test_id(f"topic-{topic.name}", box("area")), table(headings):
            for event in topic.events:
                with test_id(f"event-{event.name}", row()):
                    with cell_box():
                        link(event.name, _address(ctx, event.name), "text-link")
                        text(t.code("event", event.name), "hint")
                    cell(t.of(event), "whole-line")
                    cell(_services(t, event.consumers))
                    cell(t.listed(event.requirements))


def _promise(t: Translator, topic: CatalogTopic) -> str:
    values = {"key": topic.key, "publisher": t.code("service", topic.publisher)}
    if topic.compacted:
        return t("{publisher} publishes them; the newest of each {key} is kept.", **values)
    return t("{publisher} publishes them; all are kept, in their order per {key}.", **values)


def _one(ctx: PageContext, topic: CatalogTopic, event: CatalogEvent) -> None:
    t = ctx.t
    link(t("All events"), PAGE.address(ctx.store.id), "text-link")
    with panel(event.type, name="event"):
        text(event.zh)
        text(event.en)
        with box("event-facts"):
            badge(topic.name, "quiet")
            badge(t("Key: {key}", key=topic.key), "quiet")
            badge(t("Published by: {name}", name=t.code("service", topic.publisher)), "calm")
            badge(t("Read by: {names}", names=_services(t, event.consumers)), "calm")
            badge(t("Requirements: {list}", list=t.listed(event.requirements)), "quiet")
        link(t("JSON schema"), f"/schemas/{event.type}.json", "text-link")
    text(t("Fields"), "section-title")
    with test_id("event-fields", box("area")):
        headings = [t("Field"), t("Kind"), t("Meaning (Chinese)"), t("Meaning (English)")]
        with table(headings):
            for field in event.fields:
                with row():
                    cell(field.name + ("?" if field.optional else ""), "code")
                    cell(field.kind, "whole-line")
                    cell(field.zh)
                    cell(field.en)
    with panel(t("Example"), name="event-example"):
        text(json.dumps(event.example, indent=2, ensure_ascii=False), "event-example")


def _services(t: Translator, services: Sequence[str]) -> str:
    return t.listed(t.code("service", each) for each in services) or "—"
