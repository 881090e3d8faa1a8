"""Output of all commands to the terminal."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeVar

from pydantic import ValidationError
from rich.console import Console
from rich.progress import Progress

from shared.calls import ApiError
from shared.contracts.violations import in_words

S = TypeVar("S")

_PIPE_COLUMNS = 150
"""Columns where output goes to a file or a program, so that no table is cut."""

console = Console(
    highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_COLUMNS
)
_errors = Console(highlight=False, soft_wrap=True, stderr=True)


def print_line(text: str) -> None:
    """Print one line of progress."""
    console.print(text, markup=False)


def error_line(error: ApiError, options: Mapping[str, str]) -> str:
    """Return the line for a refusal, which names the options that hold its fields."""
    said = [_said(each.field, each.rule, each.message, options) for each in error.field_errors]
    return "; ".join(said) or error.detail or error.rule.replace("_", " ")


def invalid_line(error: ValidationError, options: Mapping[str, str]) -> str:
    """Return the line for input that no request can hold."""
    return "; ".join(
        _said(".".join(map(str, each["loc"])), each["type"], each["msg"], options)
        for each in error.errors(include_url=False, include_input=False)
    )


def _said(field: str, rule: str, message: str, options: Mapping[str, str]) -> str:
    """Return what is wrong with a field, and the option that holds it."""
    option = options.get(field.partition(".")[0])
    said = in_words(rule, message)
    return f"{option}: {said}" if option else said


def print_warning(text: str) -> None:
    """Print one line about a doubt on standard error."""
    _errors.print(f"aftersales: {text}", markup=False, style="yellow")


def print_error(text: str) -> None:
    """Print one line about an error on standard error."""
    _errors.print(f"aftersales: {text}", markup=False, style="red")


async def follow(
    steps: AsyncIterator[S], start: S, done: Callable[[S], int], *, total: int, label: str
) -> S:
    """Return the last of the steps, else ``start``; show how much is done, on a terminal."""
    last = start
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(label, total=total)
        async for last in steps:
            progress.update(task, completed=done(last))
    return last
