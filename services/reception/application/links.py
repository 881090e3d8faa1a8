"""One-time links (授权链接): their tokens, of which only the hash is kept, and their addresses."""

import hashlib
from datetime import datetime

from services.reception.domain import errors
from services.reception.persistence import Link
from shared.personal_data import PersonalData


def link_token(personal: PersonalData, store_id: str, link_id: str) -> str:
    """The token of a link; only this service can make it again."""
    return f"{store_id}.{personal.reference('link', link_id)}"


def token_hash(token: str) -> bytes:
    """What is kept of a link's token."""
    return hashlib.sha256(token.encode()).digest()


def store_of(token: str) -> str:
    """The store that a token claims to belong to; its hash will tell whether it does.

    Raises:
        RuleViolation: it is no token.
    """
    store_id, dot, _ = token.partition(".")
    if not dot:
        raise errors.unknown_link()
    return store_id


def require_usable(link: Link, now: datetime) -> None:
    """Refuse a link that was used or has expired."""
    if link.used_at:
        raise errors.link_used()
    if link.expires_at <= now:
        raise errors.link_expired()


def link_address(public_url: str, token: str) -> str:
    """The page on which a customer sees and decides what the link leads to."""
    return f"{public_url.rstrip('/')}/authorise/{token}"
