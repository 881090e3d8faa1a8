"""Data behind the page of one order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.desk.catalog import Catalog
from services.desk.client import Service
from services.desk.components.forms import send_now
from services.desk.context import Names, PageContext, together

Entry = Mapping[str, Any]
"""One row of a response."""

BEFORE_OPENING = ("arrived", "greeted")
AT_WORK = ("opened", "in_progress")
FINISHED = ("ready", "delivered", "closed")
RETURNED = ("delivered", "closed")

_STATES = ["open", "overdue", "closed"]
_SEES_LINKS = ("service_advisor", "service_manager", "customer_care_agent")
_SEES_CORRECTIVE_ACTIONS = (
    "service_advisor",
    "dispatcher",
    "quality_inspector",
    "customer_care_agent",
    "service_manager",
    "group_manager",
)


def only(entry: Entry, *names: str) -> Entry:
    """Return the fields of an entry that a section of the page shows."""
    return {name: entry[name] for name in names}


@dataclass(frozen=True)
class File:
    """Order with the other services' data about it; unavailable data counts as absent."""

    order: Entry
    names: Names
    jobs: Sequence[Entry]
    risk: Entry | None
    estimates: Sequence[Entry]
    links: Sequence[Entry]
    declined: Sequence[Entry]
    invoice: Entry | None
    feedback: Entry | None
    corrective_actions: Sequence[Entry]
    cancellation: Entry | None

    @property
    def order_id(self) -> str:
        return str(self.order.order_id)

    @property
    def version(self) -> str:
        return str(self.order.version)

    @property
    def may_go(self) -> bool:
        """Return whether the invoice is paid, or an on-account release covers the unpaid rest."""
        on_account = self.order.on_account
        covered = on_account.amount_cents if on_account else 0
        return bool(self.order.invoice_id) and self.order.balance_cents <= covered

    @property
    def status(self) -> str:
        return str(self.order.status)


@dataclass
class Opened:
    """Page of one order, open for one person; ``file`` is always the present one."""

    ctx: PageContext
    catalog: Catalog
    file: File = field(init=False)

    @property
    def path(self) -> str:
        """Return the path of reception's commands on the order."""
        return f"/orders/{self.file.order_id}"

    async def send_now(self, verb: str, body: Entry | None = None, *, attempt: str) -> None:
        """Send a command on the version of the order that is shown."""
        seen = {**(body or {}), "version": self.file.version}
        await send_now(self.ctx, "reception", f"{self.path}/{verb}", seen, attempt=attempt)

    def may(self, roles: Iterable[str]) -> bool:
        """Return whether the person has one of the roles."""
        return self.ctx.person.has(roles)


async def read(ctx: PageContext) -> File:
    """Load all data that the order's status has."""
    order_id = ctx.parameters["order_id"]
    path = f"/orders/{order_id}"
    order: Entry = await ctx.shared(
        f"order {order_id}", lambda: ctx.services.get("reception", ctx.store_path + path)
    )
    in_progress = order.status in AT_WORK
    delivered = order.delivered_at
    (
        jobs,
        risks,
        estimates,
        links,
        declined,
        invoice,
        feedback,
        corrective_actions,
        cancellation,
        names,
    ) = await together(
        _ask(ctx, "workshop", "/jobs", order_id=order_id),
        _ask(ctx, "workshop", "/risks", when=in_progress),
        _ask(ctx, "reception", f"{path}/estimates", when=ctx.sees_money),
        _ask(ctx, "reception", f"{path}/links", when=ctx.person.has(_SEES_LINKS)),
        _ask(ctx, "reception", f"{path}/declined-services", when=in_progress and ctx.sees_money),
        _ask(ctx, "reception", f"{path}/invoice", when=order.invoice_id),
        _ask(ctx, "reception", f"{path}/feedback", when=delivered and ctx.sees_money),
        _ask(
            ctx,
            "reporting",
            "/corrective-actions",
            when=delivered and ctx.person.has(_SEES_CORRECTIVE_ACTIONS),
            state=_STATES,
        ),
        _ask(ctx, "reception", f"{path}/cancellation", when=order.status == "cancelled"),
        ctx.names([order], tiers=True),
        forgiving=True,
    )
    return File(
        order=order,
        names=_known(names) or Names(),
        jobs=_known(jobs) or [],
        risk=next((risk for risk in _known(risks) or () if risk.order_id == order_id), None),
        estimates=_known(estimates) or [],
        links=_known(links) or [],
        declined=_known(declined) or [],
        invoice=_known(invoice),
        feedback=_known(feedback),
        corrective_actions=[
            each for each in _known(corrective_actions) or () if each.order_id == order_id
        ],
        cancellation=_known(cancellation),
    )


async def _ask(
    ctx: PageContext, service: Service, path: str, *, when: object = True, **query: Any
) -> Any:
    """Return the response that all viewers share; None where there is nothing, or not now."""
    if not when:
        return None
    return await ctx.shared(
        f"{path} {query}",
        lambda: ctx.services.find(service, ctx.store_path + path, **query),
    )


def _known(response: Any) -> Any:
    """Return the response of a service, or None where it is unavailable."""
    return None if isinstance(response, Exception) else response
