"""Completeness of customer records (档案完整度)."""

from typing import Annotated

from fastapi import Query

from services.crm.application import completeness
from services.crm.application.completeness import RecordCompleteness
from services.crm.domain.completeness import Custodian
from services.crm.entrypoints.http.access import InjectedDeps, Reader
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/record-gaps", tags=["customers"], openapi_extra=serves("R19"))
async def list_record_gaps(
    store_id: str,
    _: Reader,
    deps: InjectedDeps,
    custodian: Annotated[Custodian | None, Query()] = None,
) -> list[RecordCompleteness]:
    return await completeness.list_record_gaps(store_id, custodian, deps)


@router.get(
    "/customers/{customer_ref}/completeness", tags=["customers"], openapi_extra=serves("R19")
)
async def get_completeness(
    store_id: str, customer_ref: str, _: Reader, deps: InjectedDeps
) -> RecordCompleteness:
    return await completeness.get_completeness(store_id, customer_ref, deps)
