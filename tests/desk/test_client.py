"""Calls of the desk to the services that cannot be sent as they are (R40)."""

import pytest

from services.desk.client import Connections, Services
from shared.calls import ApiError
from shared.settings import Settings


@pytest.fixture
def services() -> Services:
    """Return services that are not running."""
    return Services(Connections(Settings()))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"comment": "a\ud800"}, "comment"),
        ({"parts": [{"part_number": "a\0"}]}, "parts.0.part_number"),
        ({"pay_types": {"\udfff": "warranty"}}, "pay_types.\\udfff"),
    ],
)
async def test_unstorable_text_is_rejected_by_field(
    services: Services, body: dict[str, object], field: str
) -> None:
    with pytest.raises(ApiError) as error:
        await services.command("reception", "/stores/S01/orders", body, attempt="a")
    assert [(field_error.field, field_error.rule) for field_error in error.value.field_errors] == [
        (field, "unstorable_text")
    ]


@pytest.mark.parametrize(("path", "status"), [("/orders/a\0", 422), ("/orders/a\x01", 404)])
async def test_invalid_address_is_rejected(services: Services, path: str, status: int) -> None:
    with pytest.raises(ApiError) as error:
        await services.get("reception", path)
    assert error.value.status == status
