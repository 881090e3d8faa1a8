"""Violations of the rules of the trade."""

from functools import partial
from typing import Any, Literal


class RuleViolation(Exception):  # noqa: N818
    """A command that breaks a rule of the trade; nothing has changed.

    ``rule`` is a stable code for programs and translations, ``field`` the part of the command at
    fault, ``message`` one English sentence, ``values`` what the sentence speaks of.
    """

    def __init__(
        self,
        rule: str,
        message: str,
        *,
        field: str = "",
        kind: Literal["invalid", "conflict", "not_found", "forbidden"] = "invalid",
        **values: Any,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.field = field
        self.kind = kind
        self.values = values

    def __reduce__(self) -> Any:
        """Let a worker process refuse."""
        named = {"field": self.field, "kind": self.kind, **self.values}
        return partial(type(self), self.rule, self.message, **named), ()


def unknown(field: str, value: str) -> RuleViolation:
    """Nothing of the store has the identifier ``value`` that ``field`` names."""
    kind = field.removeprefix("to_").removesuffix("_id").removesuffix("_ref")
    return RuleViolation(
        f"unknown_{kind}",
        f"There is no {kind.replace('_', ' ')} {value} in this store.",
        field=field,
        kind="not_found",
    )


def unknown_code(field: str, code: str) -> RuleViolation:
    """The group's catalog lacks ``code``."""
    return RuleViolation("unknown_code", f"{code} is not in the catalog.", field=field, code=code)


_IN_WORDS = {
    "missing": "It is missing.",
    "string_pattern_mismatch": "It has characters, or a form, that are not allowed here.",
    "extra_forbidden": "There is no such field.",
}


def in_words(rule: str, message: str) -> str:
    """Return the ``message`` about a field that breaks a ``rule`` of its model, in plain words."""
    plain = message.replace("String should", "It should").replace("Input should", "It should")
    return _IN_WORDS.get(rule, plain)


def key_reused() -> RuleViolation:
    """The caller's idempotency key stands for another command."""
    return RuleViolation(
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request.",
        field="Idempotency-Key",
    )
