"""Deployments of services and desk, their scaling and their migrations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.embedded.secrets import SERVICES
from deploy.kubernetes.kafka import CLUSTER
from shared.settings import DESK, FORWARDER, SUBSCRIBERS

PORT = 8080
SECRETS = "/run/secrets"
_USER = 10001
_IMAGE = "aftersales"
_ADMINISTRATION = "administration"
_INSPECTION = "inspection"
_TEMPORARY_FOLDER = "/tmp"  # noqa: S108 each container has its own
_EVENTS_BEHIND = 2000
_PROMETHEUS = "http://prometheus-operated.monitoring:9090"

_FILES: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        SERVICES, ("kafka_password", "database_url", "worker_database_url", "keys.json")
    ),
    DESK: ("desk_secret", "client_secret"),
    FORWARDER: ("kafka_password",),
    SUBSCRIBERS: ("kafka_password",),
}
_OWN_FILES: Mapping[str, Sequence[str]] = {
    "reception": ("recognition_keys.json", "client_secret"),
    "crm": ("recognition_keys.json",),
}
"""Secret files of each process: keys of the Secret of its name."""

_VARIABLES = {
    "kafka_password": "KAFKA_PASSWORD_FILE",
    "database_url": "DATABASE_URL_FILE",
    "worker_database_url": "WORKER_DATABASE_URL_FILE",
    "keys.json": "KEYS_FILE",
    "recognition_keys.json": "RECOGNITION_KEYS_FILE",
    "client_secret": "CLIENT_SECRET_FILE",
    "desk_secret": "DESK_SECRET_FILE",
}


@dataclass(frozen=True)
class Process:
    """One kind of process; of one that is not ``shared`` there is one instance at a time."""

    name: str
    shared: bool = True
    has_database: bool = True

    @property
    def files(self) -> Sequence[str]:
        return (*_FILES[self.name], *_OWN_FILES.get(self.name, ()))


PROCESSES = (
    *(Process(service) for service in SERVICES),
    Process(FORWARDER, has_database=False),
    Process(SUBSCRIBERS, shared=False, has_database=False),
    Process(DESK, has_database=False),
)


def workloads() -> Iterator[Mapping[str, Any]]:
    """Yield Deployment, Service, disruption budget and, of shared processes, scaling."""
    for process in PROCESSES:
        yield _deployment(process)
        yield _service(process)
        yield {
            **_resource("policy/v1", "PodDisruptionBudget", process.name, "service"),
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": _selector(process.name)}},
        }
        if process.shared:
            yield _scaling(process)


def migrations() -> Iterator[Mapping[str, Any]]:
    """Yield the job of each service that brings its schema up to date.

    The old version goes on meanwhile. The administrator's container ends before the owner's starts.
    """
    for service in SERVICES:
        prepare = _container(
            "prepare",
            ["prepare-database", f"{SECRETS}/passwords.json", service],
            {"AFTERSALES_OWNER_DATABASE_URL_FILE": f"{SECRETS}/admin_database_url"},
            "administrator",
        )
        migrate = _container(
            "migrate",
            ["migrate", service],
            {"AFTERSALES_OWNER_DATABASE_URL_FILE": f"{SECRETS}/owner_database_url"},
            "owner",
        )
        spec = {
            **_POD,
            "restartPolicy": "Never",
            "initContainers": [prepare],
            "containers": [migrate],
            "volumes": [
                _TEMPORARY,
                _administrators_volume(
                    "administrator", f"{service}-administrator", {service: "postgres"}
                ),
                _secret_volume("owner", f"{service}-owner", service),
            ],
        }
        yield {
            **_resource("batch/v1", "Job", f"migrate-{service}", "migration"),
            "spec": {
                "backoffLimit": 6,
                "activeDeadlineSeconds": 3600,
                "template": {
                    "metadata": {"labels": _labels(f"migrate-{service}", "migration")},
                    "spec": spec,
                },
            },
        }


def administration() -> Iterator[Mapping[str, Any]]:
    """Yield the jobs in whose containers the operator's commands are executed, while they last.

    One defines the group by management, and imports customers; the other looks at all databases and
    topics.
    """
    yield _idle_job(
        _ADMINISTRATION,
        {"AFTERSALES_CLIENT_SECRET_FILE": f"{SECRETS}/client_secret"},
        _secret_volume("own", _ADMINISTRATION, _ADMINISTRATION),
    )
    yield _idle_job(
        _INSPECTION,
        {
            "AFTERSALES_KAFKA_USERNAME": "audit",
            "AFTERSALES_KAFKA_PASSWORD_FILE": f"{SECRETS}/kafka_password",
            **{
                f"AFTERSALES_{service.upper()}_ADMIN_DATABASE_URL_FILE": (
                    f"{SECRETS}/{service}_admin_database_url"
                )
                for service in SERVICES
            },
        },
        _administrators_volume("own", _INSPECTION, dict.fromkeys(SERVICES, "postgres")),
    )


def _idle_job(
    name: str, variables: Mapping[str, str], volume: Mapping[str, Any]
) -> Mapping[str, Any]:
    container = {
        **_container(name, ["infinity"], variables, "own"),
        "command": ["sleep"],
        "envFrom": _environment(name),
    }
    spec = {
        **_POD,
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [_TEMPORARY, volume],
    }
    return {
        **_resource("batch/v1", "Job", name, _ADMINISTRATION),
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": 4 * 3600,
            "ttlSecondsAfterFinished": 0,
            "template": {
                "metadata": {"labels": _labels(name, _ADMINISTRATION)},
                "spec": spec,
            },
        },
    }


def database_of_each() -> Iterator[Mapping[str, Any]]:
    """Yield the patches by which each service checks the database server of its own."""
    for service in SERVICES:
        server = f"postgres-{service}"
        yield _with_volumes(
            "apps/v1", "Deployment", service, _secret_volume("own", service, service, server)
        )
        yield _with_volumes(
            "batch/v1",
            "Job",
            f"migrate-{service}",
            _administrators_volume("administrator", f"{service}-administrator", {service: server}),
            _secret_volume("owner", f"{service}-owner", service, server),
        )
    servers = {service: f"postgres-{service}" for service in SERVICES}
    volume = _administrators_volume("own", _INSPECTION, servers)
    yield _with_volumes("batch/v1", "Job", _INSPECTION, volume)


def _with_volumes(
    version: str, kind: str, name: str, *volumes: Mapping[str, Any]
) -> Mapping[str, Any]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"volumes": list(volumes)}}},
    }


def _deployment(process: Process) -> Mapping[str, Any]:
    variables = {f"AFTERSALES_{_VARIABLES[file]}": f"{SECRETS}/{file}" for file in process.files}
    if "kafka_password" in process.files:
        variables["AFTERSALES_KAFKA_USERNAME"] = process.name
    container = {
        **_container(process.name, ["run", process.name], variables, "own"),
        "envFrom": _environment(process.name),
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": {**_probe("live"), "periodSeconds": 2, "failureThreshold": 60},
        "livenessProbe": {**_probe("live"), "periodSeconds": 10, "failureThreshold": 3},
        "readinessProbe": {**_probe("ready"), "periodSeconds": 5, "failureThreshold": 2},
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }
    return {
        **_resource("apps/v1", "Deployment", process.name, "service"),
        "spec": {
            "selector": {"matchLabels": _selector(process.name)},
            "strategy": _ONE_BY_ONE if process.shared else {"type": "Recreate"},
            "template": {
                "metadata": {"labels": _labels(process.name, "service")},
                "spec": {
                    **_POD,
                    "terminationGracePeriodSeconds": 40,
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": _selector(process.name)},
                        }
                    ],
                    "containers": [container],
                    "volumes": [_TEMPORARY, _secret_volume("own", process.name, process.name)],
                },
            },
        },
    }


def _environment(name: str) -> Sequence[Mapping[str, Any]]:
    return [
        {"configMapRef": {"name": _IMAGE}},
        {"configMapRef": {"name": name, "optional": True}},
        {"secretRef": {"name": f"{name}-environment", "optional": True}},
    ]


def _service(process: Process) -> Mapping[str, Any]:
    service = _resource("v1", "Service", process.name, "service")
    if process.name == DESK:
        service["metadata"]["annotations"] = _STICKY
    return {
        **service,
        "spec": {
            "selector": _selector(process.name),
            "ports": [{"name": "http", "port": PORT, "targetPort": "http"}],
        },
    }


def _scaling(process: Process) -> Mapping[str, Any]:
    """Return how many instances there are: by lag, no more than partitions; by processor time."""
    by_lag = {
        "type": "prometheus",
        "metadata": {
            "serverAddress": _PROMETHEUS,
            "query": f'sum(aftersales_backlog{{service="{process.name}",what="lag"}})',
            "threshold": str(_EVENTS_BEHIND),
        },
    }
    by_load = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}
    return {
        **_resource("keda.sh/v1alpha1", "ScaledObject", process.name, "service"),
        "spec": {
            "scaleTargetRef": {"name": process.name},
            "minReplicaCount": 2,
            "maxReplicaCount": 4,
            "cooldownPeriod": 600,
            "triggers": [*([by_lag] if process.has_database else []), by_load],
        },
    }


_ONE_BY_ONE: Mapping[str, Any] = {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
_STICKY: Mapping[str, str] = {
    "traefik.ingress.kubernetes.io/service.sticky.cookie": "true",
    "traefik.ingress.kubernetes.io/service.sticky.cookie.name": "aftersales_desk_at",
}
_POD: Mapping[str, Any] = {
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": _USER,
        "runAsGroup": _USER,
        "fsGroup": _USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}
_TEMPORARY: Mapping[str, Any] = {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}}


def _container(
    name: str, arguments: Sequence[str], variables: Mapping[str, str], volume: str
) -> Mapping[str, Any]:
    return {
        "name": name,
        "image": _IMAGE,
        "args": list(arguments),
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "resources": {
            "requests": {"cpu": "200m", "memory": "256Mi"},
            "limits": {"memory": "768Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": _TEMPORARY_FOLDER},
            {"name": volume, "mountPath": SECRETS, "readOnly": True},
        ],
    }


def _secret_volume(
    name: str, secret: str, process: str, database: str = "postgres"
) -> Mapping[str, Any]:
    """Return a volume with a Secret's files and the authorities of Kafka and the database."""
    return _projected(
        name,
        secret,
        *([_KAFKA_AUTHORITY] if process not in (DESK, _ADMINISTRATION) else []),
        *([_authority(f"{database}-ca", "database-ca.pem")] if process in SERVICES else []),
    )


def _administrators_volume(name: str, secret: str, servers: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a volume with a Secret's files and the authority of each service's server."""
    authorities = (
        _authority(f"{server}-ca", f"{service}-database-ca.pem")
        for service, server in servers.items()
    )
    return _projected(name, secret, _KAFKA_AUTHORITY, *authorities)


def _projected(name: str, secret: str, *authorities: Mapping[str, Any]) -> Mapping[str, Any]:
    sources = [{"secret": {"name": secret}}, *authorities]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 0o440}}


def _authority(secret: str, file: str) -> Mapping[str, Any]:
    return {"secret": {"name": secret, "items": [{"key": "ca.crt", "path": file}]}}


_KAFKA_AUTHORITY = _authority(f"{CLUSTER}-cluster-ca-cert", "kafka-ca.pem")


def _probe(kind: str) -> dict[str, Any]:
    return {"httpGet": {"path": f"/health/{kind}", "port": "http"}, "timeoutSeconds": 4}


def _resource(version: str, kind: str, name: str, stage: str) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "labels": _labels(name, stage)},
    }


def _selector(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name}


def _labels(name: str, stage: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "aftersales",
        "aftersales/stage": stage,
    }
