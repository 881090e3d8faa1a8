"""Personal data: keyed references that recognise, and text encrypted under a key per subject."""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.db import Connection

_NONCE_BYTES = 12

_FIND = "SELECT wrapped_key FROM subject_key WHERE store_id = $1 AND subject = $2"

_FIND_ALL = """
SELECT subject, wrapped_key FROM subject_key WHERE store_id = $1 AND subject = ANY ($2)
"""

_ADD = """
INSERT INTO subject_key (store_id, subject, wrapped_key) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""


def new_keys(key_id: str = "k1") -> bytes:
    """Content of a fresh key file: the master key that wraps subjects' keys, and the hash key."""
    return orjson.dumps(
        {
            "key_id": key_id,
            "master": base64.b64encode(os.urandom(32)).decode(),
            "hash": base64.b64encode(os.urandom(32)).decode(),
        }
    )


@dataclass(frozen=True)
class PersonalData:
    """The group's keys for personal data."""

    key_id: str
    _master: bytes
    _hash: bytes

    @classmethod
    def from_file(cls, path: Path) -> "PersonalData":
        keys = orjson.loads(path.read_bytes())
        return cls(keys["key_id"], base64.b64decode(keys["master"]), base64.b64decode(keys["hash"]))

    def reference(self, kind: str, value: str) -> str:
        """A keyed hash of ``value`` (a plate, a VIN) that carries the key's id."""
        digest = hmac.digest(self._hash, f"{kind}:{value}".encode(), hashlib.sha256)
        return f"{self.key_id}-{digest[:16].hex()}"

    @overload
    async def encrypt(
        self, connection: Connection, store_id: str, subject: str, text: str
    ) -> bytes: ...

    @overload
    async def encrypt(
        self, connection: Connection, store_id: str, subject: str, text: None
    ) -> None: ...

    async def encrypt(
        self, connection: Connection, store_id: str, subject: str, text: str | None
    ) -> bytes | None:
        """``text``, if there is any, under the subject's key, which is made when there is none."""
        if text is None:
            return None
        return await self.seal(connection, store_id, subject, text.encode())

    async def seal(
        self, connection: Connection, store_id: str, subject: str, content: bytes
    ) -> bytes:
        """``content`` under the subject's key, which is made when there is none."""
        wrapped = await connection.fetchval(_FIND, store_id, subject)
        if wrapped is None:
            fresh = _seal(self._master, AESGCM.generate_key(256), subject)
            await connection.execute(_ADD, store_id, subject, fresh)
            wrapped = await connection.fetchval(_FIND, store_id, subject)
        return _seal(_unseal(self._master, wrapped, subject), content, subject)

    async def decrypt(
        self, connection: Connection, store_id: str, subject: str, sealed: bytes | None
    ) -> str | None:
        """The text, or ``None`` when the subject's key was destroyed."""
        content = await self.unseal(connection, store_id, subject, sealed)
        return None if content is None else content.decode()

    async def unseal(
        self, connection: Connection, store_id: str, subject: str, sealed: bytes | None
    ) -> bytes | None:
        """The content, or ``None`` when the subject's key was destroyed."""
        wrapped = await connection.fetchval(_FIND, store_id, subject)
        if wrapped is None or sealed is None:
            return None
        return _unseal(_unseal(self._master, wrapped, subject), sealed, subject)

    async def decrypt_all(
        self, connection: Connection, store_id: str, sealed: Sequence[tuple[str, bytes]]
    ) -> list[str | None]:
        """The texts of (subject, sealed) pairs, in their order, with one look at the keys."""
        rows = await connection.fetch(_FIND_ALL, store_id, [subject for subject, _ in sealed])
        keys = {
            row["subject"]: _unseal(self._master, row["wrapped_key"], row["subject"])
            for row in rows
        }
        return [
            _unseal(keys[subject], content, subject).decode() if subject in keys else None
            for subject, content in sealed
        ]


async def erase(connection: Connection, store_id: str, subject: str) -> None:
    """Destroy the subject's key; what it encrypted can never be read again."""
    await connection.execute(
        "DELETE FROM subject_key WHERE store_id = $1 AND subject = $2", store_id, subject
    )


def _seal(key: bytes, content: bytes, subject: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, subject.encode())


def _unseal(key: bytes, sealed: bytes, subject: str) -> bytes:
    return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], subject.encode())
