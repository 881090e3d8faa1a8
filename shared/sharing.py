"""Sharing between stores (资源共享, R16): access to other stores' data is logged."""

from collections.abc import Iterable

import structlog

from shared.security import Principal

log = structlog.get_logger()


def log_cross_store_access(
    what: str, principal: Principal, store_id: str, seen: Iterable[str], **subject: str
) -> None:
    """Log that a user of ``store_id`` has seen ``what`` of the stores ``seen``.

    Nothing is logged where that is the store alone; ``subject`` names the object.
    """
    if others := sorted(set(seen) - {store_id}):
        log.info(what, store_id=store_id, stores=others, by=principal.subject, **subject)
