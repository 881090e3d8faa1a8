"""What Keycloak is given when it starts, shown by a program in its place."""

import json
from pathlib import Path

import pytest

from deploy.cli.new_secrets import new_secrets
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.processes import Process
from tests.cluster import distributions
from tests.cluster.__main__ import main
from tests.cluster.deployment import Deployment
from tests.cluster.keycloak import person, prepared_keycloak
from tests.support.polling import until

SHOWS = '#!/bin/sh\necho "arguments=$*"\nls "$(dirname "$0")"/../data/import\nenv\n'
ADMINISTERS = """#!/bin/sh
echo "$*" | sed 's/ --config .*//' >> "$(dirname "$0")/asked"
case "$*" in
    *"-f -"*) cat >> "$(dirname "$0")/asked" ;;
    get*) cat "$(dirname "$0")/found" ;;
esac
"""
"""Stands for ``kcadm.sh``: writes down what it is asked, and finds what it is told to."""


def prepared(folder: Path) -> tuple[Deployment, Process, str]:
    """Return a deployment, and the process and health check of what stands for its Keycloak."""
    programs = folder / "cache" / distributions._KEYCLOAK.name
    for each in ("bin/client", "lib/quarkus"):
        (programs / each).mkdir(parents=True)
    (programs / "bin/kc.sh").write_text(SHOWS)
    (programs / "bin/kcadm.sh").write_text(ADMINISTERS)
    deployment = Deployment(folder, with_keycloak=True)
    new_secrets(deployment.composition.made_secrets)
    log = folder / "log"
    return deployment, *prepared_keycloak(deployment.composition, folder / "cache", log)


async def test_keycloak_starts_with_settings_of_compose(tmp_path: Path) -> None:
    deployment, process, health = prepared(tmp_path)
    composition, log = deployment.composition, tmp_path / "log"
    process.start()
    assert await until(lambda: process.exit_status() == 0)
    shown = log.read_text().splitlines()
    secret = (composition.made_secrets / "desk_client_secret").read_text()
    authority = composition.folder("keycloak") / "secrets/ca.pem"
    database = f"jdbc:postgresql://localhost:{composition.port('postgres', 5432)}/keycloak"
    assert {
        "arguments=start --import-realm",
        "aftersales-realm.json",
        f"DESK_CLIENT_SECRET={secret}",
        f"DESK_URL={deployment.url('desk')}",
        f"KC_DB_URL={database}?sslmode=verify-full&sslrootcert={authority}",
        f"KC_HOSTNAME={deployment.url('keycloak')}",
        f"KC_HTTP_PORT={process.port}",
    } <= set(shown)
    assert health.endswith("/health/ready")
    assert authority.exists()


async def test_person_is_let_in_and_shut_out(tmp_path: Path) -> None:
    deployment, _, _ = prepared(tmp_path)
    programs = deployment.composition.folder("keycloak") / "home/bin"
    found, asked = programs / "found", programs / "asked"
    found.write_text("")
    said = await person(deployment.composition, "let-in", "S01-advisor-1")
    password = said.removeprefix("s01-advisor-1 signs in with the password ").partition(",")[0]
    given = {"type": "password", "value": password, "temporary": True}
    signed_in, searched, created, body = asked.read_text().splitlines()
    assert signed_in.startswith("config credentials --server http://localhost:")
    assert searched.startswith("get users -r aftersales -q exact=true -q username=s01-advisor-1 ")
    assert (created, json.loads(body)) == (
        "create users -r aftersales -i -f -",
        {
            "username": "s01-advisor-1",
            "enabled": True,
            "attributes": {"person_id": ["S01-advisor-1"]},
            "credentials": [given],
        },
    )
    found.write_text("some-id\n")
    asked.unlink()
    said = await person(deployment.composition, "let-in", "operator")
    *_, changed, body = asked.read_text().splitlines()
    assert changed == "update users/some-id/reset-password -r aftersales -n -f -"
    assert f"password {json.loads(body)['value']}, and" in said
    asked.unlink()
    await person(deployment.composition, "shut-out", "operator")
    assert asked.read_text().splitlines()[2:] == [
        "update users/some-id -r aftersales -s enabled=false",
        "create users/some-id/logout -r aftersales -b {}",
    ]


@pytest.mark.parametrize(
    ("what", "subject", "said"),
    [
        ("let-in", 'x", "realmRoles": ["operator"]', "say let-in or shut-out"),
        ("let-in", "", "say let-in or shut-out"),
        ("admit", "operator", "say let-in or shut-out"),
        ("shut-out", "operator", "operator is no user"),
    ],
)
async def test_person_that_cannot_be_is_refused(
    what: str, subject: str, said: str, tmp_path: Path
) -> None:
    deployment, _, _ = prepared(tmp_path)
    (deployment.composition.folder("keycloak") / "home/bin/found").write_text("")
    with pytest.raises(EmbeddedError, match=said):
        await person(deployment.composition, what, subject)


def test_parts_of_run_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--keycloak", "--whole"])
    assert "not allowed with argument" in capsys.readouterr().err
