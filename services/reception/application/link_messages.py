"""One-time links on their way to the customer, as a message of customer relations (R4, R9)."""

from typing import Any

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.application.links import link_address, link_token
from services.reception.persistence import Link
from shared import timers
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

LINK_MESSAGE = "link_message"


async def send_soon(uow: UnitOfWork, link: Link) -> None:
    """Have the customer sent the link once the transaction is through."""
    await timers.schedule(uow, LINK_MESSAGE, link.link_id, store_id=link.store_id, due_at=uow.now)


async def send_link(store_id: str, link_id: str, deps: Deps) -> str | None:
    """Send the link through customer relations, which alone knows addresses, once however often it
    is tried, and answer with the message's id; one that was decided on is not sent.

    Raises:
        RetryLaterError: customer relations is unavailable.
    """
    async with deps.uow_factory.read(store_id) as connection:
        link = await persistence.read_link(connection, store_id, link_id)
        order = await persistence.read_order(connection, store_id, link.order_id)
        versions = await persistence.estimate_versions(connection, store_id, link.order_id)
    proposal = versions[link.version - 1]
    if proposal.status != "awaiting" or order.customer_ref is None:
        return None
    token = link_token(deps.personal, store_id, link_id)
    values: dict[str, Any] = {
        "amount_cents": proposal.total_cents,
        "link": link_address(deps.public_url, token),
    }
    subject = "authorisation"
    if proposal.additional_work_id and link.promised_at:
        subject = "additional_work"
        values["promised_at"] = link.promised_at.isoformat()
    return await deps.archive.send_message(
        store_id,
        link_id,
        customer_ref=order.customer_ref,
        subject=subject,
        about=proposal.additional_work_id,
        order_id=order.order_id,
        expires_at=link.expires_at.isoformat(),
        values=values,
    )


async def record_message(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Remember by which message the link was sent."""
    if timer.prepared is not None:
        await persistence.link_sent_by(
            uow.connection, timer.store_id, timer.subject, timer.prepared
        )
