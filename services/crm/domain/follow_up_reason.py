"""Reasons to call a customer (回访事由), in the order in which they matter to a store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from shared.contracts.crm import ConsentPurpose
from shared.contracts.management import FollowUpReasonRule, FollowUpReasonRules

Reason = Literal[
    "delivery",
    "first_contact",
    "complaint_revisit",
    "service_reminder",
    "birthday",
    "long_silence",
    "insurance_renewal",
    "win_back",
    "survey",
    "campaign",
    "ad_hoc",
]
"""交车回访、首次联系、投诉回访、保养提醒、生日关怀、久未到店、续保、流失挽回、满意度调查、营销活动、
临时回访."""

REASONS: tuple[Reason, ...] = get_args(Reason)

MOST_REASONS = 20
"""Largest number of reasons in the rules of a store, and so the largest priority."""

Purpose = Literal["service", "survey", "marketing"]
"""Purpose of a contact, which a customer may refuse (联系目的): 服务、调查、营销."""

CONSENTS: Mapping[Purpose, ConsentPurpose] = {
    "service": "service_calls",
    "survey": "surveys",
    "marketing": "marketing",
}
"""The consent whose withdrawal refuses the calls of a purpose."""

PURPOSES: Mapping[Reason, Purpose] = {
    "delivery": "service",
    "first_contact": "service",
    "complaint_revisit": "service",
    "service_reminder": "service",
    "birthday": "marketing",
    "long_silence": "marketing",
    "insurance_renewal": "marketing",
    "win_back": "marketing",
    "survey": "survey",
    "campaign": "marketing",
    "ad_hoc": "service",
}


@dataclass(frozen=True)
class ReasonRules:
    """Reasons for which a store calls; ``order`` gives each its place, the first matters most."""

    reasons: Mapping[str, FollowUpReasonRule]
    order: Mapping[str, int]
    between_contacts: timedelta

    @classmethod
    def of(cls, rules: FollowUpReasonRules) -> "ReasonRules":
        return cls(
            {each.reason: each for each in rules.reasons},
            {each.reason: place for place, each in enumerate(rules.reasons, 1)},
            timedelta(days=rules.days_between_contacts),
        )

    def if_crowded(self, reason: str) -> Literal["move", "drop", "keep"]:
        """Return what happens to a call where another one that matters more is too close."""
        rule = self.reasons.get(reason)
        return rule.if_crowded if rule else "move"

    def script(self, reason: str, language: Literal["zh", "en"]) -> str | None:
        """Return what an agent says to a customer of this language (话术)."""
        rule = self.reasons.get(reason)
        if rule is None:
            return None
        return rule.script_zh if language == "zh" else rule.script_en


def is_refused(reason: Reason, refused: Iterable[Purpose]) -> bool:
    """Return whether a customer who refuses these purposes may not be called for ``reason``."""
    return PURPOSES[reason] in refused
