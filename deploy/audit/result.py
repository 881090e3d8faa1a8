"""Result of an audit: per check, the number of comparisons and the differences."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

E = TypeVar("E")
P = ParamSpec("P")


@dataclass(frozen=True)
class Difference:
    """One difference between tables and events.

    ``service`` is ``kafka`` for differences of the topics themselves.
    """

    service: str
    key: str
    what: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return (
            f"{self.service}: {self.key}: {self.what}: expected {self.expected}, found {self.found}"
        )


@dataclass(frozen=True)
class Check:
    """One check: its question, the number of comparisons, and the differences."""

    name: str
    service: str
    compared: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class AuditResult:
    """All checks, and counts that are no fault (dead letters, parked keys, …)."""

    checks: tuple[Check, ...]
    counted: Mapping[str, int]

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(each for check in self.checks for each in check.differences)

    @property
    def ok(self) -> bool:
        return not self.differences

    def as_json(self) -> dict[str, Any]:
        """Return the result in JSON's own types.

        ``audit`` is ``"ok"`` or the list of differences.
        """
        return {
            "audit": "ok" if self.ok else [str(each) for each in self.differences],
            "checks": [
                {
                    "service": check.service,
                    "check": check.name,
                    "compared": check.compared,
                    "differences": len(check.differences),
                }
                for check in self.checks
            ],
            "counted": dict(self.counted),
        }


@dataclass
class Comparison:
    """Collector of the results of one check on one service."""

    name: str
    service: str
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)

    def equal(self, key: str, what: str, expected: Any, found: Any) -> None:
        """Expect one value."""
        self.compared += 1
        if expected != found:
            self.differ(key, what, expected, found)

    def differ(self, key: str, what: str, expected: Any, found: Any) -> None:
        """Record a difference that was found otherwise."""
        self.differences.append(Difference(self.service, key, what, expected, found))

    def rows(
        self,
        table: str,
        expected: Mapping[str, Mapping[str, Any]],
        found: Iterable[tuple[str, Mapping[str, Any]]],
    ) -> None:
        """Expect exactly the rows of ``expected``, each with at least its fields."""
        missing = dict(expected)
        seen: set[str] = set()
        for key, row in found:
            self.compared += 1
            wanted = missing.pop(key, None)
            if wanted is None:
                again = key in seen
                self.differ(key, table, "one row" if again else "no row", "another row")
                continue
            seen.add(key)
            for name, value in wanted.items():
                if row[name] != value:
                    self.differ(key, f"{table}.{name}", value, row[name])
        for key in missing:
            self.differ(key, table, "one row", "no row")

    def check(self) -> Check:
        return Check(self.name, self.service, self.compared, tuple(self.differences))


def answer(
    service: str,
    question: Callable[Concatenate[E, P], Check],
    audit_data: E,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Check:
    """Return the result of a check.

    A check that cannot be completed is itself a difference, and the other checks continue.
    """
    try:
        return question(audit_data, *args, **kwargs)
    except Exception as error:
        name = question.__name__.strip("_").replace("_", " ")
        told = f"{type(error).__name__}: {error}"
        return Check(name, service, 0, (Difference(service, name, "check", "an answer", told),))
