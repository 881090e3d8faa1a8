"""Keys of one service: one for each purpose, from a root that no other service has."""

import base64
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32


def new_root(key_id: str = "k1") -> dict[str, str]:
    """Return the content of a new key file."""
    return {"key_id": key_id, "root": base64.b64encode(os.urandom(_KEY_BYTES)).decode()}


@dataclass(frozen=True)
class Keyring:
    """Keys by purpose, derived from the root of one file (HKDF with SHA-256, RFC 5869)."""

    key_id: str
    owner: str
    _root: bytes = field(repr=False)

    @classmethod
    def from_file(cls, path: Path, owner: str) -> "Keyring":
        """Read the keys of ``owner``: one file under another owner's name gives other keys.

        Raises:
            OSError: the file cannot be read.
            ValueError: it holds something else.
        """
        try:
            content = orjson.loads(path.read_bytes())
            key_id, root = content["key_id"], base64.b64decode(content["root"], validate=True)
        except (KeyError, TypeError, ValueError):
            key_id, root = "", b""
        if not (isinstance(key_id, str) and key_id and len(root) >= _KEY_BYTES):
            raise ValueError(f"{path} holds no keys as `aftersales new-secrets` makes them")
        return cls(key_id, owner, root)

    def key(self, purpose: str) -> bytes:
        """Return the 32 bytes for a purpose; no key discloses another purpose's key."""
        return _derive(self._root, f"aftersales/{self.owner}/{purpose}")


@cache
def _derive(root: bytes, label: str) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=label.encode()).derive(root)
