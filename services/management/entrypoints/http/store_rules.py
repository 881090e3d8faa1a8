"""Rules of a store: its own, before the group's (门店规则)."""

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
from services.management.entrypoints.http.access import InjectedDeps, Reader, StoreCommand
from shared.contracts.management import GROUP, RuleKind
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter("/rules")


@router.get("", tags=["rules"], openapi_extra=serves("R40"))
async def list_store_rules(store_id: str, _: Reader, deps: InjectedDeps) -> list[RulesEntry]:
    """List the store's own rules, and the group's."""
    return await rules.list_rules([GROUP, store_id], store_id, deps)


@router.get("/{kind}", tags=["rules"], openapi_extra=serves("R40"))
async def get_store_rules(
    store_id: str, kind: RuleKind, _: Reader, deps: InjectedDeps, day: CalendarDay | None = None
) -> RulesView:
    """Return the versions of the store's rules of a kind, and the one of a day, or of today."""
    return await rules.get_rules(store_id, kind, day, deps)


@router.get("/{kind}/history", tags=["rules"], openapi_extra=serves("R40"))
async def store_rules_history(
    store_id: str, kind: RuleKind, _: Reader, deps: InjectedDeps
) -> list[RuleChangeView]:
    """Return the changes of the store's rules of a kind, the last one first (变更记录)."""
    return await rules.rules_history(store_id, kind, deps)


@router.put("/{kind}", response_model=RulesResponse, tags=["rules"], openapi_extra=serves("R40"))
async def define_store_rules(
    store_id: str,
    kind: RuleKind,
    body: DefineRulesRequest,
    command: StoreCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Define the store's rules of a kind from a day on (规定).

    Content that holds already on that day changes nothing. Only the first definition may begin in
    the past.
    """
    return await command.run(lambda uow: rules.define_rules(uow, store_id, kind, body, deps))


@router.post(
    "/{kind}/end", response_model=RulesResponse, tags=["rules"], openapi_extra=serves("R40")
)
async def end_store_rules(
    store_id: str,
    kind: RuleKind,
    body: RuleChangeRequest,
    command: StoreCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """End a store's own rules: from a day on the group's hold there too (终止)."""
    return await command.run(lambda uow: rules.end_rules(uow, store_id, kind, body, deps))


@router.post(
    "/{kind}/withdraw", response_model=RulesResponse, tags=["rules"], openapi_extra=serves("R40")
)
async def withdraw_store_rules(
    store_id: str,
    kind: RuleKind,
    body: RuleChangeRequest,
    command: StoreCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Withdraw the version of a day to come; the one before it goes on (撤回)."""
    return await command.run(lambda uow: rules.withdraw_rules(uow, store_id, kind, body, deps))


@router.post(
    "/{kind}/put-back", response_model=RulesResponse, tags=["rules"], openapi_extra=serves("R40")
)
async def put_back_store_rules(
    store_id: str,
    kind: RuleKind,
    body: PutBackRulesRequest,
    command: StoreCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    """Put the content of an earlier change back, from a day on (恢复)."""
    return await command.run(lambda uow: rules.put_back_rules(uow, store_id, kind, body, deps))
