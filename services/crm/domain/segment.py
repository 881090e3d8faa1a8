"""Segments (客户细分): which customers a campaign is for, and who of them is held back."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field

from services.crm.domain import errors
from shared.contracts.crm import Tier

_WHOLE_BP = 10_000
_TIERS: Sequence[Tier | None] = (*get_args(Tier), None)

Days = Annotated[int, Field(ge=0, le=3660)]
Kilometers = Annotated[int, Field(ge=0, le=2_000_000)]
Months = Annotated[int, Field(ge=0, le=600)]
VehicleName = Annotated[str, Field(min_length=1, max_length=60)]


class Segment(BaseModel):
    """Criteria by which customers are chosen, all of which apply (筛选条件).

    ``tiers`` has ``none`` for customers without a tier. The criteria of vehicles apply to one
    vehicle of the customer together: brand, model, the last reading of the odometer, months since
    the first registration, and work that was declined. ``insurance_ends_within_days`` counts from
    the day on which customers are chosen. A customer with an open complaint, or of another campaign
    that runs, is left out unless that is switched off; without consent to marketing every customer
    is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tiers: Annotated[list[Literal[Tier, "none"]], Field(max_length=4)] = []
    min_days_since_visit: Days | None = None
    max_days_since_visit: Days | None = None
    brands: Annotated[list[VehicleName], Field(max_length=50)] = []
    models: Annotated[list[VehicleName], Field(max_length=200)] = []
    min_odometer_km: Kilometers | None = None
    max_odometer_km: Kilometers | None = None
    min_age_months: Months | None = None
    max_age_months: Months | None = None
    has_declined_work: bool = False
    insurance_ends_within_days: Annotated[int, Field(ge=1, le=366)] | None = None
    without_open_complaint: bool = True
    without_other_campaign: bool = True

    @property
    def asks_about_vehicles(self) -> bool:
        return bool(self.brands or self.models or self.has_declined_work) or any(
            limit is not None
            for limit in (
                self.min_odometer_km,
                self.max_odometer_km,
                self.min_age_months,
                self.max_age_months,
            )
        )


def check(segment: Segment) -> None:
    """Check that no upper limit is below its lower one.

    Raises:
        RuleViolation: one is, so that the segment has no customers.
    """
    for name, low, high in (
        ("max_days_since_visit", segment.min_days_since_visit, segment.max_days_since_visit),
        ("max_odometer_km", segment.min_odometer_km, segment.max_odometer_km),
        ("max_age_months", segment.min_age_months, segment.max_age_months),
    ):
        if low is not None and high is not None and high < low:
            raise errors.limits_crossed(f"segment.{name}")


@dataclass(frozen=True)
class Candidate:
    """Customer of a segment with their tier."""

    customer_ref: str
    tier: Tier | None


@dataclass(frozen=True)
class Draw:
    """Customers who are invited, in the order of their turn, and those held back (对照组)."""

    invited: Sequence[Candidate]
    control: Sequence[Candidate]

    @classmethod
    def of(cls, campaign_id: str, candidates: Sequence[Candidate], control_bp: int) -> Self:
        """Draw the control group: the same one whenever the same customers are drawn from.

        Within a tier, the better one first, customers stand in an order that their references and
        the campaign determine, and nothing else. They are held back at equal distances, so that
        the share is exact in the whole, less the fraction of a customer, and as close in each tier.
        """
        ordered = sorted(
            candidates,
            key=lambda each: (_TIERS.index(each.tier), _lot(campaign_id, each.customer_ref)),
        )
        is_control = [
            (place + 1) * control_bp // _WHOLE_BP > place * control_bp // _WHOLE_BP
            for place in range(len(ordered))
        ]
        drawn = list(zip(ordered, is_control, strict=True))
        return cls(
            [each for each, held_back in drawn if not held_back],
            [each for each, held_back in drawn if held_back],
        )


def wave_of(place: int, customers: int, waves: int) -> int:
    """Return the wave, from 1 on, of the customer at a place among those who are invited.

    Waves are equal but for one customer; the first places are in the first wave.
    """
    return place * waves // customers + 1


def _lot(campaign_id: str, customer_ref: str) -> bytes:
    return hashlib.sha256(f"{campaign_id}/{customer_ref}".encode()).digest()
