"""SQL of tables whose rows are dataclasses."""

from dataclasses import dataclass
from datetime import date

import pytest

from shared.contracts.versioned import Versioned
from shared.table import Table


@dataclass(frozen=True)
class Stay:
    """A stay in a room."""

    nights: int
    since: date


@dataclass(frozen=True)
class Guest(Versioned):
    """A guest."""

    guest_id: str
    name: str
    stays: tuple[Stay, ...] = ()


GUESTS = Table(
    "guest",
    Guest,
    key=("store_id", "guest_id"),
    fixed=("name",),
    json=("stays",),
    added=("store_id",),
)
GUEST = Guest(version=3, guest_id="G1", name="Li", stays=(Stay(2, date(2026, 3, 1)),))


def test_select_lists_every_stored_field() -> None:
    assert GUESTS.select == (
        'SELECT "version", "changed_by", "changed_at", "guest_id", "name", "stays" FROM guest\n'
    )


def test_upsert_leaves_key_and_fixed_columns() -> None:
    assert GUESTS.upsert == (
        'INSERT INTO guest ("store_id", "version", "changed_by", "changed_at", "guest_id", "name", '
        '"stays") VALUES ($1, $2, $3, $4, $5, $6, $7)\n'
        'ON CONFLICT ("store_id", "guest_id") DO UPDATE SET "version" = excluded."version", '
        '"changed_by" = excluded."changed_by", "changed_at" = excluded."changed_at", '
        '"stays" = excluded."stays"'
    )


def test_update_numbers_parameters_like_insert() -> None:
    assert GUESTS.update == (
        'UPDATE guest SET "version" = $2, "changed_by" = $3, "changed_at" = $4, "name" = $6, '
        '"stays" = $7 WHERE "store_id" = $1 AND "guest_id" = $5'
    )


def test_values_follow_columns_and_encode_json() -> None:
    stays = [{"nights": 2, "since": "2026-03-01"}]
    assert GUESTS.values(GUEST, store_id="S01") == ["S01", 3, None, None, "G1", "Li", stays]


def test_read_returns_loaded_row_by_name() -> None:
    written = dict(zip(GUESTS.written, GUESTS.values(GUEST, store_id="S01"), strict=True))
    read = GUESTS.read(dict(reversed(written.items())))
    assert read == GUEST
    assert read.stored == GUEST


@pytest.mark.parametrize("added", [{}, {"store_id": "S01", "room": "12"}])
def test_values_refuse_other_added_columns(added: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="store_id"):
        GUESTS.values(GUEST, **added)


def test_unknown_column_in_declaration_is_refused() -> None:
    with pytest.raises(ValueError, match="guest has no columns room"):
        Table("guest", Guest, key=("guest_id",), fixed=("room",))
