"""What Keycloak is given when it starts, shown by a program in its place."""

from pathlib import Path

import pytest

from deploy.cli.new_secrets import new_secrets
from tests.cluster import distributions
from tests.cluster.__main__ import main
from tests.cluster.deployment import Deployment
from tests.cluster.keycloak import prepared_keycloak
from tests.support.polling import until

SHOWS = '#!/bin/sh\necho "arguments=$*"\nls "$(dirname "$0")"/../data/import\nenv\n'


async def test_keycloak_starts_with_settings_of_compose(tmp_path: Path) -> None:
    programs = tmp_path / "cache" / distributions._KEYCLOAK.name
    for folder in ("bin", "lib/quarkus"):
        (programs / folder).mkdir(parents=True)
    (programs / "bin/kc.sh").write_text(SHOWS)
    deployment = Deployment(tmp_path, with_keycloak=True)
    composition = deployment.composition
    new_secrets(composition.made_secrets)
    log = tmp_path / "log"
    process, health = prepared_keycloak(composition, tmp_path / "cache", log)
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


def test_parts_of_run_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--keycloak", "--whole"])
    assert "not allowed with argument" in capsys.readouterr().err
