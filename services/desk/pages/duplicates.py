"""Duplicates among the customers of a store (重复客户): merged, or kept apart."""

from collections.abc import Awaitable, Callable
from functools import partial

from services.desk import formats
from services.desk.client import new_attempt
from services.desk.components.elements import (
    badge,
    box,
    button,
    empty,
    facts,
    link,
    panel,
    test_id,
)
from services.desk.components.forms import send_now
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    ComparedCustomer,
    DifferentCustomersRequest,
    DuplicateView,
    MergeCustomersRequest,
)

PAGE = Page(
    path="/stores/{store_id}/duplicates",
    title="Duplicates",
    icon="people_alt",
    roles=roles_of(CrmApi.list_duplicates),
    requirements=("R19",),
)

_LIKELY = 80


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the pairs that look like one customer, the most likely first."""

    async def fetch() -> list[DuplicateView]:
        return await ctx.shared(
            "duplicates", lambda: ctx.services.crm.list_duplicates(ctx.store.id)
        )

    def render(found: list[DuplicateView], renderer: PartialRenderer) -> None:
        if not found:
            renderer.section("none", empty, ctx.t("No two customers look like one."))
        for each in found:
            key = "~".join(customer.customer_ref for customer in each.customers)
            renderer.section(key, partial(_pair, ctx), each)

    await live(ctx, fetch, render)


def _pair(ctx: PageContext, pair: DuplicateView) -> None:
    t = ctx.t
    first, second = pair.customers
    signs = t.listed(t.code("duplicate_sign", each) for each in pair.signs)
    with panel(signs, name="duplicate"):
        badge(t("{score} of 100", score=pair.score), "bad" if pair.score >= _LIKELY else "warn")
        with box("columns even"):
            _customer(ctx, first, second)
            _customer(ctx, second, first)
        with box("card-actions"):
            button(
                t("Two different customers"), _set_different(ctx, first, second), name="different"
            )


def _customer(ctx: PageContext, customer: ComparedCustomer, other: ComparedCustomer) -> None:
    t = ctx.t
    vehicles = t.listed(
        f"{each.plate or formats.NOTHING} {each.brand} {each.model}" for each in customer.vehicles
    )
    with test_id("compared", box("column-wide")):
        link(
            customer.name or formats.NOTHING,
            f"{ctx.store_path}/customers/{customer.customer_ref}",
            "text-link",
        )
        facts(
            [
                (t("Kind of customer"), t.code("customer_kind", customer.kind)),
                (t("Phone"), formats.phone(t, customer.phone)),
                (t("E-mail"), customer.email or formats.NOTHING),
                (t("Vehicles"), vehicles or formats.NOTHING),
                (t("Registered"), f"{ctx.store.local_day(customer.registered_at)}"),
                (t("Visits"), str(customer.visits)),
                (t("Open calls"), str(customer.open_calls)),
            ]
        )
        with box("card-actions"):
            button(t("Keep this one"), _merge(ctx, customer, other), name="keep", kind="main")


def _merge(
    ctx: PageContext, kept: ComparedCustomer, other: ComparedCustomer
) -> Callable[[], Awaitable[None]]:
    request = MergeCustomersRequest(customer_ref=other.customer_ref)

    async def merge() -> None:
        await send_now(
            ctx,
            lambda: ctx.services.crm.merge_customers(
                ctx.store.id, kept.customer_ref, request, idempotency_key=new_attempt()
            ),
        )

    return merge


def _set_different(
    ctx: PageContext, first: ComparedCustomer, second: ComparedCustomer
) -> Callable[[], Awaitable[None]]:
    request = DifferentCustomersRequest(
        first_ref=first.customer_ref, second_ref=second.customer_ref
    )

    async def set_different() -> None:
        await send_now(
            ctx,
            lambda: ctx.services.crm.set_different(
                ctx.store.id, request, idempotency_key=new_attempt()
            ),
        )

    return set_different
