"""Data folder and ports of the embedded platform (prefix ``AFTERSALES_EMBEDDED_``)."""

import socket
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom
from typing import Self

from pydantic import BaseModel
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "AFTERSALES_EMBEDDED_"

_CLAIMS: list[socket.socket] = []
_DISTRIBUTION = Path(__file__).resolve().parents[2]


class Ports(BaseModel, frozen=True):
    """Loopback ports by the name of the server that listens there."""

    desk: int = 8080
    reception: int = 8081
    workshop: int = 8082
    crm: int = 8083
    reporting: int = 8084
    management: int = 8085
    forwarder: int = 8086
    subscribers: int = 8087
    postgres: int = 15432
    kafka: int = 19092
    kafka_controller: int = 19093
    kafka_tls: int = 19094
    kafka_mutual_tls: int = 19095

    @classmethod
    def free(cls) -> Self:
        """Return ports on which no process listens at the moment."""
        names = list(cls.model_fields)
        return cls(**dict(zip(names, free_ports(len(names)), strict=True)))


class EmbeddedSettings(BaseSettings):
    """One embedded platform; two with different data folders and ports don't meet."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore")

    data: Path = Path("var/platform")
    cache: Path = Path.home() / ".cache" / "aftersales"
    ports: Ports = Ports()
    group_folder: Path = _DISTRIBUTION / "deploy" / "group"
    topics_file: Path = _DISTRIBUTION / "deploy" / "topics.yaml"
    acls_file: Path = _DISTRIBUTION / "deploy" / "acls.yaml"
    clock_file: Path | None = None
    kafka_heap_mb: int = 384
    ready_timeout_s: float = 90.0


def variables() -> Sequence[str]:
    """Return the environment variables of the settings."""
    names = [*EmbeddedSettings.model_fields, *(f"ports__{name}" for name in Ports.model_fields)]
    return [f"{PREFIX}{name}".upper() for name in names]


def free_ports(count: int) -> list[int]:
    """Return ``count`` different loopback ports on which no process listens at the moment.

    They lie below those that the kernel gives to connections. Each is given to one process of the
    machine at a time, once, and until that process ends.
    """
    candidates = range(20_000, 32_768)
    found: list[int] = []
    for port in SystemRandom().sample(candidates, len(candidates)):
        if len(found) == count:
            break
        if _take(port):
            found.append(port)
    return found


def _take(port: int) -> bool:
    """Take ``port`` for this process; return whether it was free.

    The kernel keeps the claim, a socket with a name but without a file, as long as the process.
    """
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0aftersales port {port}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return False
    _CLAIMS.append(claim)
    return True
