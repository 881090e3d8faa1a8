"""Data behind the page of one order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from nicegui import ui

from services.desk.catalog import Catalog
from services.desk.client import found, new_attempt
from services.desk.components.corrective_action import corrective_actions
from services.desk.components.elements import Handler
from services.desk.components.forms import Form, send_now, submit
from services.desk.context import Names, PageContext, Who
from services.desk.session import SignedOutError
from shared.calls import ApiError, ServiceUnavailableError
from shared.clients.management.models import CorrectiveActionView
from shared.clients.reception.models import (
    CancellationView,
    EstimateView,
    FeedbackDetail,
    InvoiceView,
    LinkWithUses,
    OrderDetail,
    OrderStatus,
    VersionedRequest,
)
from shared.clients.workshop.models import JobView, PromiseRiskView

T = TypeVar("T")
BodyT = TypeVar("BodyT")
BodyT_contra = TypeVar("BodyT_contra", contravariant=True)
ResponseT_co = TypeVar("ResponseT_co", covariant=True)

BEFORE_OPENING = ("arrived", "greeted")
AT_WORK = ("opened", "in_progress")
FINISHED = ("ready", "delivered", "closed")
RETURNED = ("delivered", "closed")


@dataclass(frozen=True)
class OrderData:
    """Order with the other services' data about it; unavailable data counts as absent."""

    order: OrderDetail
    names: Names
    jobs: Sequence[JobView]
    risk: PromiseRiskView | None
    estimates: Sequence[EstimateView]
    links: Sequence[LinkWithUses]
    work_to_reoffer: Sequence[EstimateView]
    invoice: InvoiceView | None
    feedback: FeedbackDetail | None
    corrective_actions: Sequence[CorrectiveActionView]
    cancellation: CancellationView | None

    @property
    def version(self) -> str:
        return self.order.version

    @property
    def who(self) -> Who:
        return self.names.of(self.order.customer_ref, self.order.plate_ref)

    @property
    def status(self) -> OrderStatus:
        return self.order.status


class OrderCommand(Protocol[BodyT_contra, ResponseT_co]):
    """Operation of reception that changes one order."""

    def __call__(
        self, store_id: str, order_id: str, body: BodyT_contra, /, *, idempotency_key: str
    ) -> Awaitable[ResponseT_co]: ...


@dataclass
class OrderPage:
    """Page of one order, open for one person; ``data`` is always the present one."""

    ctx: PageContext
    catalog: Catalog
    data: OrderData = field(init=False)

    @property
    def ids(self) -> tuple[str, str]:
        """Return the ids of the store and of the order, with which each operation begins."""
        return self.ctx.store.id, self.data.order.order_id

    async def submit(
        self,
        form: Form,
        opened: ui.dialog,
        command: OrderCommand[BodyT, T],
        request: Callable[[], BodyT],
    ) -> T | None:
        """Send a dialog's command on the order and close the dialog; return the response, or None
        when it failed.
        """
        return await submit(
            form,
            opened,
            lambda: command(*self.ids, request(), idempotency_key=form.attempt),
        )

    def deciding(self, command: OrderCommand[VersionedRequest, object]) -> Handler:
        """Return the handler of one button, for the version that is shown when it is pressed."""
        attempt = new_attempt()

        async def decide() -> None:
            request = VersionedRequest(version=self.data.version)
            await send_now(self.ctx, lambda: command(*self.ids, request, idempotency_key=attempt))

        return decide


async def read(ctx: PageContext, catalog: Catalog) -> OrderData:
    """Load all data that the order's status has."""
    store_id, order_id = ctx.store.id, ctx.parameters["order_id"]
    reception, workshop = ctx.services.reception, ctx.services.workshop
    kind = f"order {order_id} {ctx.person.subject}"
    order = await ctx.shared(kind, lambda: reception.get_order(store_id, order_id))
    at_work, money, delivered = order.status in AT_WORK, ctx.sees_money, order.delivered_at
    async with asyncio.TaskGroup() as group:

        def ask(
            kind: str, query: Callable[[], Awaitable[T]], *, when: object = True
        ) -> asyncio.Task[T | None]:
            return group.create_task(_shared(ctx, kind, query, when=when))

        def of_order(
            operation: Callable[[str, str], Awaitable[T]], *, when: object
        ) -> asyncio.Task[T | None]:
            kind = f"{operation.__name__} {order_id}"
            return ask(kind, lambda: operation(store_id, order_id), when=when)

        jobs = ask(f"jobs {order_id}", lambda: workshop.list_jobs(store_id, order_id=order_id))
        risks = ask("risks", lambda: workshop.list_risks(store_id), when=at_work)
        estimates = of_order(reception.list_estimates, when=money)
        links = of_order(reception.list_links, when=ctx.may(reception.list_links))
        to_reoffer = of_order(reception.work_to_reoffer, when=money and at_work)
        invoice = of_order(reception.get_invoice, when=order.invoice_id)
        feedback = of_order(reception.get_feedback, when=money and delivered)
        cancelled = order.status == "cancelled"
        cancellation = of_order(reception.get_order_cancellation, when=cancelled)
        actions = group.create_task(_known(corrective_actions(ctx))) if delivered else None
        names = group.create_task(
            _known(ctx.names([order.customer_ref], [order.plate_ref], tiers=True))
        )
    offered = [*(estimates.result() or ()), *(to_reoffer.result() or ())]
    await catalog.know_parts_of([*order.lines, *(line for each in offered for line in each.lines)])
    return OrderData(
        order=order,
        names=names.result() or Names(),
        jobs=jobs.result() or [],
        risk=next((risk for risk in risks.result() or () if risk.order_id == order_id), None),
        estimates=estimates.result() or [],
        links=links.result() or [],
        work_to_reoffer=to_reoffer.result() or [],
        invoice=invoice.result(),
        feedback=feedback.result(),
        corrective_actions=[
            each
            for each in (actions and actions.result()) or ()
            if each.source == "feedback" and each.order_id == order_id
        ],
        cancellation=cancellation.result(),
    )


async def _shared(
    ctx: PageContext, kind: str, query: Callable[[], Awaitable[T]], *, when: object
) -> T | None:
    """Return the response that all viewers share; None where there is nothing, or not now."""
    return await _known(ctx.shared(kind, lambda: found(query()))) if when else None


async def _known(response: Awaitable[T]) -> T | None:
    """Return the response of a service, or None where it is unavailable."""
    try:
        return await response
    except (ApiError, ServiceUnavailableError, SignedOutError):
        return None
