"""Identifiers. Domain code never creates one; the caller passes it in."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Return a UUIDv7: unique, and roughly in order of creation."""
    return uuid_utils.compat.uuid7()
