"""Settings of one process, read from the environment (prefix ``AFTERSALES_``)."""

import ipaddress
import os
import ssl
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal, NoReturn, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from shared.contracts.violations import in_words
from shared.keyring import Keyring

PREFIX = "AFTERSALES_"
DESK = "desk"
FORWARDER = "forwarder"
"""The process that copies events for subscribers; it needs Kafka alone."""
SUBSCRIBERS = "subscribers"
"""The process that administers subscribers; it has no database."""
_READ_ELSEWHERE = ("AFTERSALES_EMBEDDED_", "AFTERSALES_FAILPOINT")
"""Variables of the embedded platform, and of tests that kill a process at a certain place."""
UNUSABLE = 2
"""Exit status of a process whose settings are missing or contradict each other."""

KafkaSecurity = Literal["SASL_SSL", "SSL", "SASL_PLAINTEXT", "PLAINTEXT"]


class _EnvironmentOrFiles(EnvSettingsSource):
    """Environment where ``NAME_FILE`` names the file that holds the secret ``NAME``."""

    def __call__(self) -> dict[str, Any]:
        given = super().__call__()
        for name in secrets():
            if file := self.env_vars.get(f"{self.env_prefix}{name}_file".lower()):
                if name in given:
                    raise SettingsError(f"{variable(name)} and {variable(name)}_FILE are both set")
                given[name] = _content(variable(f"{name}_file"), Path(file))
        return given


class SettingsError(ValueError):
    """One line that names a setting and what is wrong with it."""


class Settings(BaseSettings):
    """Settings for the surroundings of a service; business data is master data."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    kafka_bootstrap: str = Field(
        "127.0.0.1:19092", description="brokers to begin with, `host:port`, separated by commas"
    )
    kafka_security: KafkaSecurity = Field(
        "SASL_SSL",
        description=(
            "`SASL_SSL`: user and password (SCRAM-SHA-512) over TLS; `SSL`: client certificate; "
            "`SASL_PLAINTEXT` and `PLAINTEXT`: without TLS, for brokers on the loopback address"
        ),
    )
    kafka_username: str = Field("", description="user of `SASL_SSL` and `SASL_PLAINTEXT`")
    kafka_password: str = Field("", repr=False, description="its password")
    kafka_ca_file: Path | None = Field(
        None,
        description="PEM file of the authorities that broker certificates come from; "
        "the system's where not set",
    )
    kafka_certificate_file: Path | None = Field(
        None, description="PEM file of the client certificate of `SSL`, with its chain"
    )
    kafka_key_file: Path | None = Field(None, description="PEM file of its key")
    subscriber_kafka_bootstrap: str = Field(
        "", description="brokers as other systems reach them; `KAFKA_BOOTSTRAP` where not set"
    )
    subscriber_kafka_ca_file: Path | None = Field(
        None, description="PEM file of the authorities that certificates there come from"
    )
    kafka_plaintext_allowed: bool = Field(
        False, description="allow brokers without TLS beyond the loopback address"
    )

    database_url: str = Field(
        "",
        repr=False,
        description="`postgresql://` address of the service's database, as its runtime role; "
        "`?sslmode=verify-full&sslrootcert=FILE` for TLS",
    )
    worker_database_url: str = Field(
        "",
        repr=False,
        description="the same for relay and timers; a session of its own, never a transaction "
        "pooler's",
    )
    owner_database_url: str = Field(
        "", repr=False, description="the same as the schema's owner, for `aftersales migrate`"
    )
    reception_admin_database_url: str = Field(
        "",
        repr=False,
        description="address of the server with reception's tables as its administrator, for "
        "`aftersales audit` and `dead-letters`",
    )
    workshop_admin_database_url: str = Field(
        "", repr=False, description="the same for the workshop"
    )
    crm_admin_database_url: str = Field("", repr=False, description="for crm")
    reporting_admin_database_url: str = Field("", repr=False, description="for reporting")
    management_admin_database_url: str = Field("", repr=False, description="for management")
    database_pool_size: int = Field(
        10, ge=1, le=1000, description="connections of a process at most"
    )
    database_pooler: bool = Field(
        False,
        description="`DATABASE_URL` leads to a transaction pooler: no prepared statement and no "
        "setting outlives a transaction",
    )

    issuer: str = Field("https://issuer.aftersales.local", description="OIDC issuer (`iss`)")
    audience: str = Field("aftersales", description="what access tokens are for (`aud`)")
    jwks_url: str | None = Field(None, description="address of the issuer's public keys")
    jwks_file: Path | None = Field(None, description="file of the same, instead")
    access_token_max_s: int = Field(
        3600, ge=1, description="longest life of an access token in seconds"
    )
    issuer_key_file: Path | None = Field(
        None, description="key of the development issuer; never in a deployment"
    )
    claims_without_record: bool = Field(
        False,
        description="whether `roles` and `stores` of a token count for a person without a staff "
        "record who is no operator, as from the development issuer; never in a deployment",
    )
    token_url: str = Field("", description="token endpoint, for tokens of the process itself")
    client_id: str = Field("", description="client of these tokens")
    client_secret: str = Field("", repr=False, description="its secret")

    keys_file: Path = Field(
        Path("var/platform/secrets/keys.json"),
        description="keys under which a service encrypts personal data",
    )
    recognition_keys_file: Path | None = Field(
        None, description="keys by which reception and crm recognize plates and VINs"
    )
    tax_invoice_folder: Path = Field(
        Path("var/platform/tax-invoices"), description="folder that the tax client takes over"
    )
    tax_client_responses: bool = Field(False, description="the tax client responds")
    files: str = Field(
        "var/platform/files", description="folder of photos, or `s3://bucket/prefix`"
    )
    files_secret_key: str = Field(
        "",
        repr=False,
        description="secret key of the S3 store, in place of `AWS_SECRET_ACCESS_KEY`",
    )
    clock_file: Path | None = Field(None, description="simulated clock; never in a deployment")
    clock_skew_s: float = Field(0.0, description="error of the clock, for tests")

    http_host: str = Field("127.0.0.1", description="address on which the desk listens")
    http_port: int = Field(0, ge=0, le=65535, description="its port")
    reception_url: str = Field("http://127.0.0.1:8081", description="base address of reception")
    workshop_url: str = Field("http://127.0.0.1:8082", description="of the workshop")
    crm_url: str = Field("http://127.0.0.1:8083", description="of crm")
    reporting_url: str = Field("http://127.0.0.1:8084", description="of reporting")
    management_url: str = Field("http://127.0.0.1:8085", description="of management")
    subscribers_url: str = Field(
        "http://127.0.0.1:8087", description="of the administration of subscribers"
    )

    public_url: str = Field(
        "http://127.0.0.1:8080",
        description="where browsers, customers and other companies' systems reach the desk",
    )
    desk_hosts: str = Field("", description="further host names of the desk, separated by commas")
    trusted_proxies: str = Field(
        "127.0.0.1", description="addresses and networks of proxies, separated by commas"
    )
    desk_secret: str = Field(
        "",
        repr=False,
        description="key of session cookies and files, the same for all desks; one of the "
        "process's own where not set",
    )
    desk_sessions: str = Field(
        "var/platform/sessions", description="folder of sessions, or `s3://bucket/prefix`"
    )
    session_max_s: float = Field(16 * 3600, gt=0, description="longest session in seconds")
    session_idle_s: float = Field(2 * 3600, gt=0, description="longest idle session in seconds")
    oidc_client_id: str = Field("aftersales-desk", description="client of the desk's sign-in")
    oidc_client_secret: str = Field(
        "", repr=False, description="its secret; none for a public client"
    )

    smtp_host: str = Field("", description="mail server; no mail where not set")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how it is secured"
    )
    smtp_username: str = Field("", description="user")
    smtp_password: str = Field("", repr=False, description="password")
    smtp_sender: str = Field("", description="bare address of the sender")
    sms_gateway_url: str = Field("", description="SMS gateway; no SMS where not set")
    sms_gateway_secret: str = Field("", repr=False, description="its secret")
    wecom_gateway_url: str = Field("", description="WeCom gateway; none where not set")
    wecom_gateway_secret: str = Field("", repr=False, description="its secret")

    instance: str = Field("1", min_length=1, description="name of the process among its service's")
    retention_days: int = Field(
        30, ge=1, le=3660, description="days that sent events and answers to commands are kept"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment and the files that it names."""
        return init_settings, _EnvironmentOrFiles(settings_cls)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse settings that contradict each other."""
        for contradicts, sentence in _CONTRADICTIONS:
            if contradicts(self):
                raise PydanticCustomError("contradiction", sentence)
        return self


def secrets() -> Sequence[str]:
    """Return the names of the settings that are secret; each may come from a file."""
    return [name for name, field in Settings.model_fields.items() if not field.repr]


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def read_settings() -> Settings:
    """Return the settings; the process ends with one line where they cannot be used.

    A variable of the platform that is no setting, such as a misspelled one, cannot be used either.
    """
    known = [
        *(variable(name) for name in Settings.model_fields),
        *(f"{variable(name)}_FILE" for name in secrets()),
    ]
    given = [name for name in os.environ if not name.startswith(_READ_ELSEWHERE)]
    if faults := unknown(given, PREFIX, known):
        _refuse(faults)
    try:
        return Settings()
    except ValidationError as error:
        _refuse(faults_of(error, PREFIX))
    except SettingsError as error:
        _refuse([str(error)])


def unknown(given: Collection[str], prefix: str, known: Collection[str]) -> list[str]:
    """Return a sentence for each of the ``given`` variables with ``prefix`` that is not known."""
    odd = sorted(
        name for name in given if name.upper().startswith(prefix) and name.upper() not in known
    )
    return [
        f"{name} is no setting{f': is {close[0]} meant?' if close else ''}"
        for name in odd
        for close in [get_close_matches(name.upper(), known, 1, 0.8)]
    ]


def require(settings: Settings, service: str) -> None:
    """End the process at once, with one line, when ``service`` lacks a setting.

    It is called where its server would report an exception with a traceback.
    """
    if missing := lacking(settings, service):
        _say(missing)
        os._exit(UNUSABLE)


def _refuse(faults: Sequence[str]) -> NoReturn:
    _say(faults)
    raise SystemExit(UNUSABLE)


def _say(faults: Sequence[str]) -> None:
    print(f"aftersales: {'; '.join(faults)}", file=sys.stderr, flush=True)  # noqa: T201


def lacking(settings: Settings, service: str) -> list[str]:
    """Return what ``service`` cannot work without and is not set, a sentence each."""
    needed = _NEEDS_BY_PROCESS.get(service, _NEEDS_OF_SERVICE)
    read = _FILES_BY_PROCESS.get(service, ("",))
    return [sentence for is_there, sentence in needed if not is_there(settings)] + [
        f"{variable(name)}: {fault}"
        for name, file in _files(settings)
        if name.startswith(read) and (fault := _fault(name, file))
    ]


def faults_of(error: ValidationError, prefix: str) -> list[str]:
    """Return a sentence for each variable, one that begins with ``prefix``, that is refused."""
    return [_line(each, prefix) for each in error.errors(include_url=False)]


def _line(error: Mapping[str, Any], prefix: str) -> str:
    if not error["loc"]:
        return str(error["msg"])
    place = "__".join(map(str, error["loc"])).upper()
    said = _IN_WORDS.get(error["type"]) or in_words(error["type"], error["msg"])
    return f"{prefix}{place.removeprefix(prefix)}: {said}"


_IN_WORDS = {
    "int_parsing": "It should be a whole number",
    "float_parsing": "It should be a number",
    "bool_parsing": "It should be true or false",
}


def _content(name: str, file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: {file} cannot be read ({_reason(error)})") from None


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yield the files that settings name, and those that addresses of a database name."""
    for name, value in settings:
        if name.endswith("_file") and isinstance(value, Path):
            yield name, value
    for name in ("database_url", "worker_database_url", "owner_database_url"):
        if authorities := _authorities_of(getattr(settings, name)):
            yield name, authorities


def _authorities_of(database_url: str) -> Path | None:
    """Return the file of authorities by which an address lets its server be verified."""
    try:
        options = parse_qs(urlsplit(database_url).query)
    except ValueError:
        return None
    verifies = options.get("sslmode", [""])[-1] in ("require", "verify-ca", "verify-full")
    return Path(options["sslrootcert"][-1]) if verifies and "sslrootcert" in options else None


def _fault(name: str, file: Path) -> str:
    """Return what is wrong with the file that a setting names; nothing where it can be used."""
    try:
        if name.endswith(("_ca_file", "database_url")):
            ssl.create_default_context(cafile=file)
        elif name in ("keys_file", "recognition_keys_file"):
            Keyring.from_file(file, name)
        else:
            file.open("rb").close()
    except ssl.SSLError:
        return f"{file} holds no certificates in the form PEM"
    except OSError as error:
        return f"{file} cannot be read ({_reason(error)})"
    except ValueError as error:
        return str(error)
    return ""


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _names_no_server(name: str) -> "_Holds":
    """Return whether a setting is no web address, though it has a value or cannot do without."""
    default = Settings.model_fields[name].default
    return lambda settings: (
        bool(getattr(settings, name) or default) and not _is_web_address(getattr(settings, name))
    )


def _is_host(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return not set(text) & set(":/@ ")


def _is_bare_address(text: str) -> bool:
    name, address = parseaddr(text)
    user, _, host = address.rpartition("@")
    return not name and address == text and bool(user) and _is_host(host) and bool(host)


def _is_remote(bootstrap: str) -> bool:
    return not all(_is_loopback(each.rpartition(":")[0]) for each in bootstrap.split(","))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip().strip("[]")).is_loopback
    except ValueError:
        return host.strip() == "localhost"


def _place(database_url: str) -> tuple[str, str]:
    """Return server and database of an address, without who signs in."""
    address = urlsplit(database_url)
    return address.netloc.rpartition("@")[2], address.path


_Holds = Callable[[Settings], bool]

_CONTRADICTIONS: Sequence[tuple[_Holds, str]] = (
    (
        lambda s: not all(each.strip() for each in s.kafka_bootstrap.split(",")),
        "AFTERSALES_KAFKA_BOOTSTRAP lacks a broker: it is a list of host:port, separated by commas",
    ),
    *(
        (_names_no_server(name), f"{variable(name)} is no http or https address")
        for name in Settings.model_fields
        if name.endswith("_url") and not name.endswith("database_url")
    ),
    (
        lambda s: (
            s.kafka_security.endswith("PLAINTEXT")
            and not s.kafka_plaintext_allowed
            and _is_remote(s.kafka_bootstrap)
        ),
        "AFTERSALES_KAFKA_SECURITY is without TLS, but AFTERSALES_KAFKA_BOOTSTRAP names a broker "
        "beyond the loopback address: set SASL_SSL or SSL, or AFTERSALES_KAFKA_PLAINTEXT_ALLOWED",
    ),
    (
        lambda s: bool(s.kafka_username) != bool(s.kafka_password),
        "AFTERSALES_KAFKA_USERNAME and AFTERSALES_KAFKA_PASSWORD belong together; one is not set",
    ),
    (
        lambda s: bool(s.kafka_username) and "SASL" not in s.kafka_security,
        "AFTERSALES_KAFKA_USERNAME is set, but AFTERSALES_KAFKA_SECURITY signs in without a user",
    ),
    (
        lambda s: (
            s.database_pooler
            and bool(s.database_url)
            and _place(s.database_url) == _place(s.worker_database_url)
        ),
        "AFTERSALES_DATABASE_POOLER is set, but AFTERSALES_WORKER_DATABASE_URL leads to the pooler "
        "too: relay and timers keep their sessions",
    ),
    (
        lambda s: bool(s.kafka_certificate_file) != bool(s.kafka_key_file),
        "AFTERSALES_KAFKA_CERTIFICATE_FILE and AFTERSALES_KAFKA_KEY_FILE belong together; one is "
        "not set",
    ),
    (
        lambda s: bool(s.kafka_certificate_file) and "SSL" not in s.kafka_security,
        "AFTERSALES_KAFKA_CERTIFICATE_FILE is set, but AFTERSALES_KAFKA_SECURITY is without TLS",
    ),
    (
        lambda s: bool(s.jwks_url and s.jwks_file),
        "AFTERSALES_JWKS_URL and AFTERSALES_JWKS_FILE are both set",
    ),
    (
        lambda s: bool(s.token_url and s.issuer_key_file),
        "AFTERSALES_TOKEN_URL and AFTERSALES_ISSUER_KEY_FILE are both set",
    ),
    (
        lambda s: bool(s.token_url) and not (s.client_id and s.client_secret),
        "AFTERSALES_TOKEN_URL is set without AFTERSALES_CLIENT_ID and AFTERSALES_CLIENT_SECRET",
    ),
    (
        lambda s: bool(s.smtp_host) and not s.smtp_sender,
        "AFTERSALES_SMTP_HOST is set without AFTERSALES_SMTP_SENDER",
    ),
    (
        lambda s: not _is_host(s.smtp_host),
        "AFTERSALES_SMTP_HOST is no host name; the port belongs to AFTERSALES_SMTP_PORT",
    ),
    (
        lambda s: bool(s.smtp_sender) and not _is_bare_address(s.smtp_sender),
        "AFTERSALES_SMTP_SENDER is no bare address such as service@dealer.example",
    ),
    (
        lambda s: bool(s.smtp_username) != bool(s.smtp_password),
        "AFTERSALES_SMTP_USERNAME and AFTERSALES_SMTP_PASSWORD belong together; one is not set",
    ),
    (
        lambda s: bool(s.sms_gateway_url) != bool(s.sms_gateway_secret),
        "AFTERSALES_SMS_GATEWAY_URL and AFTERSALES_SMS_GATEWAY_SECRET belong together; one is not "
        "set",
    ),
    (
        lambda s: bool(s.wecom_gateway_url) != bool(s.wecom_gateway_secret),
        "AFTERSALES_WECOM_GATEWAY_URL and AFTERSALES_WECOM_GATEWAY_SECRET belong together; one is "
        "not set",
    ),
)

_NEEDS_OF_KAFKA: Sequence[tuple[_Holds, str]] = (
    (
        lambda s: "SASL" not in s.kafka_security or bool(s.kafka_username),
        "AFTERSALES_KAFKA_USERNAME and AFTERSALES_KAFKA_PASSWORD are not set",
    ),
    (
        lambda s: s.kafka_security != "SSL" or bool(s.kafka_certificate_file),
        "AFTERSALES_KAFKA_CERTIFICATE_FILE and AFTERSALES_KAFKA_KEY_FILE are not set",
    ),
)

_NEEDS_KEYS: tuple[_Holds, str] = (
    lambda s: bool(s.jwks_url or s.jwks_file),
    "neither AFTERSALES_JWKS_URL nor AFTERSALES_JWKS_FILE is set",
)

_NEEDS_OF_SERVICE: Sequence[tuple[_Holds, str]] = (
    *_NEEDS_OF_KAFKA,
    (lambda s: bool(s.database_url), "AFTERSALES_DATABASE_URL is not set"),
    (lambda s: bool(s.worker_database_url), "AFTERSALES_WORKER_DATABASE_URL is not set"),
    _NEEDS_KEYS,
)


def _needs_token(process: str) -> tuple[_Holds, str]:
    return (
        lambda s: bool(s.token_url or s.issuer_key_file),
        f"AFTERSALES_TOKEN_URL is not set, by which {process} gets tokens of its own",
    )


_NEEDS_BY_PROCESS: Mapping[str, Sequence[tuple[_Holds, str]]] = {
    FORWARDER: _NEEDS_OF_KAFKA,
    SUBSCRIBERS: (*_NEEDS_OF_KAFKA, _NEEDS_KEYS),
    DESK: (_NEEDS_KEYS, _needs_token("the desk")),
    "reception": (*_NEEDS_OF_SERVICE, _needs_token("reception")),
}

_FILES_BY_PROCESS: Mapping[str, tuple[str, ...]] = {
    FORWARDER: ("kafka_",),
    SUBSCRIBERS: ("kafka_", "subscriber_kafka_", "jwks_"),
    DESK: ("jwks_", "issuer_"),
}
"""Beginnings of the settings whose files a process reads, where these are not all."""
