"""Qualified technicians, fitting bays, and the limits of a manual override (R11, R12)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.workshop.domain.dispatch import require_assignable
from services.workshop.domain.job import Job
from services.workshop.domain.resources import (
    BayConfig,
    Operation,
    Shift,
    TechnicianConfig,
    able_technicians,
    is_qualified,
    missing_qualification,
)
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, tzinfo=UTC)
BATTERY = Operation("HVE-001", "high_voltage", 2, 1.0, "hv", 1, "high_voltage", None)
OFF_DUTY = Shift(frozenset(), ())
JOB = Job("j1", "S01", "o1", 0, "HVE-001", 1.0, "planned", NOW, NOW)


def technician(technician_id: str, level: int, *certificates: str) -> TechnicianConfig:
    skills = {"high_voltage": level}
    return TechnicianConfig(technician_id, skills, frozenset(certificates), 1.0, OFF_DUTY)


MEMBERS = [technician("t1", 3, "high_voltage"), technician("t2", 3), technician("t3", 1)]
BAYS = [BayConfig("b1", "hv", frozenset({"hv"})), BayConfig("b2", "lift", frozenset({"lift"}))]


@pytest.mark.parametrize(
    ("level", "certificates", "missing"),
    [
        (2, ("high_voltage",), None),
        (1, ("high_voltage",), "high_voltage 2"),
        (2, (), "high_voltage"),
    ],
)
def test_missing_level_or_certificate_is_named(
    level: int, certificates: tuple[str, ...], missing: str | None
) -> None:
    member = technician("t1", level, *certificates)
    assert missing_qualification(BATTERY, member) == missing
    assert is_qualified(BATTERY, member) == (missing is None)


def test_operation_without_certificate_asks_for_none() -> None:
    assert able_technicians(replace(BATTERY, certificate=None), MEMBERS) == ["t1", "t2"]


@pytest.mark.parametrize(
    ("technician_ids", "bay_id", "rule"),
    [
        (["t1", "t2"], "b1", "wrong_number_of_technicians"),
        (["t9"], "b1", "unknown_technician"),
        (["t2"], "b1", "not_qualified"),
        (["t1"], "b9", "unknown_bay"),
        (["t1"], "b2", "bay_unsuitable"),
    ],
)
def test_override_with_unfit_resource_is_rejected(
    technician_ids: list[str], bay_id: str, rule: str
) -> None:
    with pytest.raises(RuleViolation) as caught:
        require_assignable(JOB, BATTERY, technician_ids, bay_id, MEMBERS, BAYS)
    assert caught.value.rule == rule


def test_override_with_forbidden_technician_is_rejected() -> None:
    kept_away = replace(JOB, forbidden_technicians=("t1",))
    with pytest.raises(RuleViolation) as caught:
        require_assignable(kept_away, BATTERY, ["t1"], "b1", MEMBERS, BAYS)
    assert caught.value.rule == "technician_forbidden"
    require_assignable(JOB, BATTERY, ["t1"], "b1", MEMBERS, BAYS)
