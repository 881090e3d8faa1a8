"""Addresses that a browser sends to the desk or is redirected to."""

import unicodedata
from urllib.parse import unquote

_LONGEST = 1_000
_ENCODED_AT_MOST = 3
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that browsers drop from addresses or that are invisible."""


def inside(address: str) -> str:
    """Return ``address`` when it is a path of the desk, also after decoding; otherwise ``/``."""
    if len(address) > _LONGEST:
        return "/"
    form = address
    for _ in range(_ENCODED_AT_MOST + 1):
        if not _is_path(form):
            return "/"
        encoded, form = form, unquote(form, errors="surrogateescape")
        if form == encoded:
            return address
    return "/"


def _is_path(address: str) -> bool:
    path = address.partition("?")[0]
    odd = "\\" in path or any(unicodedata.category(each) in _UNSEEN for each in address)
    return path.startswith("/") and "//" not in path and not odd
