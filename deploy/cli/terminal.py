"""Output of all commands to the terminal."""

import sys

from rich.console import Console

_PIPE_COLUMNS = 150
"""Columns where output goes to a file or a program, so that no table is cut."""

console = Console(
    highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_COLUMNS
)
_errors = Console(highlight=False, soft_wrap=True, stderr=True)


def print_line(text: str) -> None:
    """Print one line of progress."""
    console.print(text, markup=False)


def print_error(text: str) -> None:
    """Print one line about an error on standard error."""
    _errors.print(f"aftersales: {text}", markup=False, style="red")
