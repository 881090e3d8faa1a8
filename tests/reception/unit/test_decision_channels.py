"""Channels over which colleagues learn of a customer's decision."""

import pytest

from services.reception.domain.decision import channels_of


@pytest.mark.parametrize("role", ["service_advisor", "front_desk_supervisor", "service_manager"])
def test_counter_learns_decision_in_person(role: str) -> None:
    assert channels_of([role]) == ("in_person", "phone")


@pytest.mark.parametrize("role", ["customer_care_agent", "customer_care_manager"])
def test_customer_care_learns_decision_by_phone(role: str) -> None:
    assert channels_of([role]) == ("phone",)
