"""Versions of saved objects."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.versioned import Versioned, columns, loaded, next_version, require_version
from shared.contracts.violations import RuleViolation
from shared.unit_of_work import UnitOfWork

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Light(Versioned):
    """Object with a state."""

    color: str
    notes: tuple[str, ...] = ()


colors = st.sampled_from(["red", "green", "blue"])


@given(st.lists(st.lists(colors, min_size=1, max_size=3), max_size=12))
def test_only_changed_aggregate_gets_next_version(transactions: list[list[str]]) -> None:
    light = next_version(Light("red"), "p0", NOW)
    for number, changes in enumerate(transactions, start=1):
        before, person, at = light, f"p{number}", NOW + timedelta(minutes=number)
        for color in changes:
            light = replace(light, color=color)
        light = next_version(light, person, at)
        if light.color == before.color:
            assert light == before
        else:
            assert light.version == before.version + 1
            assert (light.changed_by, light.changed_at) == (person, at)


def test_new_aggregate_is_saved_as_first_version() -> None:
    light = next_version(Light("red"), "p1", NOW)
    assert (light.version, light.changed_by, light.changed_at) == (1, "p1", NOW)
    assert "stored" not in columns(Light)


async def test_uow_writes_only_changed_aggregates() -> None:
    uow = UnitOfWork(None, NOW, frozenset(), "p2", None, NOW)  # type: ignore[arg-type]
    written: list[Light] = []
    lights = [loaded(Light(color, version=4)) for color in ("red", "green")]

    async def write(changed: Sequence[Light]) -> None:
        written.extend(changed)

    kept, turned = await uow.save([lights[0], replace(lights[1], color="blue")], write)
    assert (kept.version, turned.version, turned.changed_by) == (4, 5, "p2")
    assert written == [turned]
    assert await uow.save([kept, turned], write) == [kept, turned]
    assert written == [turned]


def test_decision_on_old_version_names_previous_author() -> None:
    light = Light("red", version=7, changed_by="a2", changed_at=NOW)
    require_version(light, "7")
    for seen in ("6", "8", "", "07", "seven"):
        with pytest.raises(RuleViolation) as violation:
            require_version(light, seen, color=light.color)
        assert (violation.value.rule, violation.value.field) == ("version_conflict", "version")
        values = {"version": "7", "by": "a2", "at": NOW.isoformat(), "color": "red"}
        assert violation.value.values == values
