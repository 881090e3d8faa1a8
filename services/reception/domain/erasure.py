"""What a legal term keeps of the orders of an erased person (依法留存)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.reception.domain.claim import Claim

CLAIM_YEARS = 6
"""Years for which the records of a repair under warranty are kept, with the photos that prove the
claim (家用汽车产品修理更换退货责任规定: 修理记录保存期限不少于六年)."""


INVOICE_YEARS = 10
"""Years for which invoices are kept (税收征收管理法实施细则第二十九条)."""

TAKEN_BY_ERASURE = frozenset({"concern", "signature", "photo", "feedback", "appointment"})
"""Kinds whose texts, pictures or plates an erasure takes; the others hold no name."""

_YEARS = {"invoice": INVOICE_YEARS, "warranty_claim": CLAIM_YEARS}


@dataclass(frozen=True)
class Retained:
    """Photos of an order that a legal term keeps, until ``kept_until``."""

    order_id: str
    photo_ids: frozenset[str]
    kept_until: datetime


def kept_until(kind: str, latest: datetime) -> datetime | None:
    """Return when the legal term of a kind ends after its latest entry; None where it has none."""
    years = _YEARS.get(kind)
    return _years_after(latest, years) if years else None


def retained(claims: Iterable[Claim], now: datetime) -> list[Retained]:
    """Return by order what the claims of erased orders rest on, as long as their terms run."""
    found: dict[str, Retained] = {}
    for claim in claims:
        latest = claim.decided_at or claim.due_at
        until = _years_after(latest, CLAIM_YEARS)
        photos = frozenset(claim.claim_details.photo_ids)
        if claim.status == "withdrawn" or not photos or until <= now:
            continue
        before = found.get(claim.order_id)
        found[claim.order_id] = Retained(
            claim.order_id,
            photos | before.photo_ids if before else photos,
            max(until, before.kept_until) if before else until,
        )
    return list(found.values())


def _years_after(moment: datetime, years: int) -> datetime:
    """Return the same day so many years later; the 1st of March follows on a 29th of February."""
    is_leap_day = (moment.month, moment.day) == (2, 29)
    day = moment + timedelta(days=1) if is_leap_day else moment
    return day.replace(year=moment.year + years)
