"""Dated versions: each holds from its day until the next one's."""

from collections.abc import Iterable
from datetime import date
from typing import Protocol, TypeVar

from shared.contracts.base import BusinessDate


class Dated(Protocol):
    """Version that holds from the day ``valid_from`` on."""

    @property
    def valid_from(self) -> BusinessDate: ...


V = TypeVar("V", bound=Dated)


def version_on(versions: Iterable[V], day: date) -> V | None:
    """Return the version that holds on ``day``, None before the first one."""
    begun = [version for version in versions if version.valid_from <= day.isoformat()]
    return max(begun, key=lambda version: version.valid_from, default=None)
