"""Roles to which the services open their operations, as their interfaces say."""

from collections.abc import Callable
from typing import Any, TypeVar

from shared.security import Role

_ROLES = "roles"

OperationT = TypeVar("OperationT", bound=Callable[..., Any])


def open_to(*roles: Role) -> Callable[[OperationT], OperationT]:
    """Mark a client's operation with the roles that may call it."""

    def marked(operation: OperationT) -> OperationT:
        setattr(operation, _ROLES, frozenset(roles))
        return operation

    return marked


def roles_of(operation: Callable[..., Any]) -> frozenset[Role]:
    """Return the roles that may call an operation."""
    roles: frozenset[Role] = getattr(operation, _ROLES)
    return roles
