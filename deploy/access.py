"""Kafka's users and their rights: what ``deploy/acls.yaml`` declares, and what a broker has."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from deploy.embedded.errors import EmbeddedError

SUBSCRIBER_TOPICS = "aftersales.subscriber."
"""Beginning of the names of streams that are a subscriber's own."""

_ANY_HOST = "*"
_USER = "User:"
_ITERATIONS = 4096
_TIMEOUT_S = 30.0

CLUSTER = "kafka-cluster"
"""Kafka's own name of the cluster among what there are rights on."""

OPERATIONS: Mapping[str, tuple[ResourceType, Sequence[AclOperation]]] = {
    "writes": (ResourceType.TOPIC, (AclOperation.WRITE,)),
    "reads": (ResourceType.TOPIC, (AclOperation.READ,)),
    "makes": (ResourceType.TOPIC, (AclOperation.CREATE, AclOperation.DELETE)),
    "joins": (ResourceType.GROUP, (AclOperation.READ,)),
    "watches": (ResourceType.GROUP, (AclOperation.DESCRIBE,)),
    "ends": (ResourceType.GROUP, (AclOperation.DELETE,)),
    "governs": (ResourceType.BROKER, (AclOperation.ALTER, AclOperation.DESCRIBE)),
}
"""Kinds of rights: on what, and which of Kafka's operations each allows."""


@dataclass(frozen=True)
class Rights:
    """What one principal may do; a name that ends with ``*`` stands for all that begin so."""

    principal: str
    writes: Sequence[str] = ()
    reads: Sequence[str] = ()
    joins: Sequence[str] = ()
    watches: Sequence[str] = ()
    makes: Sequence[str] = ()
    ends: Sequence[str] = ()
    governs: Sequence[str] = ()

    def bindings(self) -> set[AclBinding]:
        """Return the rights as Kafka stores them.

        Who reads, writes or deletes may also describe.
        """
        return {
            _binding(self.principal, resource, name, operation)
            for kind, (resource, operations) in OPERATIONS.items()
            for name in getattr(self, kind)
            for operation in operations
        }


def declared_rights(file: Path, topics: Collection[str], known: Collection[str]) -> list[Rights]:
    """Return the rights that ``file`` declares, for the principals that are ``known``.

    Raises:
        EmbeddedError: the file names a topic, a principal or a kind of right that does not exist.
    """
    try:
        declared: Mapping[str, Any] = yaml.safe_load(file.read_text())["principals"]
        rights = [_rights(file, name, content) for name, content in declared.items()]
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise EmbeddedError(f"{file}: it cannot be read ({type(error).__name__})") from error
    for each in rights:
        if each.principal not in known:
            raise EmbeddedError(f"{file}: there is no principal {each.principal}")
        for name in (*each.writes, *each.reads, *each.makes):
            if name not in topics and not _is_pattern(name):
                raise EmbeddedError(f"{file}: {each.principal}: topic {name} is not declared")
        if other := sorted(set(each.governs) - {CLUSTER}):
            raise EmbeddedError(f"{file}: {each.principal}: {other[0]} is not {CLUSTER}")
    if missing := sorted(set(known) - {each.principal for each in rights}):
        raise EmbeddedError(f"{file}: {missing[0]} has no rights")
    return rights


def _rights(file: Path, principal: str, content: Mapping[str, Sequence[str]]) -> Rights:
    if unknown := sorted(content.keys() - OPERATIONS.keys()):
        raise EmbeddedError(f"{file}: {principal}: {unknown[0]} is none of {', '.join(OPERATIONS)}")
    return Rights(principal, **{kind: tuple(names) for kind, names in content.items()})


def _is_pattern(name: str) -> bool:
    return name.startswith(SUBSCRIBER_TOPICS) and name.endswith("*")


def _binding(
    principal: str, resource: ResourceType, name: str, operation: AclOperation
) -> AclBinding:
    is_prefix = name.endswith("*")
    return AclBinding(
        resource,
        name.removesuffix("*"),
        ResourcePatternType.PREFIXED if is_prefix else ResourcePatternType.LITERAL,
        f"{_USER}{principal}",
        _ANY_HOST,
        operation,
        AclPermissionType.ALLOW,
    )


class Access:
    """Administration of a cluster's users and rights; its calls block."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """``options`` are those of a librdkafka client that signs in as the administrator."""
        self._admin = AdminClient({**options, "log_level": 0})

    def users(self) -> set[str]:
        """Return the names of all users with a password."""
        found = _result(self._admin.describe_user_scram_credentials())
        return set(found)

    def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Make the users that are missing, and set all their passwords."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        self._alter(
            UserScramCredentialUpsertion(user, info, password.encode())
            for user, password in passwords.items()
        )

    def remove_user(self, user: str) -> None:
        """Remove a user and its rights; connections of its that are open stay until they end."""
        self._alter([UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512)])
        self.set_rights([Rights(user)])

    def rights_of(self, principal: str) -> set[AclBinding]:
        """Return the rights that the cluster gives to a principal."""
        return self._rights(f"{_USER}{principal}")

    def rights(self) -> dict[str, set[AclBinding]]:
        """Return the rights of all principals."""
        found: dict[str, set[AclBinding]] = {}
        for each in self._rights(None):
            found.setdefault(each.principal.removeprefix(_USER), set()).add(each)
        return found

    def _rights(self, principal: str | None) -> set[AclBinding]:
        every = AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type]  # any name
            ResourcePatternType.ANY,
            principal,  # type: ignore[arg-type]  # or any
            None,  # type: ignore[arg-type]  # any host
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        return set(_result(self._admin.describe_acls(every, request_timeout=_TIMEOUT_S)))

    def set_rights(self, rights: Iterable[Rights]) -> None:
        """Give each principal the rights that it lacks, and take those that it should not have.

        Once the broker knows them, it also knows the passwords that were set before.
        """
        wanted = {each.principal: each.bindings() for each in rights}
        present = {principal: self.rights_of(principal) for principal in wanted}
        missing = {each for name in wanted for each in wanted[name] - present[name]}
        surplus = {each for name in wanted for each in present[name] - wanted[name]}
        if missing:
            _results(self._admin.create_acls(sorted(missing, key=str)))
        if surplus:
            _results(self._admin.delete_acls([_exactly(each) for each in surplus]))
        deadline = time.monotonic() + _TIMEOUT_S
        while {name: self.rights_of(name) for name in wanted} != wanted:
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Kafka did not take over rights in {_TIMEOUT_S:.0f} s")
            time.sleep(0.05)

    def _alter(self, changes: Iterable[Any]) -> None:
        _results(self._admin.alter_user_scram_credentials(list(changes)))


def _exactly(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


def _results(futures: Mapping[Any, Any]) -> None:
    for future in futures.values():
        _result(future)


def _result(future: Any) -> Any:
    try:
        return future.result(timeout=_TIMEOUT_S)
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        raise EmbeddedError(f"Kafka refused: {reason.str()}") from error
