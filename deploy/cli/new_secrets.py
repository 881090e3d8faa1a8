"""``aftersales new-secrets``: the secret files of a deployment."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from pydantic import TypeAdapter, ValidationError

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
_PORT = re.compile(r"[0-9]{1,5}")
_DATABASE = "postgres"
_OPEN_TO_OTHERS = 0o077
_BY_NAME = ("kafka_passwords", "database_passwords")
"""Files with passwords by name, to which names are added."""
_PASSWORDS = TypeAdapter(dict[str, str])
_ADDRESSES = {
    f"{service}_{kind}database_url"
    for service in SERVICES
    for kind in ("", "worker_", "owner_", "admin_")
}
"""Files of the databases' addresses."""

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
        str | None,
        typer.Option(
            help="Host name or address of PostgreSQL, with :PORT unless it is 5432; {service} "
            "stands for each service's name.",
            show_default=_DATABASE,
        ),
    ] = None,
    kafka_host: Annotated[
        list[str] | None,
        typer.Option(help="Host name or address of the brokers for others; can be repeated."),
    ] = None,
) -> None:
    """Make the passwords, keys and certificates that are missing, a file each.

    What is there is not replaced, so that a folder of an older version gets what came since; but
    brokers whose certificates lack a --kafka-host get others, and with another --database-host the
    addresses change. The folder is closed to other users.
    """
    public = tuple(kafka_host or ())
    if odd := [each for each in public if not _HOST.fullmatch(each)]:
        raise EmbeddedError(f"--kafka-host {odd[0]}: it is no host name, without port or scheme")
    if database_host is not None:
        _require_place(database_host)
    kept = _kept(folder)
    made = {
        **_certificates(kept, public),
        **_kafka(kept),
        **_database(kept, database_host),
        **_keys(),
        **_passwords(),
    }
    changed = {
        name: content
        for name, content in made.items()
        if name not in kept
        or (name in _BY_NAME and json.loads(content) != json.loads(kept[name]))
        or (name in {*_BROKERS, *_ADDRESSES} and content != kept[name])
    }
    _close(folder, has_secrets=bool(kept.keys() & made.keys()))
    try:
        for name, content in changed.items():
            _write(folder / name, content)
    except OSError as error:
        raise EmbeddedError(f"{folder} cannot be written: {error.strerror}") from error
    _report(folder, kept, changed)


def _report(folder: Path, kept: Kept, changed: Mapping[str, str]) -> None:
    """Say what was made, and which processes have to read it again."""
    if not kept:
        print_line(f"{len(changed)} secrets are in {folder}; keep a copy of it in a safe place")
        return
    if not changed:
        print_line(f"nothing is missing in {folder}")
    replaced = kept.keys() & (changed.keys() - set(_BY_NAME))
    if added := changed.keys() - replaced:
        print_line(f"added to {folder}: {', '.join(sorted(added))}; keep a copy of it")
    for files, then in (
        (_BROKERS.keys(), "restart the brokers one after another"),
        (_ADDRESSES, "start the services again with them"),
    ):
        if others := replaced & files:
            print_line(
                f"changed in {folder}: {', '.join(sorted(others))}; keep a copy of it, and {then}: "
                "docs/deployment.md says how"
            )


def _require_place(place: str) -> None:
    """Raise an error unless it is a host name or an address, with or without a port."""
    host, colon, port = place.replace("{service}", "service").partition(":")
    if not _HOST.fullmatch(host) or (colon and not _PORT.fullmatch(port)):
        raise EmbeddedError(
            f"--database-host {place}: it is no host name, with or without a port; {{service}} in "
            "it stands for each service's name"
        )


def _kept(folder: Path) -> Kept:
    """Return what a folder holds, which is made where it is missing."""
    try:
        if folder.exists() and not folder.is_dir():
            raise EmbeddedError(f"{folder} is no folder")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}
    except OSError as error:
        raise EmbeddedError(f"{folder} cannot be made or read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EmbeddedError(f"{folder} holds a file that is no text") from error


def _close(folder: Path, *, has_secrets: bool) -> None:
    """Close a folder to other users, unless it seems to be for something else than secrets."""
    try:
        if not folder.stat().st_mode & _OPEN_TO_OTHERS:
            return
        if not has_secrets and any(folder.iterdir()):
            raise EmbeddedError(
                f"{folder} is open to other users and holds other files: name a folder for secrets"
            )
        folder.chmod(0o700)
    except OSError as error:
        raise EmbeddedError(
            f"{folder} is open to other users and cannot be closed: {error.strerror}"
        ) from error
    before = "; its secrets were open to them" if has_secrets else ""
    print_line(f"{folder} is closed to other users now{before}")


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
        try:
            signed = new_certificate(authority, owner, hosts)
        except ValueError as error:
            raise EmbeddedError("ca and ca_key cannot be read: put their copies back") from error
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
    known = _passwords_by_name(kept, "kafka_passwords")
    passwords = known | {
        name: known.get(name) or kept.get(f"kafka_{name}") or _password() for name in PRINCIPALS
    }
    own = {f"kafka_{name}": passwords[name] for name in PRINCIPALS}
    return {**own, "kafka_admin": _password(), "kafka_passwords": json.dumps(passwords)}


def _database(kept: Kept, given: str | None) -> dict[str, str]:
    """Return the roles' passwords, and the addresses that each process is given with its own."""
    if there := sorted(kept.keys() & _ADDRESSES):
        for source in ("database_passwords", "postgres_password"):
            if source not in kept:
                raise EmbeddedError(
                    f"{source} is missing, from which {there[0]} comes: put it back"
                )
    passwords = {role: _password() for service in SERVICES for role in roles(service)}
    passwords |= _passwords_by_name(kept, "database_passwords")
    administrator = kept.get("postgres_password") or _password()
    made = {"postgres_password": administrator, "database_passwords": json.dumps(passwords)}
    for service, at in _places(kept, given).items():
        owner, runtime, worker = roles(service)
        own = {
            f"{service}_admin_database_url": _address(
                "postgres", administrator, f"{at}/postgres", f"{service}-database-ca"
            )
        }
        for kind, role in (("owner_", owner), ("", runtime), ("worker_", worker)):
            address = _address(role, passwords[role], f"{at}/aftersales", "database-ca")
            own[f"{service}_{kind}database_url"] = address
        for name in own.keys() & kept.keys():
            before = _place_in(kept, name)
            moved = kept[name] if given is None else kept[name].replace(f"@{before}/", f"@{at}/")
            own[name] = moved
        made |= own
    return made


def _places(kept: Kept, given: str | None) -> dict[str, str]:
    """Return where each service's database is: as given, or else as the addresses there say."""
    if given is not None:
        return {service: given.replace("{service}", service) for service in SERVICES}
    known = {
        service: _place_in(kept, name)
        for service in SERVICES
        if (name := f"{service}_owner_database_url") in kept
    }
    usual, *others = sorted(set(known.values())) or [_DATABASE]
    if others and (missing := [service for service in SERVICES if service not in known]):
        raise EmbeddedError(f"--database-host is missing: addresses of {missing[0]} are to be made")
    return {service: known.get(service, usual) for service in SERVICES}


def _place_in(kept: Kept, name: str) -> str:
    """Return host and port of an address."""
    try:
        place = urlsplit(kept[name]).netloc.rpartition("@")[2]
    except ValueError:
        place = ""
    if not place:
        raise EmbeddedError(f"{name} holds no address: put its copy back, or remove it")
    return place


def _passwords_by_name(kept: Kept, file: str) -> dict[str, str]:
    try:
        return _PASSWORDS.validate_json(kept.get(file, "{}"))
    except ValidationError as error:
        raise EmbeddedError(f"{file} holds no passwords by name: put its copy back") from error


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
