"""The rule for codes (编号), under which a new record is found for ever."""

from services.management.domain import errors

RESERVED = ("history", "withdraw", "put-back", "end", "open", "change")
"""Last parts of addresses below that of a record."""


def check(code: str, *, of_item: bool = False) -> None:
    """Check the code of a new record; one ``of_item`` stands after a colon in other codes.

    Blanks and other than ASCII characters are refused before.

    Raises:
        RuleViolation: a part between slashes has no letter or digit, the last one stands for
            something else, or there is a colon in the code of an item.
    """
    parts = code.split("/")
    if not all(any(map(str.isalnum, part)) for part in parts):
        raise errors.code_unusable(code)
    if (len(parts) > 1 and parts[-1] in RESERVED) or (of_item and ":" in code):
        raise errors.code_unusable(code)
