"""Secrets of one data folder: made once, readable by their owner only."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from deploy.embedded.errors import EmbeddedError
from shared.keyring import new_root

_SHARED_KEYS = "personal.json"
SERVICES = ("reception", "workshop", "crm", "reporting", "management")


@dataclass(frozen=True)
class Secrets:
    """Files of the folder, and the database passwords by role."""

    issuer_key_file: Path
    jwks_file: Path
    keys_files: dict[str, Path]
    recognition_keys_file: Path
    desk_secret_file: Path
    passwords: dict[str, str]


def roles(service: str) -> tuple[str, str, str]:
    """Owner, runtime and worker role of a service's schema."""
    return f"{service}_owner", service, f"{service}_worker"


def ensure_secrets(folder: Path) -> Secrets:
    """Read the secrets of ``folder`` and make those that are missing.

    Raises:
        EmbeddedError: the data was encrypted under keys that all services shared.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if (folder / _SHARED_KEYS).exists():
        raise EmbeddedError(
            f"{folder / _SHARED_KEYS}: this data is under keys that all services shared, which is "
            "not supported any more; start again with --reset-data"
        )
    made = Secrets(
        issuer_key_file=folder / "issuer.json",
        jwks_file=folder / "jwks.json",
        keys_files={service: folder / f"keys-{service}.json" for service in SERVICES},
        recognition_keys_file=folder / "keys-recognition.json",
        desk_secret_file=folder / "desk.json",
        passwords=_ensure_passwords(folder / "passwords.json"),
    )
    issuer = _ensure(made.issuer_key_file, _new_issuer_key)
    _ensure(made.jwks_file, lambda: _public_keys(issuer))
    for file in (*made.keys_files.values(), made.recognition_keys_file):
        _ensure(file, new_root)
    _ensure(made.desk_secret_file, lambda: {"secret": secrets.token_urlsafe(32)})
    return made


def _ensure(file: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if not file.exists():
        _write(file, make())
    read: dict[str, Any] = json.loads(file.read_text())
    return read


def _write(file: Path, secret: Mapping[str, Any]) -> None:
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as content:
        json.dump(secret, content, indent=1)
    draft.rename(file)


def _ensure_passwords(file: Path) -> dict[str, str]:
    """Read the passwords by role, and make those of roles that an earlier version did not have."""
    kept = _ensure(file, _new_passwords)
    complete = _new_passwords() | kept
    if complete != kept:
        _write(file, complete)
    return complete


def _new_passwords() -> dict[str, str]:
    names = ["postgres", *(role for service in SERVICES for role in roles(service))]
    return {name: secrets.token_urlsafe(24) for name in names}


def _new_issuer_key() -> dict[str, Any]:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
    key.ensure_kid()
    return dict(key.as_dict(private=True))


def _public_keys(issuer: dict[str, Any]) -> dict[str, Any]:
    return {"keys": [ECKey.import_key(issuer).as_dict(private=False)]}
