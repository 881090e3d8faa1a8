"""E-mail to real SMTP servers that ask for encryption and a password (R9)."""

import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.embedded.settings import free_ports
from services.crm.clients.channels import Mailer, OutboundMessage, senders
from services.crm.domain.message_text import MessageText
from shared.settings import Settings
from tests.support.fake_servers import MailServer

MESSAGE = OutboundMessage(
    "m-1", "li@mail.example", MessageText("您的爱车已竣工", "第一行\n.第二行")
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return key and certificate of 127.0.0.1 in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("mail") / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return the servers' side of the certificate, which clients trust."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def listening(server: MailServer, **options: Any) -> Iterator[dict[str, Any]]:
    """Yield an SMTP server until the block ends, and its address."""
    port = free_ports(1)[0]
    controller = Controller(server, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_sender": "s@dealer.example"}
    finally:
        controller.stop()


def knows(_: Any, __: Any, ___: Any, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"dealer", b"secret"), handled=False)


@pytest.mark.parametrize(("password", "send_result"), [("secret", "accepted"), ("wrong", "later")])
async def test_mail_is_sent_encrypted_with_password(
    trusted: ssl.SSLContext, password: str, send_result: str
) -> None:
    server = MailServer()
    options = {"tls_context": trusted, "require_starttls": True, "auth_required": True}
    with listening(server, authenticator=knows, **options) as address:
        settings = Settings(**address, smtp_username="dealer", smtp_password=password)
        assert await Mailer(settings).send(MESSAGE) == send_result
    assert len(server.taken) == (send_result == "accepted")


async def test_mail_has_expected_headers_and_content(trusted: ssl.SSLContext) -> None:
    server = MailServer()
    with listening(server, ssl_context=trusted) as address:
        assert await Mailer(Settings(**address, smtp_security="tls")).send(MESSAGE) == "accepted"
    (mail,) = server.taken
    assert (mail["From"], mail["To"]) == ("s@dealer.example", "li@mail.example")
    assert (mail["Subject"], mail["Message-ID"]) == ("您的爱车已竣工", "<m-1@dealer.example>")
    assert mail.get_content().splitlines() == ["第一行", ".第二行"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_server_with_untrusted_certificate_gets_no_mail(
    certificate: Path, security: str
) -> None:
    server = MailServer()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    options = {"ssl_context": context} if security == "tls" else {"tls_context": context}
    with listening(server, **options) as address:
        assert await Mailer(Settings(**address, smtp_security=security)).send(MESSAGE) == "later"
    assert server.taken == []


async def test_mail_to_unavailable_server_is_retried_later() -> None:
    settings = Settings(
        smtp_host="127.0.0.1", smtp_port=free_ports(1)[0], smtp_sender="service@dealer.example"
    )
    assert await Mailer(settings).send(MESSAGE) == "later"


def test_settings_without_servers_give_no_channels() -> None:
    assert senders(Settings()) == {}
    gateways = Settings(
        sms_gateway_url="http://a",
        sms_gateway_secret="x",
        wecom_gateway_url="http://b",
        wecom_gateway_secret="x",
        smtp_host="c",
        smtp_sender="service@dealer.example",
    )
    assert senders(gateways).keys() == {"sms", "wecom", "email"}


def test_message_repr_hides_address_and_text() -> None:
    assert "li@mail.example" not in repr(MESSAGE)
    assert "竣工" not in repr(MESSAGE)
