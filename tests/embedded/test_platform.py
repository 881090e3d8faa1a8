"""Platform as tests and the fault campaign use it, with stubs for the services."""

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
from tests.support.polling import PATIENCE_S
from tests.support.up_with_stubs import stub_command

OF_CRM = ("AFTERSALES_SMTP_PASSWORD", "AFTERSALES_SMS_GATEWAY_SECRET")


@pytest_asyncio.fixture(scope="module")
async def stub_platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    settings = EmbeddedSettings(
        data=folder / "data", ports=Ports.free(), clock_file=folder / "clock"
    )
    settings.data.mkdir(mode=0o755)
    platform = Platform(settings, command_of=stub_command)
    with pytest.MonkeyPatch.context() as environment:
        for name in (*OF_CRM, "AFTERSALES_OWNER_DATABASE_URL", "AFTERSALES_CLIENT_SECRET"):
            environment.setenv(name, "hidden")
        environment.setenv("AFTERSALES_SMTP_USERNAME", "service")
        environment.setenv("AFTERSALES_SMS_GATEWAY_URL", "http://sms.example")
        await platform.start()
    yield platform
    await platform.stop()


async def environment_of(platform: Platform, name: str) -> dict[str, str]:
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        response = await client.get(f"{platform.url(name)}/environment")
    environment: dict[str, str] = response.json()
    return environment


async def test_service_gets_own_roles_without_signing_key(stub_platform: Platform) -> None:
    seen = await environment_of(stub_platform, "crm")
    assert "://crm:" in seen["AFTERSALES_DATABASE_URL"]
    assert "://crm_worker:" in seen["AFTERSALES_WORKER_DATABASE_URL"]
    assert seen["AFTERSALES_WORKSHOP_URL"] == stub_platform.url("workshop")
    assert seen["AFTERSALES_CLOCK_FILE"] == str(stub_platform.settings.clock_file)
    assert "AFTERSALES_ISSUER_KEY_FILE" not in seen
    assert "AFTERSALES_OWNER_DATABASE_URL" not in seen


async def test_process_sees_no_secrets_of_another(stub_platform: Platform) -> None:
    seen = {name: await environment_of(stub_platform, name) for name in ALL}
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


async def test_data_folder_is_readable_by_owner_only(stub_platform: Platform) -> None:
    data = stub_platform.settings.data
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    inside = [path for path in data.rglob("*") if not path.is_symlink()]
    assert {path.name for path in data.iterdir()} >= {"kafka", "postgres", "secrets", "logs"}
    wide = [path for path in inside if path.exists() and path.stat().st_mode & 0o077]
    assert wide == []


async def test_desk_gets_addresses_without_database(stub_platform: Platform) -> None:
    seen = await environment_of(stub_platform, "desk")
    assert seen["AFTERSALES_CRM_URL"] == stub_platform.url("crm")
    assert seen["AFTERSALES_ISSUER_KEY_FILE"].endswith("issuer.json")
    assert not [name for name in seen if name.endswith("DATABASE_URL")]


async def test_second_instance_has_own_port(stub_platform: Platform) -> None:
    second = await stub_platform.add_instance("crm", "2", AFTERSALES_FAILPOINT="relay")
    assert second.port != stub_platform.process("crm").port
    seen = await environment_of(stub_platform, "crm-2")
    assert seen["AFTERSALES_INSTANCE"] == "2"
    assert seen["AFTERSALES_FAILPOINT"] == "relay"
    assert (await environment_of(stub_platform, "crm"))["AFTERSALES_INSTANCE"] == "1"


async def test_restarted_service_gets_overridden_settings(stub_platform: Platform) -> None:
    before = stub_platform.process("workshop").pid
    stub_platform.process("workshop").kill()
    assert not stub_platform.process("workshop").alive
    await stub_platform.restart("workshop", AFTERSALES_CLOCK_SKEW_S="90")
    assert stub_platform.process("workshop").pid != before
    assert (await environment_of(stub_platform, "workshop"))["AFTERSALES_CLOCK_SKEW_S"] == "90"


async def test_data_of_running_service_is_not_removed(stub_platform: Platform) -> None:
    with pytest.raises(EmbeddedError, match=r"stop .*reception.* before the data is removed"):
        await stub_platform.empty()


async def test_status_shows_stopped_process(stub_platform: Platform) -> None:
    stub_platform.process("reporting").kill()
    rows = {row.name: row for row in await survey(stub_platform.settings)}
    assert {"kafka", "postgres", *ALL} <= rows.keys()
    assert not rows["reporting"].alive
    assert rows["crm"].alive
    assert rows["crm"].memory > 0
    assert "lag ?" in one_line(list(rows.values()))
    await stub_platform.restart("reporting")
    assert "lag 0" in one_line(await survey(stub_platform.settings))


async def test_service_that_cannot_start_is_named_with_error(
    stub_platform: Platform,
) -> None:
    stub_platform.process("reporting").kill()
    with pytest.raises(EmbeddedError, match=r"reporting ended while it started: .*KeyError"):
        await stub_platform.restart("reporting", STUB_FAILS="yes")
    await stub_platform.restart("reporting")
