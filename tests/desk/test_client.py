"""Calls of the desk to the services that cannot be sent as they are (R40)."""

import pytest

from services.desk.client import Connections, RefusalError, Services
from shared.settings import Settings


@pytest.fixture
def services() -> Services:
    """Services that nobody has started."""
    return Services(Connections(Settings()))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"words": "a\ud800"}, "words"),
        ({"parts": [{"part_no": "a\0"}]}, "parts.0.part_no"),
        ({"pay_types": {"\udfff": "warranty"}}, "pay_types.\\udfff"),
    ],
)
async def test_unstorable_text_is_refused_beside_its_field(
    services: Services, body: dict[str, object], field: str
) -> None:
    with pytest.raises(RefusalError) as refusal:
        await services.command("reception", "/stores/S01/orders", body, attempt="a")
    assert [(fault.field, fault.rule) for fault in refusal.value.faults] == [
        (field, "unstorable_text")
    ]


@pytest.mark.parametrize(("path", "status"), [("/orders/a\0", 422), ("/orders/a\x01", 404)])
async def test_impossible_address_is_refused(services: Services, path: str, status: int) -> None:
    with pytest.raises(RefusalError) as refusal:
        await services.get("reception", path)
    assert refusal.value.status == status
