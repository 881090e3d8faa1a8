"""Callers without records: the claims of their tokens count."""

from shared.security import Principal


class Claims:
    """Stand-in for the posts of callers, of whom none has a record."""

    async def apply(self, caller: Principal, _: str | None) -> Principal:
        return caller
