"""Vouchers that come from campaigns."""

from dataclasses import dataclass
from datetime import datetime

from shared.db import Connection

_ADD = """
INSERT INTO campaign_voucher (store_id, voucher_id, campaign_id, issued_at)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""

_SET_COST = """
UPDATE campaign_voucher SET redeemed_at = $3, cost_cents = $4
WHERE store_id = $1 AND voucher_id = $2
"""

_OF_CAMPAIGN = """
SELECT count(*)::integer AS issued, count(redeemed_at)::integer AS redeemed,
       coalesce(sum(cost_cents), 0)::bigint AS cost_cents
FROM campaign_voucher WHERE store_id = $1 AND campaign_id = $2
"""


@dataclass(frozen=True)
class CampaignVouchers:
    """Number of vouchers of a campaign, and what the redeemed ones have cost."""

    issued: int
    redeemed: int
    cost_cents: int


async def add_campaign_voucher(
    connection: Connection, store_id: str, voucher_id: str, campaign_id: str, issued_at: datetime
) -> None:
    """Store that a voucher comes from a campaign."""
    await connection.execute(_ADD, store_id, voucher_id, campaign_id, issued_at)


async def set_voucher_cost(
    connection: Connection,
    store_id: str,
    voucher_id: str,
    redeemed_at: datetime | None,
    cost_cents: int,
) -> None:
    """Store what the redemption of a voucher costs; nothing where it comes from no campaign."""
    await connection.execute(_SET_COST, store_id, voucher_id, redeemed_at, cost_cents)


async def campaign_vouchers(
    connection: Connection, store_id: str, campaign_id: str
) -> CampaignVouchers:
    """Return the vouchers of a campaign."""
    (row,) = await connection.fetch(_OF_CAMPAIGN, store_id, campaign_id)
    return CampaignVouchers(**row)
