"""Business time. Token expiry, backoff and leases use real time and do not come from here."""

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAYOUT = struct.Struct("<qq")


class Clock(Protocol):
    """Source of the business time in UTC; it may stand still until it is set."""

    @property
    def is_paused(self) -> bool: ...

    def now(self) -> datetime: ...


class SystemClock:
    """Real time."""

    is_paused = False

    def now(self) -> datetime:
        return datetime.now(UTC)


class SkewedClock:
    """Clock that is wrong by ``skew_s`` seconds."""

    def __init__(self, right: Clock, skew_s: float) -> None:
        self._right = right
        self._skew = timedelta(seconds=skew_s)

    @property
    def is_paused(self) -> bool:
        return self._right.is_paused

    def now(self) -> datetime:
        return self._right.now() + self._skew


class SimulatedClock:
    """Clock that all processes of a simulated day share through one small file.

    The file holds two little-endian 64-bit integers: simulated microseconds since the epoch, and
    an anchor. With anchor 0 time stands still until :meth:`set` moves it; otherwise the anchor is
    the real time in microseconds at which the simulated time began to run at its natural pace.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_LAYOUT.pack(_micros(datetime.now(UTC)), 0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _LAYOUT.size)

    @property
    def is_paused(self) -> bool:
        return self._read()[1] == 0

    def now(self) -> datetime:
        simulated, anchor = self._read()
        elapsed = time.time_ns() // 1000 - anchor if anchor else 0
        return _EPOCH + timedelta(microseconds=simulated + elapsed)

    def set(self, moment: datetime, *, running: bool = False) -> None:
        """Move every process to ``moment``; ``running`` lets time go on from there."""
        anchor = time.time_ns() // 1000 if running else 0
        self._memory[: _LAYOUT.size] = _LAYOUT.pack(_micros(moment), anchor)

    def _read(self) -> tuple[int, int]:
        simulated, anchor = _LAYOUT.unpack(self._memory[: _LAYOUT.size])
        return simulated, anchor


def clock_from(path: Path | None, skew_s: float = 0.0) -> Clock:
    """Return the simulated clock where a file is named, else real time; wrong by ``skew_s``."""
    right = SimulatedClock(path) if path else SystemClock()
    return SkewedClock(right, skew_s) if skew_s else right


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
