"""Calls of the desk to the services that cannot be sent as they are (R40)."""

import pytest
from pydantic import ValidationError

from services.desk.client import Connections, Services, invalid_request
from shared.calls import ApiError
from shared.clients.reception.models import PartLine, QuoteRequest
from shared.settings import Settings


@pytest.fixture
def services() -> Services:
    """Return services that are not running."""
    return Services(Connections(Settings()))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (QuoteRequest(packages=["a\ud800"]), "packages.0"),
        (QuoteRequest(parts=[PartLine(part_number="a\0", quantity=1)]), "parts.0.part_number"),
        (QuoteRequest(pay_types={"\0": "warranty"}), "pay_types.\\u0000"),
    ],
)
async def test_unstorable_text_is_rejected_by_field(
    services: Services, request_: QuoteRequest, field: str
) -> None:
    with pytest.raises(ApiError) as error:
        await services.reception.quote("S01", request_)
    assert [(field_error.field, field_error.rule) for field_error in error.value.field_errors] == [
        (field, "unstorable_text")
    ]


def test_input_without_body_is_rejected_by_field() -> None:
    with pytest.raises(ValidationError) as error:
        QuoteRequest.model_validate({"parts": [{"part_number": None, "quantity": 1.5}]})
    rejection = invalid_request(error.value)
    assert rejection.status == 422
    assert [(each.field, each.rule) for each in rejection.field_errors] == [
        ("parts.0.part_number", "string_type"),
        ("parts.0.quantity", "int_from_float"),
    ]
