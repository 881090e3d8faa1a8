"""Sharing between stores (资源共享, R16): what a store sees of others leaves a trace."""

from collections.abc import Iterable

import structlog

from shared.security import Principal

log = structlog.get_logger()


def log_cross_store_access(
    what: str, principal: Principal, store_id: str, seen: Iterable[str], **subject: str
) -> None:
    """Log who, for ``store_id``, has seen ``what`` of the stores ``seen``, unless it is that store
    alone; ``subject`` names what it was about."""
    if others := sorted(set(seen) - {store_id}):
        log.info(what, store_id=store_id, stores=others, by=principal.subject, **subject)
