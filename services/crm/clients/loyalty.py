"""The group's loyalty rule, read from ``loyalty.yaml`` of the group folder."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.crm.domain.loyalty import LoyaltyRule, Threshold, Tier
from shared.group import read_yaml

_Amount = Annotated[int, Field(ge=0)]
_Days = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Tier(_Strict):
    tier: Tier
    visits: _Amount
    spend_cents: _Amount
    max_days_since_last_visit: _Days

    def asks_no_more_than(self, better: "_Tier") -> bool:
        return (
            self.tier != better.tier
            and self.visits <= better.visits
            and self.spend_cents <= better.spend_cents
            and self.max_days_since_last_visit >= better.max_days_since_last_visit
        )

    def threshold(self) -> Threshold:
        return Threshold(
            self.tier, self.visits, self.spend_cents, timedelta(days=self.max_days_since_last_visit)
        )


class _Rule(_Strict):
    valid_from: date
    period_days: _Days
    tiers: list[_Tier]
    brands: dict[str, list[_Tier]] = {}

    @model_validator(mode="after")
    def _best_first(self) -> Self:
        for tiers in (self.tiers, *self.brands.values()):
            for better, tier in pairwise(tiers):
                if not tier.asks_no_more_than(better):
                    raise ValueError(f"tier {tier.tier} asks for more than {better.tier} before it")
        return self

    def rule(self) -> LoyaltyRule:
        return LoyaltyRule(
            self.valid_from,
            timedelta(days=self.period_days),
            _thresholds(self.tiers),
            {brand: _thresholds(tiers) for brand, tiers in self.brands.items()},
        )


class _File(_Strict):
    rules: Annotated[list[_Rule], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_time_order(self) -> Self:
        days = [rule.valid_from for rule in self.rules]
        if sorted(set(days)) != days:
            raise ValueError("loyalty rules are not in the order of their days")
        return self


def load_loyalty_rules(folder: Path) -> Sequence[LoyaltyRule]:
    """Return all versions of the rule, the first one first.

    Raises:
        ValueError: a tier asks for more than a better one, or versions are out of order.
    """
    file = _File.model_validate(read_yaml(folder, "loyalty.yaml"))
    return [entry.rule() for entry in file.rules]


def _thresholds(tiers: Sequence[_Tier]) -> Sequence[Threshold]:
    return [tier.threshold() for tier in tiers]
