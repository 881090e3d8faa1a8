"""Insurance policies (保单) and their renewal (续保)."""

from fastapi.responses import JSONResponse

from services.crm.application import insurance, renewal_handover
from services.crm.application.insurance import (
    InsurersView,
    LoseRenewalRequest,
    PolicyDetail,
    PolicyList,
    PolicyPage,
    PolicyView,
    QuoteView,
    RecordPolicyRequest,
    RecordQuoteRequest,
    WinRenewalRequest,
)
from services.crm.application.renewal_handover import HandOverRenewalRequest
from services.crm.entrypoints.http.access import After, CallerCommand, CallReader, InjectedDeps
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter("/insurance")

_R27 = serves("R27")


@router.get("/insurers", tags=["insurance"], openapi_extra=_R27)
async def list_insurers(store_id: str, _: CallReader, deps: InjectedDeps) -> InsurersView:
    return await insurance.list_insurers(store_id, deps)


@router.get("/policies", tags=["insurance"], openapi_extra=_R27)
async def list_policies(
    store_id: str,
    _: CallReader,
    deps: InjectedDeps,
    view: PolicyList = "due",
    after: After = None,
) -> PolicyPage:
    return await insurance.list_policies(store_id, view, after, deps)


@router.post(
    "/policies",
    status_code=201,
    response_model=PolicyView,
    tags=["insurance"],
    openapi_extra=_R27,
)
async def record_policy(
    body: RecordPolicyRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: insurance.record_policy(uow, body, deps), status=201)


@router.get("/policies/{policy_id}", tags=["insurance"], openapi_extra=_R27)
async def get_policy(
    store_id: str, policy_id: str, _: CallReader, deps: InjectedDeps
) -> PolicyDetail:
    return await insurance.get_policy(store_id, policy_id, deps)


@router.post(
    "/policies/{policy_id}/quotes",
    status_code=201,
    response_model=QuoteView,
    tags=["insurance"],
    openapi_extra=_R27,
)
async def record_quote(
    policy_id: str, body: RecordQuoteRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: insurance.record_quote(uow, policy_id, body, deps), status=201
    )


@router.post(
    "/policies/{policy_id}/win", response_model=PolicyView, tags=["insurance"], openapi_extra=_R27
)
async def win_renewal(
    policy_id: str, body: WinRenewalRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: insurance.win_renewal(uow, policy_id, body, deps))


@router.post(
    "/policies/{policy_id}/lose", response_model=PolicyView, tags=["insurance"], openapi_extra=_R27
)
async def lose_renewal(
    policy_id: str, body: LoseRenewalRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: insurance.lose_renewal(uow, policy_id, body, deps))


@router.post(
    "/policies/{policy_id}/hand-over",
    response_model=PolicyView,
    tags=["insurance"],
    openapi_extra=serves("R16", "R27"),
)
async def hand_over_renewal(
    policy_id: str, body: HandOverRenewalRequest, command: CallerCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: renewal_handover.hand_over_renewal(
            uow, policy_id, body, command.principal, deps
        )
    )
