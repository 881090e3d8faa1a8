"""Vouchers that come from campaigns (活动发券): their cost counts to the campaign."""

from services.crm import persistence
from services.crm.application.deps import Deps
from shared.contracts.reception import VoucherIssued, VoucherRedeemed, VoucherReinstated
from shared.unit_of_work import UnitOfWork


async def note_voucher(uow: UnitOfWork, event: VoucherIssued, _: Deps) -> None:
    """Record a voucher that comes from a campaign."""
    if event.campaign_id is not None:
        await persistence.add_campaign_voucher(
            uow.connection, event.store_id, event.voucher_id, event.campaign_id, event.issued_at
        )


async def count_redemption(uow: UnitOfWork, event: VoucherRedeemed, _: Deps) -> None:
    """Count what a redemption costs."""
    await persistence.set_voucher_cost(
        uow.connection,
        event.store_id,
        event.voucher_id,
        event.redeemed_at,
        event.redemption_cost_cents,
    )


async def take_redemption_back(uow: UnitOfWork, event: VoucherReinstated, _: Deps) -> None:
    """Count a redemption no more whose invoice is corrected (退券)."""
    await persistence.set_voucher_cost(uow.connection, event.store_id, event.voucher_id, None, 0)
