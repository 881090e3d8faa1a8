"""Dated versions: each holds from its day until the next one's."""

from collections.abc import Iterable
from datetime import date
from typing import Protocol, TypeVar

from shared.contracts.base import BusinessDate


class Dated(Protocol):
    """Version that holds from the day ``valid_from`` on."""

    @property
    def valid_from(self) -> BusinessDate | date: ...


V = TypeVar("V", bound=Dated)
C_co = TypeVar("C_co", covariant=True)


class DatedContent(Dated, Protocol[C_co]):
    """Version of a record, whose content holds from its day on; without content, none does."""

    @property
    def content(self) -> C_co | None: ...


def version_on(versions: Iterable[V], day: date) -> V | None:
    """Return the version that holds on ``day``, None before the first one."""
    begun = [version for version in versions if str(version.valid_from) <= day.isoformat()]
    return max(begun, key=lambda version: str(version.valid_from), default=None)


def content_on(versions: Iterable[DatedContent[C_co]], day: date) -> C_co | None:
    """Return the content that holds on ``day``, None before the first version or after an end."""
    version = version_on(versions, day)
    return version.content if version else None
