"""An order's vehicle while a plan is made: its occupation, its bay and its technicians."""

from collections.abc import Iterator, Mapping

from services.workshop.planning.model import Slot
from services.workshop.planning.timeline import Busy


class Vehicle:
    """A vehicle (车辆) that takes ``move`` minutes from one bay to another (移位)."""

    __slots__ = ("_bays", "_elsewhere", "_hands", "_move", "_stays", "anywhere")

    def __init__(self, move: int) -> None:
        self.anywhere = Busy()
        self._move = move
        self._elsewhere = Busy()
        self._bays: dict[str, Busy] = {}
        self._hands: set[str] = set()
        self._stays: list[Slot] = []

    def forget(self) -> None:
        """Free all time."""
        for busy in (self.anywhere, self._elsewhere):
            busy.forget()
        for known in (self._bays, self._hands, self._stays):
            known.clear()

    def take(self, stay: Slot) -> None:
        """Occupy the vehicle; work in another bay is possible only after it has been moved."""
        self.anywhere.take(stay.start, stay.finish)
        if not self._move:
            return
        if stay.bay_id not in self._bays:
            self._bays[stay.bay_id] = Busy()
            for other in self._stays:
                self._apart(self._bays[stay.bay_id], other)
        for bay_id, busy in self._bays.items():
            if bay_id == stay.bay_id:
                busy.take(stay.start, stay.finish)
            else:
                self._apart(busy, stay)
        self._apart(self._elsewhere, stay)
        self._hands.update(stay.technician_ids)
        self._stays.append(stay)

    def busy(self, bay_id: str) -> Busy:
        """Return when no work on the vehicle can go on in the bay."""
        return self._bays.get(bay_id, self._elsewhere) if self._stays else self.anywhere

    def moving(self, bay_id: str, later: Mapping[str, int]) -> int:
        """Return the minutes of moves for work in the bay; in another bay, also those ``later``."""
        if not self._stays:
            return later.get(bay_id, 0)
        return 0 if bay_id in self._bays else self._move + later.get(bay_id, 0)

    def has(self, technician_ids: tuple[str, ...]) -> bool:
        """Return whether these technicians have the vehicle already."""
        return bool(self._hands) and self._hands.issuperset(technician_ids)

    def taking_over(self, technician_ids: tuple[str, ...], later: Mapping[str, int]) -> int:
        """Return the minutes that it costs when these technicians take over (换人), and later."""
        if self._hands and self._hands.issuperset(technician_ids):
            return 0
        minutes = self._move if self._hands else 0
        for technician_id in technician_ids if later else ():
            minutes += later[technician_id]
        return minutes

    def arrivals(self, bay_id: str) -> Iterator[int]:
        """Return when the vehicle can be in the bay, after the work on it in each other one."""
        return (stay.finish + self._move for stay in self._stays if stay.bay_id != bay_id)

    def _apart(self, busy: Busy, stay: Slot) -> None:
        busy.take(stay.start - self._move, stay.finish + self._move)
