"""Errors that the operator can correct."""


class EmbeddedError(Exception):
    """One line that says what is wrong, and what to check."""
