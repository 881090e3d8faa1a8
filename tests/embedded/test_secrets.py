"""Secrets of a data folder."""

import json
import stat
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import KeySet

from deploy.embedded.secrets import SERVICES, ensure_secrets, roles
from shared.issuer import DevelopmentIssuer
from shared.personal import PersonalData


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    ensure_secrets(tmp_path / "secrets")
    files = sorted((tmp_path / "secrets").iterdir())
    assert [file.name for file in files] == [
        "desk.json",
        "issuer.json",
        "jwks.json",
        "passwords.json",
        "personal.json",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_they_are_made_once(tmp_path: Path) -> None:
    first = ensure_secrets(tmp_path)
    kept = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert ensure_secrets(tmp_path) == first
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == kept


def test_every_role_has_a_password_of_its_own(tmp_path: Path) -> None:
    passwords = ensure_secrets(tmp_path).passwords
    expected = {"postgres", *(role for service in SERVICES for role in roles(service))}
    assert set(passwords) == expected
    assert len(set(passwords.values())) == len(expected)


def test_the_public_keys_verify_what_the_issuer_signs_and_cannot_sign(tmp_path: Path) -> None:
    secrets = ensure_secrets(tmp_path)
    issuer = DevelopmentIssuer(secrets.issuer_key_file, "issuer", "audience")
    token = issuer.token("S01-advisor-1", roles=["advisor"], stores=["S01"])
    published = secrets.jwks_file.read_text()
    keys = KeySet.import_key_set(json.loads(published))
    assert jwt.decode(token, keys, algorithms=["ES256"]).claims["sub"] == "S01-advisor-1"
    assert '"d"' not in published


def test_the_personal_keys_recognise_a_plate(tmp_path: Path) -> None:
    keys = PersonalData.from_file(ensure_secrets(tmp_path).personal_keys_file)
    assert keys.reference("plate", "沪A12345") == keys.reference("plate", "沪A12345")
