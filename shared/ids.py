"""Identifiers. Domain code never makes one; it is handed in."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A UUIDv7: unique, and roughly in order of creation."""
    return uuid_utils.compat.uuid7()
