"""Parts (备件) that pages name or offer; reception is asked for those alone."""

import time
from collections.abc import Iterable, Mapping

from services.desk.i18n import Translator
from shared.calls import ServiceUnavailableError
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import PartEntry

_FRESH_S = 300.0
_MOST_KEPT = 5000
_MOST_NAMED = 200


class KeptParts:
    """Parts that the pages of all stores share by their numbers, those named last."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[PartEntry, float]] = {}

    def get(self, part_number: str) -> PartEntry | None:
        kept = self._kept.get(part_number)
        return kept and kept[0]

    def keep(self, parts: Iterable[PartEntry]) -> None:
        until = time.monotonic() + _FRESH_S
        for part in parts:
            self._kept.pop(part.part_number, None)
            self._kept[part.part_number] = part, until
        for oldest in list(self._kept)[: max(0, len(self._kept) - _MOST_KEPT)]:
            del self._kept[oldest]

    def stale(self, part_numbers: Iterable[str]) -> list[str]:
        """Return those of the numbers that are not kept, or were for long."""
        now = time.monotonic()
        return sorted(
            each for each in set(part_numbers) if self._kept.get(each, (None, 0.0))[1] < now
        )


class Parts:
    """Parts of one store, in the language of a person."""

    def __init__(
        self, kept: KeptParts, reception: ReceptionApi, store_id: str, words: Translator
    ) -> None:
        self._kept = kept
        self._reception = reception
        self._store_id = store_id
        self._words = words

    async def know(self, part_numbers: Iterable[str]) -> None:
        """Ask for the names of parts; while reception is unavailable their numbers stand alone."""
        unknown = self._kept.stale(part_numbers)
        for first in range(0, len(unknown), _MOST_NAMED):
            asked = unknown[first : first + _MOST_NAMED]
            try:
                found = await self._reception.named_parts(self._store_id, part_number=asked)
            except ServiceUnavailableError:
                return
            self._kept.keep(found)

    async def find(self, typed: str) -> Mapping[str, str]:
        """Return the labels of the parts that a text finds, by their numbers; none while reception
        is unavailable.
        """
        try:
            found = await self._reception.find_parts(self._store_id, search=typed)
        except ServiceUnavailableError:
            return {}
        self._kept.keep(found)
        return {part.part_number: self.label(part.part_number) for part in found}

    def name(self, part_number: str) -> str:
        """Return the name of a part; its number where that is not known."""
        part = self._kept.get(part_number)
        return self._words.of(part) if part else part_number

    def label(self, part_number: str) -> str:
        """Return name and number."""
        return f"{self.name(part_number)} · {part_number}"
