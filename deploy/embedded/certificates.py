"""Certificates of one data folder: an authority of its own, and what it signs."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.embedded.errors import EmbeddedError

_LIFETIME = timedelta(days=3650)
_BACKDATED = timedelta(minutes=5)


@dataclass(frozen=True)
class Certified:
    """A certificate and its key, as PEM texts."""

    certificate: str
    key: str


def new_authority(name: str) -> Certified:
    """Return a certificate that signs itself and others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    signed = (
        _builder(subject, subject, key.public_key(), datetime.now(UTC) + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pem(signed, key)


def new_certificate(
    authority: Certified, name: str, hosts: Sequence[str] = (), ends: datetime | None = None
) -> Certified:
    """Return a certificate of ``name`` for a server at ``hosts``, or for a client without any."""
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    issuer_key = serialization.load_pem_private_key(authority.key.encode(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)  # noqa: S101
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(
        _named(name), issuer.subject, key.public_key(), ends or datetime.now(UTC) + _LIFETIME
    ).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
    )
    if hosts:
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return _pem(builder.sign(issuer_key, hashes.SHA256()), key)


def hosts_of(certificate: str) -> set[str]:
    """Return the names and addresses of a server's certificate, a PEM text that may hold its key.

    Raises:
        EmbeddedError: there is no certificate in it.
    """
    begin = certificate.find("-----BEGIN CERTIFICATE-----")
    try:
        read = x509.load_pem_x509_certificate(certificate[max(begin, 0) :].encode())
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise EmbeddedError("a broker's certificate cannot be read") from error
    return {str(each.value) for each in names}


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(datetime.now(UTC), ends) - _BACKDATED)
        .not_valid_after(ends)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certified:
    return Certified(
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )
