"""Servers that take messages to customers, as customer relations reach them; no message is sent."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from deploy.doctor.findings import Finding, error, ok
from shared.settings import Settings, variable

_AREA = "channels"
_TIMEOUT_S = 5.0


def look_at_channels(settings: Settings) -> list[Finding]:
    """Return which of the servers for mail, SMS and WeCom respond, as far as they are set."""
    return [
        *(_mail(settings) if settings.smtp_host else ()),
        *(
            _gateway(name, address)
            for name in ("sms_gateway_url", "wecom_gateway_url")
            if (address := getattr(settings, name))
        ),
    ]


def _mail(settings: Settings) -> Iterator[Finding]:
    """Greet the mail server, secure the connection and sign in, as before a message."""
    server = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        _greet(settings)
    except smtplib.SMTPAuthenticationError as failure:
        yield error(
            _AREA,
            f"mail server {server} does not let {settings.smtp_username} sign in "
            f"({failure.smtp_code})",
            "correct AFTERSALES_SMTP_USERNAME and AFTERSALES_SMTP_PASSWORD",
        )
    except (OSError, smtplib.SMTPException) as failure:
        yield error(
            _AREA,
            f"mail server {server} cannot be used ({_reason(failure)})",
            "correct AFTERSALES_SMTP_HOST, AFTERSALES_SMTP_PORT and AFTERSALES_SMTP_SECURITY, or "
            "look at server and firewall",
        )
    else:
        yield ok(_AREA, f"mail server {server} responds")


def _greet(settings: Settings) -> None:
    host, port, trusted = settings.smtp_host, settings.smtp_port, ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=trusted)
        if settings.smtp_security == "tls"
        else smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
    ) as server:
        if settings.smtp_security == "starttls":
            server.starttls(context=trusted)
        if settings.smtp_username:
            server.login(settings.smtp_username, settings.smtp_password)
        server.ehlo_or_helo_if_needed()


def _gateway(name: str, address: str) -> Finding:
    """Connect to a gateway, and check its certificate where it has one."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    is_secured = parts.scheme == "https"
    port = parts.port or (443 if is_secured else 80)
    try:
        with socket.create_connection((host, port), _TIMEOUT_S) as connection:
            if is_secured:
                ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
    except OSError as failure:
        return error(
            _AREA,
            f"{host}:{port} cannot be reached ({_reason(failure)})",
            f"correct {variable(name)}, or look at gateway and firewall",
        )
    return ok(_AREA, f"{host}:{port} of {variable(name)} takes connections")


def _reason(failure: Exception) -> str:
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {failure.verify_message}"
    said = failure.strerror if isinstance(failure, OSError) else ""
    return said or str(failure) or type(failure).__name__
