"""Texts of the interface: gettext catalogs, compiled in memory when the desk starts."""

import gettext
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Protocol

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Request

Language = Literal["zh", "en"]

LOCALES: dict[Language, str] = {"zh": "zh_CN", "en": "en"}
"""Folders of the languages' catalogs; the first is shown unless a person chooses otherwise."""

DEFAULT: Language = "zh"

_FOLDER = Path(__file__).parent / "locale"


def accepted_language(request: Request) -> Language:
    """Return the first language of the browser's list (Accept-Language) that the desk speaks."""
    asked = request.headers.get("Accept-Language", "").lower().split(",")
    spoken = (known for each in asked for known in LOCALES if each.strip().startswith(known))
    return next(spoken, DEFAULT)


class Named(Protocol):
    """Thing with a name in both languages."""

    @property
    def zh(self) -> str: ...

    @property
    def en(self) -> str: ...


class Translator:
    """Texts in one language. Called with an English text, it returns the translation."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._catalog = _compile(LOCALES[language])

    def __call__(self, text: str, **values: object) -> str:
        translated = self._catalog.gettext(text)
        return translated.format(**values) if values else translated

    def code(self, kind: str, code: str | None) -> str:
        """Return the word for a coded value, such as ``code("order_status", "in_progress")``; else
        the code.
        """
        if not code:
            return "—"
        return self.known(f"{kind}.{code}") or code

    def known(self, key: str) -> str | None:
        """Return the text under a key of the catalog, where there is one."""
        text = self._catalog.gettext(key)
        return None if text == key else text

    def first_known(self, kinds: Iterable[str], code: str) -> str | None:
        """Return the word for a coded value in the first of the kinds that has one."""
        return next(filter(None, (self.known(f"{kind}.{code}") for kind in kinds)), None)

    def listed(self, names: Iterable[str]) -> str:
        """Join names one after another."""
        return ("、" if self.language == "zh" else ", ").join(names)

    def of(self, named: Named) -> str:
        """Return the name of a catalog entry, a store or the group."""
        return named.zh if self.language == "zh" else named.en


def _compile(locale: str) -> gettext.GNUTranslations:
    source = _FOLDER / locale / "LC_MESSAGES" / "desk.po"
    with source.open("rb") as text:
        messages = read_po(text, locale=locale)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
