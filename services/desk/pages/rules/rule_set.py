"""One rule set (规则) as management serves it: the group's, or a store's own."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import BaseModel

from services.desk import formats
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from shared.clients.management.models import (
    ChangeRequest,
    ChangeView,
    DefineRequest,
    PutBackRequest,
    RecordResponse,
    RecordView,
)
from shared.contracts.management import (
    CorrectiveActionRules,
    DeliveryChecklistRules,
    FacilityChecklistRules,
    GroupProfile,
    InspectionChecklistRules,
    LoyaltyRules,
    MessageRules,
    RuleKind,
    SettlementRules,
    ShiftRules,
    WorkingCalendarRules,
)

Content = BaseModel
"""Content of a rule set: a model of its kind."""

MODELS: Mapping[RuleKind, type[Content]] = {
    "loyalty": LoyaltyRules,
    "messages": MessageRules,
    "settlement": SettlementRules,
    "delivery_checklist": DeliveryChecklistRules,
    "facility_checklist": FacilityChecklistRules,
    "corrective_actions": CorrectiveActionRules,
    "inspection_checklist": InspectionChecklistRules,
    "shifts": ShiftRules,
    "working_calendar": WorkingCalendarRules,
    "group_profile": GroupProfile,
}
KINDS: Mapping[str, RuleKind] = {kind: kind for kind in MODELS}

_GROUP, _OWN = "group", "own"


def address_of(kind: str, store_id: str, *, own: bool) -> str:
    """Return the address of a rule set's page."""
    return f"/stores/{store_id}/rules/{_OWN if own else _GROUP}/{kind}"


def title_of(ctx: PageContext, kind: str, for_store: str | None) -> str:
    """Return the name of a rule set: its kind, and whose it is."""
    return f"{ctx.t.code('rule_kind', kind)} · {owner_of(ctx, for_store)}"


def owner_of(ctx: PageContext, for_store: str | None) -> str:
    """Return the store whose own rules they are, or the group."""
    if for_store is None:
        return ctx.t("Whole group")
    return ctx.t.of(ctx.store_of(for_store))


def day_and_time(ctx: PageContext, at: datetime | None) -> str:
    """Return day and time with the year, as changes of rules are read years later."""
    return formats.local(at, ctx.store.timezone).replace("T", " ") if at else NOTHING


@dataclass(frozen=True)
class RuleSet:
    """Queries and commands on one rule set."""

    ctx: PageContext
    kind: RuleKind
    own: bool

    @property
    def address(self) -> str:
        return address_of(self.kind, self.ctx.store.id, own=self.own)

    @property
    def title(self) -> str:
        return title_of(self.ctx, self.kind, self.ctx.store.id if self.own else None)

    @property
    def may_change(self) -> bool:
        management = self.ctx.services.management
        return self.ctx.may(
            management.define_store_rules if self.own else management.define_group_rules
        )

    @property
    def may_end(self) -> bool:
        """Whether the rules may end: the group's are needed on every day."""
        return self.own and self.ctx.may(self.ctx.services.management.end_store_rules)

    async def get(self) -> RecordView:
        management, store_id = self.ctx.services.management, self.ctx.store.id
        if self.own:
            return await management.get_store_rules(store_id, self.kind)
        return await management.get_group_rules(self.kind)

    async def history(self) -> list[ChangeView]:
        management, store_id = self.ctx.services.management, self.ctx.store.id
        if self.own:
            return await management.store_rules_history(store_id, self.kind)
        return await management.group_rules_history(self.kind)

    def define(self, body: DefineRequest, key: str) -> Awaitable[RecordResponse]:
        management, store_id = self.ctx.services.management, self.ctx.store.id
        if self.own:
            return management.define_store_rules(store_id, self.kind, body, idempotency_key=key)
        return management.define_group_rules(self.kind, body, idempotency_key=key)

    def withdraw(self, body: ChangeRequest, key: str) -> Awaitable[RecordResponse]:
        management, store_id = self.ctx.services.management, self.ctx.store.id
        if self.own:
            return management.withdraw_store_rules(store_id, self.kind, body, idempotency_key=key)
        return management.withdraw_group_rules(self.kind, body, idempotency_key=key)

    def put_back(self, body: PutBackRequest, key: str) -> Awaitable[RecordResponse]:
        management, store_id = self.ctx.services.management, self.ctx.store.id
        if self.own:
            return management.put_back_store_rules(store_id, self.kind, body, idempotency_key=key)
        return management.put_back_group_rules(self.kind, body, idempotency_key=key)

    def end(self, body: ChangeRequest, key: str) -> Awaitable[RecordResponse]:
        return self.ctx.services.management.end_store_rules(
            self.ctx.store.id, self.kind, body, idempotency_key=key
        )


def rule_set_of(ctx: PageContext) -> RuleSet | None:
    """Return the rule set that the page's address names."""
    kind, scope = KINDS.get(ctx.parameters["kind"]), ctx.parameters["scope"]
    if kind is None or scope not in (_GROUP, _OWN):
        return None
    return RuleSet(ctx, kind, own=scope == _OWN)


def is_future(valid_from: str, today: date) -> bool:
    """Return whether a version is still to come."""
    return valid_from > today.isoformat()
