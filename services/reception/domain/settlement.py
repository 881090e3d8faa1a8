"""Rules of settlement (结算规则) as they hold in one store, and what others would have meant."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from services.reception.domain.claim import ClaimRules
from shared.contracts.management import SettlementRules

Approver = Literal["service_advisor", "service_manager", "group_manager"]
"""Roles that approve discounts, the lowest one first."""

_WHOLE_BP = 10_000


@dataclass(frozen=True)
class StoreSettlement:
    """The rules of one store: its own, and the group's for what they leave out."""

    discount_limit_bp: Mapping[str, int]
    dunning_days: Sequence[int]
    claims: ClaimRules


@dataclass(frozen=True)
class DiscountGiven:
    """Discount on an invoice, and what the customer would have paid without it."""

    store_id: str
    amount_cents: int
    payable_cents: int


@dataclass(frozen=True)
class ApprovalChange:
    """Numbers of discounts by the lowest role that may approve them, none where no role may.

    ``higher`` counts those that need a higher role after the change, ``lower`` a lower one.
    """

    before: Mapping[Approver | None, int]
    after: Mapping[Approver | None, int]
    higher: int
    lower: int


def store_rules(group: SettlementRules, own: SettlementRules | None) -> StoreSettlement:
    """Return the rules of a store out of the group's and its ``own``.

    No limit is higher than the group's, also where the group lowered it after the store had set its
    own.
    """
    rules = merged(group, own)
    return StoreSettlement(
        discount_limit_bp={
            role: min(_limit(rules, role), _limit(group, role)) for role in get_args(Approver)
        },
        dunning_days=rules.dunning_days or (),
        claims=ClaimRules(
            submission_days=rules.claim_submission_days or 0,
            decision_days=rules.claim_decision_days or 0,
            submission_reminders=rules.claim_submission_reminder_days or (),
            decision_reminders=rules.claim_decision_reminder_days or (),
        ),
    )


def _limit(rules: SettlementRules, role: Approver) -> int:
    limits = {
        "service_advisor": rules.service_advisor_discount_bp,
        "service_manager": rules.service_manager_discount_bp,
        "group_manager": rules.group_manager_discount_bp,
    }
    return limits[role] or 0


def merged(rules: SettlementRules, first: SettlementRules | None) -> SettlementRules:
    """Return what ``first`` gives, and ``rules`` for what it leaves out."""
    return rules.model_copy(update=first.model_dump(exclude_none=True)) if first else rules


def compare(
    discounts: Sequence[DiscountGiven],
    before: Mapping[str, StoreSettlement],
    after: Mapping[str, StoreSettlement],
) -> ApprovalChange:
    """Return who approves ``discounts`` by the rules of their stores before and after a change."""
    roles = [
        (_approver(each, before[each.store_id]), _approver(each, after[each.store_id]))
        for each in discounts
    ]
    return ApprovalChange(
        before=Counter(old for old, _ in roles),
        after=Counter(new for _, new in roles),
        higher=sum(_rank(new) > _rank(old) for old, new in roles),
        lower=sum(_rank(new) < _rank(old) for old, new in roles),
    )


def _approver(discount: DiscountGiven, rules: StoreSettlement) -> Approver | None:
    given = discount.amount_cents * _WHOLE_BP
    roles: Sequence[Approver] = get_args(Approver)
    return next(
        (r for r in roles if given <= discount.payable_cents * rules.discount_limit_bp[r]), None
    )


def _rank(role: Approver | None) -> int:
    roles = get_args(Approver)
    return roles.index(role) if role else len(roles)
