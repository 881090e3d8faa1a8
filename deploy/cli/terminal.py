"""How all commands speak to the terminal."""

from rich.console import Console

console = Console(highlight=False, soft_wrap=True)
_errors = Console(highlight=False, soft_wrap=True, stderr=True)


def say(text: str) -> None:
    """One line of progress."""
    console.print(text, markup=False)


def complain(text: str) -> None:
    """One line that says what is wrong, on standard error."""
    _errors.print(f"aftersales: {text}", markup=False, style="red")
