"""Personal data: keyed references for recognition, and text encrypted under a key per subject."""

import hashlib
import hmac
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import overload

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.contracts.violations import RuleViolation
from shared.db import Connection
from shared.keyring import Keyring
from shared.settings import Settings

_NONCE_BYTES = 12

_FIND = "SELECT wrapped_key FROM subject_key WHERE store_id = $1 AND data_subject_id = $2"

_FIND_ALL = """
SELECT store_id, data_subject_id, wrapped_key
FROM unnest($1::text[], $2::text[]) AS wanted (store_id, data_subject_id)
JOIN subject_key USING (store_id, data_subject_id)
WHERE wrapped_key IS NOT NULL
"""

_ADD_ALL = """
INSERT INTO subject_key (store_id, data_subject_id, wrapped_key)
SELECT store_id, data_subject_id, wrapped_key
FROM unnest($1::text[], $2::text[], $3::bytea[]) AS fresh (store_id, data_subject_id, wrapped_key)
ON CONFLICT DO NOTHING
"""

_ADD = """
INSERT INTO subject_key (store_id, data_subject_id, wrapped_key) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING
"""

_DESTROY = """
INSERT INTO subject_key (store_id, data_subject_id)
SELECT $1, unnest($2::text[])
ON CONFLICT (store_id, data_subject_id) DO UPDATE SET wrapped_key = NULL
"""

_RETAIN = """
INSERT INTO retained_key (store_id, data_subject_id, retention_class, wrapped_key, kept_until)
SELECT store_id, data_subject_id, $3, wrapped_key, $4
FROM subject_key WHERE store_id = $1 AND data_subject_id = $2 AND wrapped_key IS NOT NULL
ON CONFLICT DO NOTHING
"""

_FIND_RETAINED = """
SELECT wrapped_key FROM retained_key WHERE store_id = $1 AND data_subject_id = $2
"""

_ADD_READ = """
INSERT INTO retained_read (store_id, data_subject_id, read_at, read_by) VALUES ($1, $2, $3, $4)
"""

_READS = """
SELECT read_at AS at, read_by AS by FROM retained_read
WHERE store_id = $1 AND data_subject_id = $2 ORDER BY entry
"""

_END_RETENTION = "DELETE FROM retained_key WHERE store_id = $1 AND data_subject_id = $2"


RECOGNISED_TOGETHER = frozenset({"plate", "vin"})
"""Kinds of values by which reception and customer relations recognize the same vehicle."""


@dataclass(frozen=True)
class Read:
    """Who has read what a legal term keeps, and when."""

    at: datetime
    by: str


@dataclass(frozen=True)
class PersonalData:
    """Keys of a service for personal data.

    Includes those under which it and another service recognize vehicles, where it does.
    """

    keys: Keyring
    recognition: Keyring | None = None

    @classmethod
    def from_settings(cls, settings: Settings, service: str) -> "PersonalData":
        """Read the keys of ``service`` from its settings."""
        shared = settings.recognition_keys_file
        return cls(
            Keyring.from_file(settings.keys_file, service),
            Keyring.from_file(shared, "recognition") if shared else None,
        )

    @property
    def _master(self) -> bytes:
        return self.keys.key("subject keys")

    def reference(self, kind: str, value: str) -> str:
        """Return a keyed hash of ``value`` (a plate, a VIN, a phone) that carries the key's id.

        Each kind has a key of its own.
        """
        keys = self.recognition if kind in RECOGNISED_TOGETHER else self.keys
        if keys is None:
            raise ValueError(f"this service was given no key to recognize a {kind}")
        digest = hmac.digest(keys.key(f"reference {kind}"), value.encode(), hashlib.sha256)
        return f"{keys.key_id}-{digest[:16].hex()}"

    @overload
    async def encrypt(
        self, connection: Connection, store_id: str, data_subject_id: str, text: str
    ) -> bytes: ...

    @overload
    async def encrypt(
        self, connection: Connection, store_id: str, data_subject_id: str, text: None
    ) -> None: ...

    async def encrypt(
        self, connection: Connection, store_id: str, data_subject_id: str, text: str | None
    ) -> bytes | None:
        """Encrypt ``text``, if there is any, under the subject's key.

        The key is created when there is none.
        """
        if text is None:
            return None
        return await self.encrypt_bytes(connection, store_id, data_subject_id, text.encode())

    async def encrypt_bytes(
        self, connection: Connection, store_id: str, data_subject_id: str, content: bytes
    ) -> bytes:
        """Encrypt ``content`` under the subject's key, which is created when there is none.

        Raises:
            RuleViolation: the subject is erased.
        """
        wrapped = await connection.fetchval(_FIND, store_id, data_subject_id)
        if wrapped is None:
            fresh = _encrypt(self._master, AESGCM.generate_key(256), data_subject_id)
            await connection.execute(_ADD, store_id, data_subject_id, fresh)
            wrapped = await connection.fetchval(_FIND, store_id, data_subject_id)
        if wrapped is None:
            raise _erased()
        return _encrypt(_decrypt(self._master, wrapped, data_subject_id), content, data_subject_id)

    async def encrypt_all(
        self, connection: Connection, texts: Sequence[tuple[str, str, str]]
    ) -> list[bytes]:
        """Encrypt (store, subject, text) triples, in their order.

        Raises:
            RuleViolation: one of the subjects is erased.
        """
        subjects = sorted({(store_id, subject) for store_id, subject, _ in texts})
        await connection.execute(
            _ADD_ALL,
            [store_id for store_id, _ in subjects],
            [subject for _, subject in subjects],
            [_encrypt(self._master, AESGCM.generate_key(256), subject) for _, subject in subjects],
        )
        keys = await self._keys(connection, subjects)
        if len(keys) < len(subjects):
            raise _erased()
        return [
            _encrypt(keys[store_id, subject], text.encode(), subject)
            for store_id, subject, text in texts
        ]

    async def decrypt(
        self, connection: Connection, store_id: str, data_subject_id: str, encrypted: bytes | None
    ) -> str | None:
        """Return the text, or ``None`` when the subject's key was destroyed."""
        content = await self.decrypt_bytes(connection, store_id, data_subject_id, encrypted)
        return None if content is None else content.decode()

    async def decrypt_bytes(
        self, connection: Connection, store_id: str, data_subject_id: str, encrypted: bytes | None
    ) -> bytes | None:
        """Return the content, or ``None`` when the subject's key was destroyed."""
        wrapped = await connection.fetchval(_FIND, store_id, data_subject_id)
        if wrapped is None or encrypted is None:
            return None
        return _decrypt(
            _decrypt(self._master, wrapped, data_subject_id), encrypted, data_subject_id
        )

    async def read_retained(
        self, connection: Connection, store_id: str, encrypted: tuple[str, bytes], read: Read
    ) -> bytes | None:
        """Return what a legal term keeps of an erased subject, and record who has read it.

        ``encrypted`` is the subject and the content; ``None`` is returned once the term has ended.
        """
        data_subject_id, content = encrypted
        wrapped = await connection.fetchval(_FIND_RETAINED, store_id, data_subject_id)
        if wrapped is None:
            return None
        await connection.execute(_ADD_READ, store_id, data_subject_id, read.at, read.by)
        return _decrypt(_decrypt(self._master, wrapped, data_subject_id), content, data_subject_id)

    async def decrypt_all(
        self, connection: Connection, store_id: str, encrypted: Sequence[tuple[str, bytes]]
    ) -> list[str | None]:
        """Return the texts of (subject, encrypted) pairs of one store, in their order."""
        return await self.decrypt_of_stores(connection, [(store_id, *each) for each in encrypted])

    async def decrypt_of_stores(
        self, connection: Connection, encrypted: Sequence[tuple[str, str, bytes]]
    ) -> list[str | None]:
        """Return the texts of (store, subject, encrypted) triples, in their order.

        The keys are read once.
        """
        wanted = {(store_id, data_subject_id) for store_id, data_subject_id, _ in encrypted}
        keys = await self._keys(connection, wanted)
        return [
            _decrypt(key, content, data_subject_id).decode()
            if (key := keys.get((store_id, data_subject_id)))
            else None
            for store_id, data_subject_id, content in encrypted
        ]

    async def _keys(
        self, connection: Connection, subjects: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], bytes]:
        """Return the keys of (store, subject) pairs that have one."""
        rows = await connection.fetch(
            _FIND_ALL, [store_id for store_id, _ in subjects], [subject for _, subject in subjects]
        )
        return {
            (row["store_id"], row["data_subject_id"]): _decrypt(
                self._master, row["wrapped_key"], row["data_subject_id"]
            )
            for row in rows
        }


async def destroy_keys(
    connection: Connection, store_id: str, data_subject_ids: Collection[str]
) -> None:
    """Destroy the keys of these subjects; nothing is encrypted for them again."""
    await connection.execute(_DESTROY, store_id, list(data_subject_ids))


async def retain_key(
    connection: Connection,
    store_id: str,
    data_subject_id: str,
    retention_class: str,
    kept_until: datetime,
) -> None:
    """Keep the key of a subject, who is about to be erased, for what a legal term keeps."""
    await connection.execute(_RETAIN, store_id, data_subject_id, retention_class, kept_until)


async def reads_of_retained(
    connection: Connection, store_id: str, data_subject_id: str
) -> list[Read]:
    """Return who has read what a legal term keeps of a subject."""
    rows = await connection.fetch(_READS, store_id, data_subject_id)
    return [Read(**row) for row in rows]


async def end_retention(connection: Connection, store_id: str, data_subject_id: str) -> None:
    """Destroy the key of what a legal term has kept."""
    await connection.execute(_END_RETENTION, store_id, data_subject_id)


def _erased() -> RuleViolation:
    return RuleViolation(
        "data_erased",
        "What was kept about this person is erased; nothing is added.",
        kind="conflict",
    )


def _encrypt(key: bytes, content: bytes, data_subject_id: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, data_subject_id.encode())


def _decrypt(key: bytes, encrypted: bytes, data_subject_id: str) -> bytes:
    return AESGCM(key).decrypt(
        encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], data_subject_id.encode()
    )
