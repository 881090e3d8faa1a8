"""Secrets of a data folder."""

import json
import stat
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwt
from joserfc.jwk import KeySet

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import RECOGNISE_VEHICLES
from deploy.embedded.secrets import (
    ADMINISTRATOR,
    BROKER,
    PRINCIPALS,
    SERVICES,
    Secrets,
    ensure_secrets,
    roles,
)
from shared.issuer import DevelopmentIssuer
from shared.keyring import Keyring
from shared.personal_data import PersonalData
from shared.settings import Settings


def test_secrets_are_readable_by_owner_only(tmp_path: Path) -> None:
    ensure_secrets(tmp_path / "secrets")
    files = sorted((tmp_path / "secrets").iterdir())
    assert [file.name for file in files] == [
        "desk.json",
        "issuer.json",
        "jwks.json",
        "kafka-broker.pem",
        "kafka-ca-key.pem",
        "kafka-ca.pem",
        "kafka.json",
        "keys-crm.json",
        "keys-management.json",
        "keys-reception.json",
        "keys-recognition.json",
        "keys-reporting.json",
        "keys-workshop.json",
        "passwords.json",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_secrets_are_created_once(tmp_path: Path) -> None:
    first = ensure_secrets(tmp_path)
    kept = {file: file.read_bytes() for file in tmp_path.iterdir()}
    assert ensure_secrets(tmp_path) == first
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == kept


def test_every_database_role_has_own_password(tmp_path: Path) -> None:
    passwords = ensure_secrets(tmp_path).passwords
    expected = {"postgres", *(role for service in SERVICES for role in roles(service))}
    assert set(passwords) == expected
    assert len(set(passwords.values())) == len(expected)


def test_every_kafka_principal_has_own_password(tmp_path: Path) -> None:
    passwords = ensure_secrets(tmp_path).kafka.passwords
    assert set(passwords) == {ADMINISTRATOR, BROKER, *PRINCIPALS}
    assert len(set(passwords.values())) == len(passwords)


def test_folder_from_before_kafka_had_users_is_refused(tmp_path: Path) -> None:
    ensure_secrets(tmp_path / "secrets")
    (tmp_path / "secrets" / "kafka.json").unlink()
    with pytest.raises(EmbeddedError) as refused:
        ensure_secrets(tmp_path / "secrets")
    assert str(refused.value) == (
        f"{tmp_path} holds data of a version whose Kafka was open to all: "
        "start with --reset-data to remove it and begin again"
    )


def test_role_of_newer_version_gets_password(tmp_path: Path) -> None:
    first = ensure_secrets(tmp_path).passwords
    older = {role: password for role, password in first.items() if "management" not in role}
    (tmp_path / "passwords.json").write_text(json.dumps(older))
    completed = ensure_secrets(tmp_path).passwords
    assert completed.keys() == first.keys()
    assert completed.items() >= older.items()
    assert ensure_secrets(tmp_path).passwords == completed


def test_published_keys_verify_tokens_but_cannot_sign(tmp_path: Path) -> None:
    secrets = ensure_secrets(tmp_path)
    issuer = DevelopmentIssuer(secrets.issuer_key_file, "issuer", "audience")
    token = issuer.token("S01-advisor-1", roles=["service_advisor"], stores=["S01"])
    published = secrets.jwks_file.read_text()
    keys = KeySet.import_key_set(json.loads(published))
    assert jwt.decode(token, keys, algorithms=["ES256"]).claims["sub"] == "S01-advisor-1"
    assert '"d"' not in published


def keys_of(secrets: Secrets, service: str) -> PersonalData:
    """Return the keys that the platform gives to a service."""
    recognition = secrets.recognition_keys_file if service in RECOGNISE_VEHICLES else None
    settings = Settings(keys_file=secrets.keys_files[service], recognition_keys_file=recognition)
    return PersonalData.from_settings(settings, service)


def test_key_of_service_decrypts_nothing_of_another(tmp_path: Path) -> None:
    secrets = ensure_secrets(tmp_path)
    keyrings = [keys_of(secrets, service).keys for service in SERVICES]
    purposes = ("subject keys", "reference link", "reference network", "reference phone")
    keys = [keyring.key(purpose) for keyring in keyrings for purpose in purposes]
    assert len(set(keys)) == len(SERVICES) * len(purposes)
    encrypted = AESGCM(keyrings[0].key("subject keys")).encrypt(b"0" * 12, b"text", None)
    for other in (*keys[1:], keyrings[0].key("other")):
        with pytest.raises(InvalidTag):
            AESGCM(other).decrypt(b"0" * 12, encrypted, None)


def test_one_root_key_derives_different_owner_keys(tmp_path: Path) -> None:
    file = ensure_secrets(tmp_path).recognition_keys_file
    assert Keyring.from_file(file, "crm").key("a") != Keyring.from_file(file, "desk").key("a")
    assert "root" not in repr(Keyring.from_file(file, "crm"))


def test_only_reception_and_crm_recognize_plate(tmp_path: Path) -> None:
    secrets = ensure_secrets(tmp_path)
    reception, crm, workshop = (keys_of(secrets, each) for each in ("reception", "crm", "workshop"))
    assert reception.reference("plate", "沪A12345") == crm.reference("plate", "沪A12345")
    assert reception.reference("vin", "沪A12345") != crm.reference("plate", "沪A12345")
    assert reception.reference("phone", "1") != crm.reference("phone", "1")
    with pytest.raises(ValueError, match="no key to recognize a plate"):
        workshop.reference("plate", "沪A12345")


def test_data_with_shared_keys_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "personal.json").write_text("{}")
    with pytest.raises(EmbeddedError, match="--reset-data"):
        ensure_secrets(tmp_path)
