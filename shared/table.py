"""SQL of a table whose rows are frozen dataclasses: each field is a column of the same name."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import TypeAdapter

from shared.contracts.versioned import Versioned, columns, loaded

T = TypeVar("T")


@dataclass(frozen=True)
class Table(Generic[T]):
    """A table and the dataclass of its rows.

    ``key`` identifies a row; an ``upsert`` leaves the ``fixed`` columns of an earlier one. ``json``
    fields are stored as JSON, encoded and decoded by their types. Columns that are not fields are
    named too: ``added`` ones are written with the row, ``separate`` ones by other statements.

    Raises:
        ValueError: ``key``, ``fixed`` or ``json`` names what is not a column.
    """

    name: str
    row: type[T]
    key: Sequence[str]
    fixed: Sequence[str] = ()
    json: Sequence[str] = ()
    added: Sequence[str] = ()
    separate: Sequence[str] = ()

    def __post_init__(self) -> None:
        if unknown := {*self.key, *self.fixed, *self.json} - {*self.written, *self.separate}:
            raise ValueError(f"{self.name} has no columns {', '.join(sorted(unknown))}")

    @cached_property
    def fields(self) -> Sequence[str]:
        """The columns that are fields of the dataclass."""
        return columns(self.row)

    @cached_property
    def written(self) -> Sequence[str]:
        """The columns that are written with a row."""
        return [*self.added, *self.fields]

    @cached_property
    def column_list(self) -> str:
        """The fields, for a ``SELECT`` that joins other tables."""
        return _listed(self.fields)

    @cached_property
    def qualified_list(self) -> str:
        """The fields, each under the name of its table, to join tables with like columns."""
        return ", ".join(f'{self.name}."{each}" AS "{self.name}.{each}"' for each in self.fields)

    @cached_property
    def select(self) -> str:
        """``SELECT … FROM …`` of the fields."""
        return f"SELECT {self.column_list} FROM {self.name}\n"

    @cached_property
    def insert(self) -> str:
        """``INSERT`` of the ``values`` of a row."""
        places = ", ".join(f"${number}" for number, _ in enumerate(self.written, 1))
        return f"INSERT INTO {self.name} ({_listed(self.written)}) VALUES ({places})\n"

    @cached_property
    def upsert(self) -> str:
        """``insert`` that changes an earlier row with the same key, but for ``fixed`` columns."""
        changing = [name for name in self.written if name not in {*self.key, *self.fixed}]
        assignments = ", ".join(f'"{name}" = excluded."{name}"' for name in changing)
        return f"{self.insert}ON CONFLICT ({_listed(self.key)}) DO UPDATE SET {assignments}"

    @cached_property
    def update(self) -> str:
        """``UPDATE`` of the row with the same key."""
        equals = {name: f'"{name}" = ${number}' for number, name in enumerate(self.written, 1)}
        identity = " AND ".join(equals.pop(name) for name in self.key)
        return f"UPDATE {self.name} SET {', '.join(equals.values())} WHERE {identity}"

    def values(self, row: T, **added: Any) -> list[Any]:
        """Return the parameters to write ``row`` with, given a value of each added column."""
        if added.keys() != {*self.added}:
            raise TypeError(f"{self.name} needs {_listed(self.added)}, got {_listed([*added])}")
        stored = {name: getattr(row, name) for name in self.fields} | added
        for name, kind in self._json_types.items():
            stored[name] = kind.dump_python(stored[name], mode="json")
        return [stored[name] for name in self.written]

    def read(self, record: Any) -> T:
        """Return the row of a record that has all fields."""
        return self._row({name: record[name] for name in self.fields})

    def read_qualified(self, record: Any) -> T:
        """Return the row of a record that has the fields of ``qualified_list``."""
        return self._row({name: record[f"{self.name}.{name}"] for name in self.fields})

    def _row(self, values: dict[str, Any]) -> T:
        for name, kind in self._json_types.items():
            values[name] = kind.validate_python(values[name])
        row = self.row(**values)
        return loaded(row) if isinstance(row, Versioned) else row

    @cached_property
    def _json_types(self) -> dict[str, TypeAdapter[Any]]:
        types = get_type_hints(self.row)
        return {name: TypeAdapter(types[name]) for name in self.json}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
