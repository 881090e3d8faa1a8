"""Rules of settlement (结算规则) as they hold in one store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.reception.domain.claim import ClaimRules
from shared.contracts.dated import version_on
from shared.contracts.management import RuleVersion, SettlementRules


@dataclass(frozen=True)
class StoreSettlement:
    """The rules of one store: its own, and the group's for what they leave out."""

    discount_limit_bp: Mapping[str, int]
    dunning_days: Sequence[int]
    claims: ClaimRules


def rules_on(
    own: Iterable[RuleVersion], group: Iterable[RuleVersion], day: date
) -> StoreSettlement | None:
    """Return the rules that hold on ``day``, out of the versions of a store and of the group.

    There are none on a day without a rule of the group, which leaves nothing out.
    """
    of_group, of_store = _content_on(group, day), _content_on(own, day)
    return settlement_of(of_group, of_store or SettlementRules()) if of_group else None


def settlement_of(group: SettlementRules, own: SettlementRules) -> StoreSettlement:
    """Return the rules of a store with these ``own`` ones."""
    rules = group.model_copy(update=own.model_dump(exclude_none=True))
    return StoreSettlement(
        discount_limit_bp={
            "service_advisor": rules.service_advisor_discount_bp or 0,
            "service_manager": rules.service_manager_discount_bp or 0,
            "group_manager": rules.group_manager_discount_bp or 0,
        },
        dunning_days=rules.dunning_days or (),
        claims=ClaimRules(
            submission_days=rules.claim_submission_days or 0,
            decision_days=rules.claim_decision_days or 0,
            submission_reminders=rules.claim_submission_reminder_days or (),
            decision_reminders=rules.claim_decision_reminder_days or (),
        ),
    )


def _content_on(versions: Iterable[RuleVersion], day: date) -> SettlementRules | None:
    version = version_on(versions, day)
    content = version.content if version else None
    return content if isinstance(content, SettlementRules) else None
