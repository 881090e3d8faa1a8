"""One line about one thing that was looked at."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """What was seen in an area; ``remedy`` says what to do where it is not ``ok``."""

    area: str
    level: Level
    seen: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.seen}: {self.remedy}" if self.remedy else self.seen


def ok(area: str, seen: str) -> Finding:
    return Finding(area, "ok", seen)


def warning(area: str, seen: str, remedy: str) -> Finding:
    return Finding(area, "warning", seen, remedy)


def error(area: str, seen: str, remedy: str) -> Finding:
    return Finding(area, "error", seen, remedy)
