"""Readings of names (拼音)."""

import os
import unicodedata
from collections.abc import Sequence

os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")

from pypinyin import Style, pinyin

_UMLAUT = "\u0308"


def readings(name: str) -> list[Sequence[str]]:
    """Return the readings of each sign of ``name``, without tones; the usual one comes first.

    Letters and digits of a name with Chinese characters are read as they are; other signs, and
    names without Chinese characters, have no reading.
    """
    found = [pinyin(sign, Style.NORMAL, heteronym=True, errors="ignore") for sign in name]
    if not any(found):
        return []
    return [
        said[0] if said else [sign] if sign.isascii() and sign.isalnum() else []
        for said, sign in zip(found, name.casefold(), strict=True)
    ]


def without_tones(text: str) -> str:
    """Return ``text`` without the marks of tones over its letters; ü stays."""
    signs = unicodedata.normalize("NFD", text)
    kept = (each for each in signs if each == _UMLAUT or not unicodedata.combining(each))
    return unicodedata.normalize("NFC", "".join(kept))
