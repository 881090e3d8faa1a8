"""Settings that are missing, unreadable or contradict each other, and secrets in files."""

import json
import os
import subprocess
from pathlib import Path
from signal import SIGTERM

import pytest

from deploy.embedded.settings import free_ports
from deploy.serving import service_command
from services.reporting.app import create_app
from shared.keyring import new_root
from shared.settings import FORWARDER, UNUSABLE, Settings, lacking, read_settings, secrets, variable


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AFTERSALES_")]:
        monkeypatch.delenv(name)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line with which reading the settings ended the process."""
    with pytest.raises(SystemExit) as ended:
        read_settings()
    assert ended.value.code == UNUSABLE
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err.removeprefix("aftersales: ").rstrip()


CONTRADICTIONS = {
    "plaintext beyond loopback": (
        {"KAFKA_SECURITY": "SASL_PLAINTEXT", "KAFKA_BOOTSTRAP": "127.0.0.1:9092,kafka:9092"},
        "AFTERSALES_KAFKA_SECURITY is without TLS, but AFTERSALES_KAFKA_BOOTSTRAP names a broker "
        "beyond the loopback address: set SASL_SSL or SSL, or AFTERSALES_KAFKA_PLAINTEXT_ALLOWED",
    ),
    "user without password": (
        {"KAFKA_USERNAME": "crm"},
        "AFTERSALES_KAFKA_USERNAME and AFTERSALES_KAFKA_PASSWORD belong together; one is not set",
    ),
    "user beside certificate": (
        {"KAFKA_SECURITY": "SSL", "KAFKA_USERNAME": "crm", "KAFKA_PASSWORD": "x"},
        "AFTERSALES_KAFKA_USERNAME is set, but AFTERSALES_KAFKA_SECURITY signs in without a user",
    ),
    "worker behind pooler": (
        {
            "DATABASE_POOLER": "true",
            "DATABASE_URL": "postgresql://crm:a@pooler:6432/crm",
            "WORKER_DATABASE_URL": "postgresql://crm_worker:b@pooler:6432/crm",
        },
        "AFTERSALES_DATABASE_POOLER is set, but AFTERSALES_WORKER_DATABASE_URL leads to the pooler "
        "too: relay and timers keep their sessions",
    ),
    "certificate without key": (
        {"KAFKA_SECURITY": "SSL", "KAFKA_CERTIFICATE_FILE": "crm.pem"},
        "AFTERSALES_KAFKA_CERTIFICATE_FILE and AFTERSALES_KAFKA_KEY_FILE belong together; one is "
        "not set",
    ),
    "certificate without TLS": (
        {"KAFKA_SECURITY": "PLAINTEXT", "KAFKA_CERTIFICATE_FILE": "a", "KAFKA_KEY_FILE": "b"},
        "AFTERSALES_KAFKA_CERTIFICATE_FILE is set, but AFTERSALES_KAFKA_SECURITY is without TLS",
    ),
    "two sources of keys": (
        {"JWKS_URL": "https://id/jwks", "JWKS_FILE": "jwks.json"},
        "AFTERSALES_JWKS_URL and AFTERSALES_JWKS_FILE are both set",
    ),
    "two issuers": (
        {"TOKEN_URL": "https://id/token", "ISSUER_KEY_FILE": "issuer.json"},
        "AFTERSALES_TOKEN_URL and AFTERSALES_ISSUER_KEY_FILE are both set",
    ),
    "token endpoint without client": (
        {"TOKEN_URL": "https://id/token", "CLIENT_ID": "reception"},
        "AFTERSALES_TOKEN_URL is set without AFTERSALES_CLIENT_ID and AFTERSALES_CLIENT_SECRET",
    ),
    "mail without sender": (
        {"SMTP_HOST": "mail"},
        "AFTERSALES_SMTP_HOST is set without AFTERSALES_SMTP_SENDER",
    ),
    "unknown protocol": (
        {"KAFKA_SECURITY": "TLS"},
        "AFTERSALES_KAFKA_SECURITY: It should be 'SASL_SSL', 'SSL', 'SASL_PLAINTEXT' or "
        "'PLAINTEXT'",
    ),
    "words for a number": (
        {"HTTP_PORT": "eighty", "SESSION_MAX_S": "long", "DATABASE_POOLER": "perhaps"},
        "AFTERSALES_DATABASE_POOLER: It should be true or false; AFTERSALES_HTTP_PORT: It should "
        "be a whole number; AFTERSALES_SESSION_MAX_S: It should be a number",
    ),
    "no broker": (
        {"KAFKA_BOOTSTRAP": ""},
        "AFTERSALES_KAFKA_BOOTSTRAP lacks a broker: it is a list of host:port, separated by commas",
    ),
    "gateway without scheme": (
        {"SMS_GATEWAY_URL": "sms.our.example", "SMS_GATEWAY_SECRET": "x"},
        "AFTERSALES_SMS_GATEWAY_URL is no http or https address",
    ),
    "desk without scheme": (
        {"PUBLIC_URL": "desk.our.example"},
        "AFTERSALES_PUBLIC_URL is no http or https address",
    ),
    "mail server with port": (
        {"SMTP_HOST": "smtp.example:465", "SMTP_SENDER": "service@dealer.example"},
        "AFTERSALES_SMTP_HOST is no host name; the port belongs to AFTERSALES_SMTP_PORT",
    ),
    "sender with name": (
        {"SMTP_HOST": "smtp.example", "SMTP_SENDER": "Group <service@dealer.example>"},
        "AFTERSALES_SMTP_SENDER is no bare address such as service@dealer.example",
    ),
    "missing file of a secret": (
        {"KAFKA_PASSWORD_FILE": "/nowhere/password"},
        "AFTERSALES_KAFKA_PASSWORD_FILE: /nowhere/password cannot be read (No such file or "
        "directory)",
    ),
    "misspelled setting": (
        {"SMTP_HSOT": "mail", "kafka_bootstrap": "kafka:9092", "EMBEDDED_PORTS__DESK": "8090"},
        "AFTERSALES_SMTP_HSOT is no setting: is AFTERSALES_SMTP_HOST meant?",
    ),
    "settings of nothing": (
        {"ZZZ": "", "KAFKA_CA": "ca.pem"},
        "AFTERSALES_KAFKA_CA is no setting: is AFTERSALES_KAFKA_CA_FILE meant?; AFTERSALES_ZZZ is "
        "no setting",
    ),
    "secret twice": (
        {"DESK_SECRET": "x", "DESK_SECRET_FILE": "/nowhere"},
        "AFTERSALES_DESK_SECRET and AFTERSALES_DESK_SECRET_FILE are both set",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_wrong_setting_is_named_in_one_line(
    case: tuple[dict[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given, sentence = case
    for name, value in given.items():
        monkeypatch.setenv(f"AFTERSALES_{name}", value)
    assert said(capsys) == sentence
    with pytest.raises(SystemExit):
        create_app()


def test_plaintext_beyond_loopback_can_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSALES_KAFKA_SECURITY", "PLAINTEXT")
    monkeypatch.setenv("AFTERSALES_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("AFTERSALES_KAFKA_PLAINTEXT_ALLOWED", "true")
    assert read_settings().kafka_bootstrap == "kafka:9092"


@pytest.mark.parametrize("name", secrets())
def test_secret_comes_from_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("hidden words\n")
    others = {
        "kafka_password": {"kafka_username": "crm"},
        "smtp_password": {"smtp_username": "crm"},
        "sms_gateway_secret": {"sms_gateway_url": "https://sms"},
        "wecom_gateway_secret": {"wecom_gateway_url": "https://wecom"},
    }
    for other, value in others.get(name, {}).items():
        monkeypatch.setenv(variable(other), value)
    monkeypatch.setenv(f"{variable(name)}_FILE", str(tmp_path / "secret"))
    settings = read_settings()
    assert getattr(settings, name) == "hidden words"
    assert "hidden words" not in repr(settings)


def test_service_without_settings_is_told_what_is_missing(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    missing = lacking(Settings(keys_file=keys), "reception")
    assert missing == [
        "AFTERSALES_KAFKA_USERNAME and AFTERSALES_KAFKA_PASSWORD are not set",
        "AFTERSALES_DATABASE_URL is not set",
        "AFTERSALES_WORKER_DATABASE_URL is not set",
        "neither AFTERSALES_JWKS_URL nor AFTERSALES_JWKS_FILE is set",
        "AFTERSALES_TOKEN_URL is not set, by which reception gets tokens of its own",
        f"AFTERSALES_KEYS_FILE: {keys} cannot be read (No such file or directory)",
    ]
    keys.write_text(json.dumps(new_root()))
    complete = Settings(
        kafka_username="crm",
        kafka_password="x",
        database_url="postgresql://",
        worker_database_url="postgresql://",
        jwks_url="https://id/jwks",
        keys_file=keys,
    )
    assert lacking(complete, "crm") == []
    assert lacking(complete, "desk") == [
        "AFTERSALES_TOKEN_URL is not set, by which the desk gets tokens of its own"
    ]
    assert lacking(Settings(kafka_username="forwarder", kafka_password="x"), FORWARDER) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key_id": "k1", "root": "short"}', "é"])
def test_files_of_other_content_are_named(content: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(content)
    settings = Settings(
        kafka_ca_file=file,
        keys_file=file,
        database_url=f"postgresql://db/crm?sslmode=verify-full&sslrootcert={file}",
        worker_database_url="postgresql://db/crm?sslmode=verify-full&sslrootcert=/nowhere/ca",
    )
    no_certificates = f"{file} holds no certificates in the form PEM"
    assert lacking(settings, "crm")[-4:] == [
        f"AFTERSALES_KAFKA_CA_FILE: {no_certificates}",
        f"AFTERSALES_KEYS_FILE: {file} holds no keys as `aftersales new-secrets` makes them",
        f"AFTERSALES_DATABASE_URL: {no_certificates}",
        "AFTERSALES_WORKER_DATABASE_URL: /nowhere/ca cannot be read (No such file or directory)",
    ]


def test_waiting_service_ends_when_told(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(new_root()))
    nowhere = f"postgresql://reporting@127.0.0.1:{free_ports(1)[0]}/reporting"
    given = {
        "KAFKA_USERNAME": "reporting",
        "KAFKA_PASSWORD": "x",
        "DATABASE_URL": nowhere,
        "WORKER_DATABASE_URL": nowhere,
        "JWKS_URL": "http://127.0.0.1:9/jwks",
        "KEYS_FILE": str(keys),
    }
    with subprocess.Popen(
        service_command("reporting", free_ports(1)[0]),
        env=os.environ | {f"AFTERSALES_{name}": value for name, value in given.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as service:
        assert service.stdout
        waits = next((line for line in service.stdout if "not available yet" in line), "")
        service.terminate()
    assert "database" in waits
    assert service.returncode == 128 + SIGTERM


def test_process_without_settings_ends_with_one_line() -> None:
    ended = subprocess.run(
        service_command("reporting", 0),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == UNUSABLE
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("aftersales: AFTERSALES_KAFKA_USERNAME and AFTERSALES_KAFKA_PASSWORD")
    assert "Traceback" not in ended.stderr
