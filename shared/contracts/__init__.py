"""Event contracts, one module a publishing service; no behavior."""

from types import ModuleType

from shared.contracts import crm, management, reception, reporting, workshop
from shared.contracts.base import Event

__all__ = [
    "COMPACTED",
    "CONTRACTS",
    "CONTRACTS_PATH",
    "PUBLISHERS",
    "Event",
    "contracts_address",
    "contracts_of",
    "schema_address",
    "type_name",
]

CONTRACTS_PATH = "/contracts"
"""Path at which the desk lists all contracts, from which a program of another company begins."""

PUBLISHERS: dict[str, ModuleType] = {
    "reception": reception,
    "workshop": workshop,
    "crm": crm,
    "reporting": reporting,
    "management": management,
}


def type_name(event: type[Event]) -> str:
    """``ce_type`` of a contract, such as ``aftersales.workshop.JobAssigned.v1``."""
    return f"aftersales.{event.publisher}.{event.__name__}.v{event.version}"


def schema_address(kind: str) -> str:
    """``$id`` of the schema of an event type, and ``ce_dataschema`` of its records.

    It names the schema and never changes; the desk answers its path with the schema.
    """
    return f"https://aftersales.example/schemas/{kind}.json"


def contracts_address(desk: str) -> str:
    """Return where the desk that others reach at ``desk`` lists all contracts."""
    return f"{desk.rstrip('/')}{CONTRACTS_PATH}"


def contracts_of(publisher: str) -> tuple[type[Event], ...]:
    """The public event models of one service, in the order of their definition."""
    return tuple(
        value
        for name, value in vars(PUBLISHERS[publisher]).items()
        if isinstance(value, type)
        and issubclass(value, Event)
        and value is not Event
        and not name.startswith("_")
    )


CONTRACTS: dict[str, type[Event]] = {
    type_name(event): event for publisher in PUBLISHERS for event in contracts_of(publisher)
}

COMPACTED = frozenset(event.topic for event in CONTRACTS.values() if event.compacted)
"""Topics on which a version replaces the earlier ones."""
