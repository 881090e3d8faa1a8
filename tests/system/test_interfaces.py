"""Every HTTP operation, called with what its description allows and with what it does not (R39)."""

import asyncio
import contextlib
from typing import Any, get_args

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.result import Ok

from shared.ids import new_id
from shared.security import Role
from tests.support.api import SERVICES, Api

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CALLS = 5


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("service", SERVICES)
async def test_operations_respond_as_described(
    api: Api, service: str, mode: GenerationMode
) -> None:
    token = api.platform.issuer.token("S01-manager-1", roles=get_args(Role), stores=["S01"])
    description = schemathesis.openapi.from_url(f"{api.platform.url(service)}/openapi.json")
    found = list(description.get_all_operations())
    operations = [each.ok() for each in found if isinstance(each, Ok)]
    assert len(operations) == len(found)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        calls = [await asyncio.to_thread(_calls, each, mode, session) for each in operations]
    assert sum(calls) > CALLS * len(operations) / 2


def _calls(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, session: requests.Session
) -> int:
    """Return how often the operation was called; one without any input cannot be called wrongly."""
    calls = 0

    @given(operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=CALLS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def conforms(case: Case[Any]) -> None:
        if "store_id" in case.path_parameters:
            case.path_parameters["store_id"] = "S01"
        nonlocal calls
        calls += 1
        case.call_and_validate(
            session=session, headers={"Idempotency-Key": str(new_id())}, checks=CHECKS
        )

    with contextlib.suppress(*([Unsatisfiable] if mode is GenerationMode.NEGATIVE else [])):
        conforms()
    return calls
