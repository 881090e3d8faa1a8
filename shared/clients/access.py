"""Roles to which the services open their operations, as their interfaces say."""

from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any, TypeVar

from shared.security import Role

_ROLES = "roles"
_AREA = "area"
_COMMANDS_TAKE = "idempotency_key"

OperationT = TypeVar("OperationT", bound=Callable[..., Any])


def open_to(*roles: Role, area: str) -> Callable[[OperationT], OperationT]:
    """Mark a client's operation with the roles that may call it, and the ``area`` of its work."""

    def marked(operation: OperationT) -> OperationT:
        setattr(operation, _ROLES, frozenset(roles))
        setattr(operation, _AREA, area)
        return operation

    return marked


def roles_of(operation: Callable[..., Any]) -> frozenset[Role]:
    """Return the roles that may call an operation."""
    roles: frozenset[Role] = getattr(operation, _ROLES)
    return roles


def area_of(operation: Callable[..., Any]) -> str:
    """Return the area of the work to which an operation belongs."""
    area: str = getattr(operation, _AREA)
    return area


def is_command(operation: Callable[..., Any]) -> bool:
    """Return whether an operation changes something."""
    return _COMMANDS_TAKE in signature(operation).parameters


def operations_of(client: type) -> Iterator[Callable[..., Any]]:
    """Yield a client's operations that are open to some roles only, in the order of its service."""
    yield from (each for each in vars(client).values() if hasattr(each, _ROLES))
