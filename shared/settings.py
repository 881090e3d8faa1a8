"""Settings of one process, read from the environment (prefix ``AFTERSALES_``)."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings for the surroundings of a service; business data is in the group folder."""

    model_config = SettingsConfigDict(env_prefix="AFTERSALES_", extra="ignore")

    kafka_bootstrap: str = "127.0.0.1:19092"
    kafka_username: str | None = None
    kafka_password: str | None = None
    kafka_ca_file: Path | None = None

    database_url: str = ""
    worker_database_url: str = ""
    owner_database_url: str = ""
    database_pool_size: int = 10

    issuer: str = "https://issuer.aftersales.local"
    audience: str = "aftersales"
    jwks_file: Path | None = None
    jwks_url: str | None = None
    access_token_max_s: int = 3600
    issuer_key_file: Path | None = None
    token_url: str = ""
    client_id: str = ""
    client_secret: str = ""

    keys_file: Path = Path("var/platform/secrets/keys.json")
    recognition_keys_file: Path | None = None
    tax_invoice_folder: Path = Path("var/platform/tax-invoices")
    tax_client_responses: bool = False
    files: str = "var/platform/files"
    clock_file: Path | None = None
    clock_skew_s: float = 0.0

    http_host: str = "127.0.0.1"
    http_port: int = 0
    reception_url: str = "http://127.0.0.1:8081"
    workshop_url: str = "http://127.0.0.1:8082"
    crm_url: str = "http://127.0.0.1:8083"
    reporting_url: str = "http://127.0.0.1:8084"
    management_url: str = "http://127.0.0.1:8085"

    public_url: str = "http://127.0.0.1:8080"
    desk_hosts: str = ""
    trusted_proxies: str = "127.0.0.1"
    desk_secret_file: Path | None = None
    desk_sessions: str = "var/platform/sessions"
    session_max_s: float = 16 * 3600
    session_idle_s: float = 2 * 3600
    oidc_client_id: str = "aftersales-desk"
    oidc_client_secret_file: Path | None = None

    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_sender: str = ""
    sms_gateway_url: str = ""
    sms_gateway_secret: str = ""
    wecom_gateway_url: str = ""
    wecom_gateway_secret: str = ""

    instance: str = "1"
    retention_days: int = Field(default=30, ge=1, le=3660)
