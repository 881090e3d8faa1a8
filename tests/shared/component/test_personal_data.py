"""Texts are encrypted under a key per subject and store, many in three statements (R39)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from deploy.embedded.platform import Platform
from shared.personal_data import PersonalData
from shared.service import Foundation, opened
from tests.support.service_settings import settings_of

TEXTS = [("loyalty", "客户王女士投诉"), ("messages", "夜间打扰"), ("loyalty", "客户王女士投诉")]


@dataclass(frozen=True)
class Vault:
    """Personal data of a service, with its database and the database's administrator."""

    personal: PersonalData
    foundation: Foundation
    admin: asyncpg.Connection


@pytest.fixture(scope="module")
async def vault(empty_servers: Platform) -> AsyncIterator[Vault]:
    settings = settings_of(empty_servers, "management")
    admin = await asyncpg.connect(empty_servers.admin_url)
    async with opened("management", settings) as foundation:
        yield Vault(PersonalData.from_settings(settings, "management"), foundation, admin)
    await admin.close()


async def encrypted(vault: Vault, store_id: str = "S01") -> list[bytes]:
    async with vault.foundation.uow_factory.open([store_id]) as uow:
        texts = [(store_id, *each) for each in TEXTS]
        return await vault.personal.encrypt_all(uow.connection, texts)


async def test_encrypted_texts_are_read_in_order(vault: Vault) -> None:
    found = await encrypted(vault)
    assert not [text for text in found if "王".encode() in text or "夜间".encode() in text]
    assert found[0] != found[2]
    subjects = [subject for subject, _ in TEXTS]
    async with vault.foundation.uow_factory.read("S01") as connection:
        pairs = list(zip(subjects, found, strict=True))
        texts = await vault.personal.decrypt_all(connection, "S01", pairs)
        single = await vault.personal.decrypt(connection, "S01", *pairs[1])
    assert texts == [text for _, text in TEXTS]
    assert single == TEXTS[1][1]


async def test_known_subject_keeps_its_key(vault: Vault) -> None:
    async with vault.foundation.uow_factory.open(["S01"]) as uow:
        before = await vault.personal.encrypt(uow.connection, "S01", "loyalty", "之前")
    await encrypted(vault)
    async with vault.foundation.uow_factory.read("S01") as connection:
        assert await vault.personal.decrypt(connection, "S01", "loyalty", before) == "之前"


async def test_stores_have_keys_of_their_own(vault: Vault) -> None:
    await encrypted(vault, "S01")
    found = await encrypted(vault, "S02")
    await vault.admin.execute("DELETE FROM management.subject_key WHERE store_id = 'S02'")
    pairs = [(subject, text) for (subject, _), text in zip(TEXTS, found, strict=True)]
    async with vault.foundation.uow_factory.read("S02") as connection:
        assert await vault.personal.decrypt_all(connection, "S02", pairs) == [None] * len(TEXTS)
    keys = await vault.admin.fetch("SELECT DISTINCT store_id FROM management.subject_key")
    assert [row["store_id"] for row in keys] == ["S01"]


async def test_no_texts_need_no_key(vault: Vault) -> None:
    async with vault.foundation.uow_factory.open(["S09"]) as uow:
        assert await vault.personal.encrypt_all(uow.connection, []) == []
    assert (
        await vault.admin.fetch("SELECT FROM management.subject_key WHERE store_id = 'S09'") == []
    )
