"""The platform as tests and the fault campaign use it, with stand-ins for the services."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from deploy.cli.status import one_line, survey
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import ALL, Platform
from deploy.embedded.secrets import SERVICES
from deploy.embedded.settings import EmbeddedSettings, Ports
from tests.embedded.up_with_stand_ins import stand_in_command

OF_CRM = ("AFTERSALES_SMTP_PASSWORD", "AFTERSALES_SMS_GATEWAY_SECRET")


@pytest_asyncio.fixture(scope="module")
async def stood_in(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    settings = EmbeddedSettings(
        data=folder / "data", ports=Ports.free(), clock_file=folder / "clock"
    )
    settings.data.mkdir(mode=0o755)
    platform = Platform(settings, command_of=stand_in_command)
    with pytest.MonkeyPatch.context() as environment:
        for name in (*OF_CRM, "AFTERSALES_OWNER_DATABASE_URL", "AFTERSALES_CLIENT_SECRET"):
            environment.setenv(name, "hidden")
        await platform.start()
    yield platform
    await platform.stop()


async def environment_of(platform: Platform, name: str) -> dict[str, str]:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{platform.url(name)}/environment")).json()


async def test_a_service_gets_its_own_roles_and_no_signing_key(stood_in: Platform) -> None:
    seen = await environment_of(stood_in, "crm")
    assert "://crm:" in seen["AFTERSALES_DATABASE_URL"]
    assert "://crm_worker:" in seen["AFTERSALES_WORKER_DATABASE_URL"]
    assert seen["AFTERSALES_WORKSHOP_URL"] == stood_in.url("workshop")
    assert seen["AFTERSALES_CLOCK_FILE"] == str(stood_in.settings.clock_file)
    assert "AFTERSALES_ISSUER_KEY_FILE" not in seen
    assert "AFTERSALES_OWNER_DATABASE_URL" not in seen


async def test_no_process_sees_secrets_of_another(stood_in: Platform) -> None:
    seen = {name: await environment_of(stood_in, name) for name in ALL}
    for name in OF_CRM:
        assert [each for each in ALL if name in seen[each]] == ["crm"]
    assert [each for each in ALL if "AFTERSALES_CLIENT_SECRET" in seen[each]] == ["reception"]
    files = [seen[each].get("AFTERSALES_KEYS_FILE") for each in ALL]
    assert [Path(file).name if file else None for file in files] == [
        *(f"keys-{service}.json" for service in SERVICES),
        None,
    ]
    assert [each for each in ALL if "AFTERSALES_RECOGNITION_KEYS_FILE" in seen[each]] == [
        "reception",
        "crm",
    ]


async def test_nobody_else_reads_the_data_folder(stood_in: Platform) -> None:
    data = stood_in.settings.data
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    inside = [path for path in data.rglob("*") if not path.is_symlink()]
    assert {path.name for path in data.iterdir()} >= {"kafka", "postgres", "secrets", "logs"}
    wide = [path for path in inside if path.exists() and path.stat().st_mode & 0o077]
    assert wide == []


async def test_the_desk_gets_addresses_and_no_database(stood_in: Platform) -> None:
    seen = await environment_of(stood_in, "desk")
    assert seen["AFTERSALES_CRM_URL"] == stood_in.url("crm")
    assert seen["AFTERSALES_ISSUER_KEY_FILE"].endswith("issuer.json")
    assert not [name for name in seen if name.endswith("DATABASE_URL")]


async def test_a_second_instance_listens_on_a_port_of_its_own(stood_in: Platform) -> None:
    second = await stood_in.add_instance("crm", "2", AFTERSALES_FAILPOINT="relay")
    assert second.port != stood_in.process("crm").port
    seen = await environment_of(stood_in, "crm-2")
    assert seen["AFTERSALES_INSTANCE"] == "2"
    assert seen["AFTERSALES_FAILPOINT"] == "relay"
    assert (await environment_of(stood_in, "crm"))["AFTERSALES_INSTANCE"] == "1"


async def test_a_killed_service_comes_back_with_what_the_restart_adds(stood_in: Platform) -> None:
    before = stood_in.process("workshop").pid
    stood_in.process("workshop").kill()
    assert not stood_in.process("workshop").alive
    await stood_in.restart("workshop", AFTERSALES_CLOCK_SKEW_S="90")
    assert stood_in.process("workshop").pid != before
    assert (await environment_of(stood_in, "workshop"))["AFTERSALES_CLOCK_SKEW_S"] == "90"


async def test_data_is_not_removed_under_a_running_service(stood_in: Platform) -> None:
    with pytest.raises(EmbeddedError, match=r"stop .*reception.* before the data is removed"):
        await stood_in.empty()


async def test_status_tells_what_is_down(stood_in: Platform) -> None:
    stood_in.process("reporting").kill()
    rows = {row.name: row for row in await survey(stood_in.settings)}
    assert {"kafka", "postgres", *ALL} <= rows.keys()
    assert not rows["reporting"].alive
    assert rows["crm"].alive
    assert rows["crm"].memory > 0
    assert "lag ?" in one_line(list(rows.values()))
    await stood_in.restart("reporting")
    assert "lag 0" in one_line(await survey(stood_in.settings))


async def test_a_service_that_cannot_start_is_named_with_its_last_words(
    stood_in: Platform,
) -> None:
    stood_in.process("reporting").kill()
    with pytest.raises(EmbeddedError, match=r"reporting ended while it started: .*KeyError"):
        await stood_in.restart("reporting", STAND_IN_FAILS="yes")
    await stood_in.restart("reporting")
