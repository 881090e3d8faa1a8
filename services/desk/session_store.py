"""Session storage in encrypted files, so that every desk and every restart finds the sessions.

A session's file carries a number; each renewal writes the next one, and only one writer can.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import TypeAdapter

from services.desk.staff import Person
from shared.files import FileStorage

_NONCE_BYTES = 12
_CLOCKS_DIFFER_S = 120.0
_SESSIONS, _ENDED, _TO_REVOKE = "sessions", "ended", "to-revoke"


@dataclass(frozen=True)
class Record:
    """Session as it is stored; times are seconds since 1970.

    The ``access`` token is to be renewed after ``fresh_until`` and good until ``good_until``.
    """

    person: Person
    began_at: float
    access: str
    fresh_until: float
    good_until: float
    refresh: str | None
    number: int = 1


_RECORD = TypeAdapter(Record)


def name_of(identifier: str) -> str:
    """Return the session's name in the store, from which the cookie's identifier cannot be
    derived.
    """
    return hashlib.sha256(identifier.encode()).hexdigest()


class SessionStore:
    """Sessions by name. Every call raises Problem 503 while the store does not respond."""

    def __init__(self, files: FileStorage, secret: str) -> None:
        self._files = files
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"desk sessions")
        self._cipher = AESGCM(derived.derive(secret.encode()))

    async def save(self, name: str, record: Record) -> bool:
        """Save ``record`` as the session's newest; return False when its number is taken."""
        key = f"{_SESSIONS}/{name}/{record.number:08d}"
        if not await self._files.put_new(key, self._encrypt(key, _RECORD.dump_json(record))):
            return False
        if record.number > 1:
            before = record.number - 1
            await self._files.delete(f"{_SESSIONS}/{name}/{before:08d}")
            await self._files.delete(f"{_SESSIONS}/{name}/claim-{before}")
        return True

    async def load(self, name: str) -> tuple[Record, float] | None:
        """Return the session's newest record and its last use; None when it has ended."""
        keys = await self._files.written(f"{_SESSIONS}/{name}")
        if f"{_SESSIONS}/{name}/ended" in keys:
            return None
        numbered = [key for key in keys if key.rpartition("/")[2].isdigit()]
        if not numbered:
            return None
        content = await self._files.get(numbered[-1])
        if content is None:
            return await self.load(name)
        opened = self._open(numbered[-1], content)
        if opened is None:
            return None
        record = _RECORD.validate_json(opened)
        used = keys.get(f"{_SESSIONS}/{name}/used")
        return record, max(record.began_at, used.timestamp() if used else 0.0)

    async def use(self, name: str) -> None:
        """Record that the session was used now."""
        await self._files.put(f"{_SESSIONS}/{name}/used", b"")

    async def claim(self, name: str, number: int) -> bool:
        """Return whether the caller is the one to make the record with ``number``."""
        return await self._files.put_new(f"{_SESSIONS}/{name}/claim-{number}", b"")

    async def give_up(self, name: str, number: int) -> None:
        """Let another caller make the record with ``number``."""
        await self._files.delete(f"{_SESSIONS}/{name}/claim-{number}")

    async def end(self, name: str, refresh: str | None, now: float) -> None:
        """End the session for good, tell other desks, and have its refresh token revoked."""
        ended = f"{_SESSIONS}/{name}/ended"
        await self._files.put(ended, b"")
        await self._files.put(f"{_ENDED}/{_sortable(now)}-{name}", b"")
        if refresh is not None:
            key = f"{_TO_REVOKE}/{name}"
            await self._files.put(key, self._encrypt(key, refresh.encode()))
        for key in await self._files.written(f"{_SESSIONS}/{name}"):
            if key != ended:
                await self._files.delete(key)

    async def ended_since(self, moment: float) -> set[str]:
        """Return names of the sessions that any desk has ended since ``moment``, and some
        before.
        """
        after = f"{_ENDED}/{_sortable(moment - _CLOCKS_DIFFER_S)}"
        return {key.rpartition("-")[2] for key in await self._files.written(_ENDED, after=after)}

    async def to_revoke(self) -> Mapping[str, str]:
        """Return refresh tokens of ended sessions that the issuer has yet to revoke, by session."""
        waiting = {}
        for key in await self._files.written(_TO_REVOKE):
            content = await self._files.get(key)
            opened = self._open(key, content) if content else None
            if opened is not None:
                waiting[key.rpartition("/")[2]] = opened.decode()
        return waiting

    async def revoked(self, name: str) -> None:
        """Record that the issuer has revoked the session's refresh token."""
        await self._files.delete(f"{_TO_REVOKE}/{name}")

    async def purge(self, before: float) -> None:
        """Remove the files of sessions without a record written after ``before``."""
        limit = datetime.fromtimestamp(before, UTC)
        written = await self._files.written()
        newest: dict[str, datetime] = {}
        for key, at in written.items():
            newest[_group(key)] = max(at, newest.get(_group(key), at))
        for key in written:
            if newest[_group(key)] < limit:
                await self._files.delete(key)

    def _encrypt(self, key: str, content: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, key.encode())

    def _open(self, key: str, encrypted: bytes) -> bytes | None:
        """Return the content, or None when it was sealed with another secret or for another key."""
        nonce, content = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, content, key.encode())
        except (InvalidTag, ValueError):
            return None


def _sortable(moment: float) -> str:
    return f"{int(moment * 1000):015d}"


def _group(key: str) -> str:
    return "/".join(key.split("/")[:2])
