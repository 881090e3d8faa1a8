"""Warranty claims (索赔) from draft to settlement."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.reception.application import claims
from services.reception.application.claims import (
    ClaimDecisionRequest,
    ClaimEntry,
    ClaimView,
    RecordClaimDetailsRequest,
    SettleClaimRequest,
)
from services.reception.domain.claim import ClaimStatus
from services.reception.entrypoints.http.access import (
    ApproverCommand,
    ClaimCommand,
    ClaimReader,
    InjectedDeps,
)
from shared.request_model import VersionedRequest
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/claims", tags=["claims"], openapi_extra=serves("R6", "R32"))
async def list_claims(
    store_id: str,
    _: ClaimReader,
    status: Annotated[list[ClaimStatus], Query(max_length=10)],
    deps: InjectedDeps,
) -> list[ClaimEntry]:
    return await claims.list_claims(store_id, status, deps)


@router.get("/claims/{claim_id}", tags=["claims"], openapi_extra=serves("R6"))
async def get_claim(store_id: str, claim_id: str, _: ClaimReader, deps: InjectedDeps) -> ClaimEntry:
    return await claims.get_claim(store_id, claim_id, deps)


@router.post(
    "/claims/{claim_id}/claim-details",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6"),
)
async def record_claim_details(
    claim_id: str, body: RecordClaimDetailsRequest, command: ClaimCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: claims.record_claim_details(uow, claim_id, body, deps))


@router.post(
    "/claims/{claim_id}/submission",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6"),
)
async def submit_claim(
    claim_id: str, body: VersionedRequest, command: ClaimCommand, deps: InjectedDeps
) -> JSONResponse:
    """Submit the claim to the manufacturer (提交); refused while details are missing."""
    return await command.run(lambda uow: claims.submit_claim(uow, claim_id, body, deps))


@router.post(
    "/claims/{claim_id}/decision",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6"),
)
async def record_claim_decision(
    claim_id: str, body: ClaimDecisionRequest, command: ClaimCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: claims.record_claim_decision(uow, claim_id, body, deps))


@router.post(
    "/claims/{claim_id}/settlement",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6", "R8"),
)
async def settle_claim(
    claim_id: str, body: SettleClaimRequest, command: ClaimCommand, deps: InjectedDeps
) -> JSONResponse:
    """Settle the claim with what the manufacturer has paid (索赔结算); the store bears the rest."""
    return await command.run(lambda uow: claims.settle_claim(uow, claim_id, body, deps))


@router.post(
    "/claims/{claim_id}/write-off",
    response_model=ClaimView,
    tags=["claims"],
    openapi_extra=serves("R6", "R8"),
)
async def write_claim_off(
    claim_id: str, body: VersionedRequest, command: ApproverCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: claims.write_claim_off(uow, claim_id, body, deps))
