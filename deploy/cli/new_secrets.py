"""``aftersales new-secrets``: the secret files of a deployment."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.terminal import print_line
from deploy.embedded.certificates import Certified, hosts_of, new_authority, new_certificate
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import PRINCIPALS, SERVICES, roles
from shared.keyring import new_root

_BROKERS = {f"kafka_{number}_certificate": f"kafka-{number}" for number in (1, 2, 3)}
"""Files of the brokers' certificates, with the host of each."""
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", re.IGNORECASE
)
_BY_NAME = ("kafka_passwords", "database_passwords")
"""Files with passwords by name, to which names are added."""

_SIGNED: Mapping[str, tuple[str, Sequence[str]]] = {
    **{file: ("kafka", (host, "localhost")) for file, host in _BROKERS.items()},
    "kafka_admin_certificate": ("admin", ()),
    "postgres_certificate": ("postgres", ("postgres", "localhost")),
}
"""Files of certificates, with the name and the hosts of each."""

_KEYS_APART = {
    "kafka_admin_certificate": "kafka_admin_key",
    "postgres_certificate": "postgres_key",
}
"""Certificates whose keys are files of their own; the others hold theirs."""

Kept = Mapping[str, str]
"""Contents of the files that a folder has, by their names."""


def new_secrets(
    folder: Annotated[Path, typer.Argument(help="Folder, which is made where it is missing.")],
    database_host: Annotated[
        str, typer.Option(help="Where PostgreSQL is; {service} stands for each service's name.")
    ] = "postgres",
    kafka_host: Annotated[
        list[str] | None,
        typer.Option(help="Host name or address of the brokers for others; can be repeated."),
    ] = None,
) -> None:
    """Make the passwords, keys and certificates that are missing, a file each.

    What is there is never replaced, so that a folder of an older version gets what came since; but
    brokers whose certificates lack a --kafka-host get others.
    """
    public = tuple(kafka_host or ())
    if odd := [each for each in public if not _HOST.fullmatch(each)]:
        raise EmbeddedError(f"--kafka-host {odd[0]}: it is no host name, without port or scheme")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = _kept(folder)
    made = {
        **_certificates(kept, public),
        **_kafka(kept),
        **_database(kept, database_host),
        **_keys(),
        **_passwords(),
    }
    added = {
        name: content
        for name, content in made.items()
        if name not in kept
        or (name in _BY_NAME and json.loads(content) != json.loads(kept[name]))
        or (name in _BROKERS and content != kept[name])
    }
    for name, content in added.items():
        _write(folder / name, content)
    if not added:
        print_line(f"nothing is missing in {folder}")
    elif kept:
        print_line(f"added to {folder}: {', '.join(sorted(added))}; keep a copy of it")
    else:
        print_line(f"{len(made)} secrets are in {folder}; keep a copy of it in a safe place")


def _kept(folder: Path) -> Kept:
    try:
        return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}
    except (OSError, UnicodeDecodeError) as error:
        raise EmbeddedError(f"{folder} cannot be read ({type(error).__name__})") from error


def _write(file: Path, content: str) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(content)
    draft.chmod(0o444)  # for the containers' users; the folder is closed to other users
    draft.rename(file)


def _certificates(kept: Kept, public: Sequence[str]) -> dict[str, str]:
    """Return the certificates that are missing, from the authority of those that are there.

    Those of brokers are for the ``public`` names too, and go on being for the names that they have.
    """
    for name, key in _KEYS_APART.items():
        if (name in kept) != (key in kept):
            there, lacking = (name, key) if name in kept else (key, name)
            raise EmbeddedError(f"{there} is there without {lacking}: put it back, or remove it")
    named = {name: hosts_of(kept[name]) for name in _BROKERS.keys() & kept.keys()}
    missing = [
        name
        for name in _SIGNED
        if name not in kept or not set(public) <= named.get(name, set(public))
    ]
    if not missing and "ca" in kept:
        return {}
    authority = _authority(kept, missing)
    made = {"ca": authority.certificate, "ca_key": authority.key}
    for name in missing:
        owner, hosts = _SIGNED[name]
        if name in _BROKERS:
            hosts = sorted({*hosts, *public, *named.get(name, ())})
        signed = new_certificate(authority, owner, hosts)
        if apart := _KEYS_APART.get(name):
            made |= {name: signed.certificate, apart: signed.key}
        else:
            made[name] = signed.key + signed.certificate
    return made


def _authority(kept: Kept, missing: Sequence[str]) -> Certified:
    if {"ca", "ca_key"} <= kept.keys():
        return Certified(kept["ca"], kept["ca_key"])
    if "ca" in kept:
        raise EmbeddedError(f"ca_key is missing, which signs {missing[0]}: put it back")
    if "ca_key" in kept or kept.keys() & _SIGNED.keys():
        raise EmbeddedError("ca is missing, from which certificates that are there come")
    return new_authority("aftersales")


def _kafka(kept: Kept) -> dict[str, str]:
    known = json.loads(kept.get("kafka_passwords", "{}"))
    passwords = known | {
        name: known.get(name) or kept.get(f"kafka_{name}") or _password() for name in PRINCIPALS
    }
    own = {f"kafka_{name}": passwords[name] for name in PRINCIPALS}
    return {**own, "kafka_admin": _password(), "kafka_passwords": json.dumps(passwords)}


def _database(kept: Kept, host: str) -> dict[str, str]:
    """Return the roles' passwords, and the addresses that each process is given with its own."""
    passwords = {role: _password() for service in SERVICES for role in roles(service)}
    passwords |= json.loads(kept.get("database_passwords", "{}"))
    administrator = kept.get("postgres_password") or _password()
    made = {"postgres_password": administrator, "database_passwords": json.dumps(passwords)}
    for service in SERVICES:
        at = host.format(service=service)
        owner, runtime, worker = roles(service)
        for kind, role in (("owner_", owner), ("", runtime), ("worker_", worker)):
            address = _address(role, passwords[role], f"{at}/aftersales", "database-ca")
            made[f"{service}_{kind}database_url"] = address
        made[f"{service}_admin_database_url"] = _address(
            "postgres", administrator, f"{at}/postgres", f"{service}-database-ca"
        )
    return made


def _address(role: str, password: str, place: str, authority: str) -> str:
    tls = f"sslmode=verify-full&sslrootcert=/run/secrets/{authority}.pem"
    return f"postgresql://{role}:{password}@{place}?{tls}"


def _keys() -> dict[str, str]:
    names = [*(f"{service}_keys" for service in SERVICES), "recognition_keys"]
    return {name: json.dumps(new_root()) for name in names}


def _passwords() -> dict[str, str]:
    names = (
        "desk_secret",
        "desk_client_secret",
        "reception_client_secret",
        "administration_client_secret",
        "backup_password",
        "keycloak_database_password",
        "keycloak_admin_password",
        "grafana_admin_password",
    )
    return {name: _password() for name in names}


def _password() -> str:
    return secrets.token_urlsafe(24)
