"""References of customers and vehicles."""

from datetime import UTC, datetime

from services.crm.domain.customer import References, register

NOW = datetime(2026, 3, 4, tzinfo=UTC)


def test_only_new_references_are_published() -> None:
    first = References("c", "v", "p")
    assert register("S01", first, first, NOW) == []
    for known in (None, References("c", "v", "")):
        (event,) = register("S01", first, known, NOW)
        assert (event.customer_ref, event.vehicle_ref, event.plate_ref) == ("c", "v", "p")
