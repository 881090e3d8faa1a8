"""Kinds of rules, and what distinguishes them: the rest of the mechanism is the same for all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.management.domain import (
    checklists,
    corrective_actions,
    errors,
    loyalty,
    messages,
    settlement,
)
from shared.contracts.base import EventPart
from shared.contracts.management import (
    GROUP,
    CorrectiveActionRules,
    DeliveryChecklistRules,
    FacilityChecklistRules,
    LoyaltyRules,
    MessageRules,
    RuleContent,
    RuleKind,
    SettlementRules,
)

Check = Callable[[Any], None]
"""Check of the content of a kind, which raises a RuleViolation."""


CheckBeside = Callable[[Any, Any], None]
"""Check of a store's content beside the group's, which raises a RuleViolation."""


def _nothing(*_: RuleContent) -> None:
    """Check nothing more."""


@dataclass(frozen=True)
class Kind:
    """One kind of rules.

    ``for_stores``: a store may have rules of its own, which come before the group's. The group's
    must pass ``check_complete`` too, a store's ``check_beside`` the group's.
    """

    name: RuleKind
    content: type[EventPart]
    for_stores: bool
    check: Check
    check_complete: Check = _nothing
    check_beside: CheckBeside = _nothing

    def rule_id(self, store_id: str) -> str:
        """Return the id of the rule set of the group, or of a store.

        Raises:
            RuleViolation: stores have none of this kind.
        """
        if store_id == GROUP:
            return self.name
        if not self.for_stores:
            raise errors.no_rules_of_stores(self.name)
        return f"{self.name}.{store_id}"

    def require(
        self, content: RuleContent, store_id: str, group: RuleContent | None = None
    ) -> None:
        """Check content before it is decided on; ``group`` is what the group's rules say then.

        Raises:
            RuleViolation: it is of another kind, or breaks a rule of this one.
        """
        if not isinstance(content, self.content):
            raise errors.another_kind(self.name)
        self.check(content)
        if store_id == GROUP:
            self.check_complete(content)
        elif group is not None:
            self.check_beside(content, group)


KINDS: Mapping[RuleKind, Kind] = {
    kind.name: kind
    for kind in (
        Kind("loyalty", LoyaltyRules, for_stores=False, check=loyalty.check),
        Kind(
            "messages",
            MessageRules,
            for_stores=True,
            check=messages.check,
            check_complete=messages.check_complete,
        ),
        Kind(
            "settlement",
            SettlementRules,
            for_stores=True,
            check=settlement.check,
            check_complete=settlement.check_complete,
            check_beside=settlement.check_beside,
        ),
        Kind(
            "delivery_checklist",
            DeliveryChecklistRules,
            for_stores=True,
            check=checklists.check_delivery,
        ),
        Kind(
            "facility_checklist",
            FacilityChecklistRules,
            for_stores=True,
            check=checklists.check_facility,
        ),
        Kind(
            "corrective_actions",
            CorrectiveActionRules,
            for_stores=True,
            check=corrective_actions.check,
            check_complete=corrective_actions.check_complete,
        ),
    )
}
