"""What can go wrong in a way that its reader can put right."""


class EmbeddedError(Exception):
    """One line that says what is wrong, and what to look at."""
