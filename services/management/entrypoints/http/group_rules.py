"""Rules of the group (集团规则)."""

from fastapi.responses import JSONResponse

from services.management.application import rules
from services.management.application.rules import (
    DefineRulesRequest,
    PutBackRulesRequest,
    RuleChangeRequest,
    RuleChangeView,
    RulesEntry,
    RulesResponse,
    RulesView,
)
from services.management.entrypoints.http.access import GroupCommand, InjectedDeps, Reader
from shared.contracts.management import GROUP, RuleKind
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import Router

router = Router(prefix="/group/rules")


@router.get("", tags=["rules"], openapi_extra=serves("R40"))
async def list_group_rules(principal: Reader, deps: InjectedDeps) -> list[RulesEntry]:
    """List the group's rules, and those that the caller's stores have of their own."""
    return await rules.list_rules([GROUP, *(principal.stores & deps.stores.keys())], GROUP, deps)


@router.get("/{kind}", tags=["rules"], openapi_extra=serves("R40"))
async def get_group_rules(
    kind: RuleKind, _: Reader, deps: InjectedDeps, day: CalendarDay | None = None
) -> RulesView:
    """Return the versions of the group's rules of a kind, and the one of a day, or of today."""
    return await rules.get_rules(GROUP, kind, day, deps)


@router.get("/{kind}/history", tags=["rules"], openapi_extra=serves("R40"))
async def group_rules_history(
    kind: RuleKind, _: Reader, deps: InjectedDeps
) -> list[RuleChangeView]:
    """Return the changes of the group's rules of a kind, the last one first (变更记录)."""
    return await rules.rules_history(GROUP, kind, deps)


@router.put("/{kind}", response_model=RulesResponse, tags=["rules"], openapi_extra=serves("R40"))
async def define_group_rules(
    kind: RuleKind, body: DefineRulesRequest, command: GroupCommand, deps: InjectedDeps
) -> JSONResponse:
    """Define the group's rules of a kind from a day on (规定).

    Content that holds already on that day changes nothing. Only the first definition may begin in
    the past.
    """
    return await command.run(lambda uow: rules.define_rules(uow, GROUP, kind, body, deps))


@router.post(
    "/{kind}/withdraw", response_model=RulesResponse, tags=["rules"], openapi_extra=serves("R40")
)
async def withdraw_group_rules(
    kind: RuleKind, body: RuleChangeRequest, command: GroupCommand, deps: InjectedDeps
) -> JSONResponse:
    """Withdraw the version of a day to come; the one before it goes on (撤回)."""
    return await command.run(lambda uow: rules.withdraw_rules(uow, GROUP, kind, body, deps))


@router.post(
    "/{kind}/put-back", response_model=RulesResponse, tags=["rules"], openapi_extra=serves("R40")
)
async def put_back_group_rules(
    kind: RuleKind, body: PutBackRulesRequest, command: GroupCommand, deps: InjectedDeps
) -> JSONResponse:
    """Put the content of an earlier change back, from a day on (恢复)."""
    return await command.run(lambda uow: rules.put_back_rules(uow, GROUP, kind, body, deps))
