"""Files in a folder and in an S3-compatible store: one contract for both."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deploy.embedded.settings import free_ports
from shared.files import FileStorage
from shared.problems import Problem
from tests.support.polling import PATIENCE_S


@pytest.fixture(scope="module")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Yield the address of a running S3 server with one bucket."""
    port, folder = free_ports(1)[0], tmp_path_factory.mktemp("s3")
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "localbucket", str(folder), "--port", str(port)
    )
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            await asyncio.sleep(0.05)
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        (await client.put(f"{address}/pictures")).raise_for_status()
    yield address
    server.terminate()
    await server.wait()


@pytest.fixture
def in_s3(monkeypatch: pytest.MonkeyPatch, s3: str) -> FileStorage:
    for name, value in {
        "ENDPOINT": s3,
        "ACCESS_KEY_ID": "key",
        "SECRET_ACCESS_KEY": "secret",
        "REGION": "cn-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return FileStorage("s3://pictures/aftersales")


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> FileStorage:
    if request.param == "folder":
        return FileStorage(str(tmp_path / "not-yet-there"))
    storage: FileStorage = request.getfixturevalue("in_s3")
    return storage


async def test_concurrent_new_contents_keep_one(files: FileStorage) -> None:
    tried = await asyncio.gather(*(files.put_new("new", bytes([n])) for n in range(4)))
    assert sorted(tried) == [False, False, False, True]
    assert await files.get("new") == bytes([tried.index(True)])


async def test_keys_are_listed_by_folder_in_order(files: FileStorage) -> None:
    for key in ("list/b/2", "list/a/1", "list/b/1", "listing/1"):
        await files.put(key, b"")
    assert list(await files.written("list")) == ["list/a/1", "list/b/1", "list/b/2"]
    assert list(await files.written("list", after="list/b/1")) == ["list/b/2"]
    assert await files.written("no-such-folder") == {}
    assert "listing/1" in await files.written()


async def test_stored_file_is_returned_until_deleted(files: FileStorage) -> None:
    await files.put("S01/photos/1", b"first")
    await files.put("S01/photos/1", b"second")
    await files.put("S02/photos/1", bytes(range(256)) * 40_000)
    assert await files.get("S01/photos/1") == b"second"
    assert len(await files.get("S02/photos/1") or b"") == 10_240_000
    await files.delete("S01/photos/1")
    assert await files.get("S01/photos/1") is None


async def test_deleting_missing_file_is_no_error(files: FileStorage) -> None:
    await files.delete("S01/photos/never")
    assert await files.get("S01/photos/never") is None


async def test_unavailable_file_storage_returns_503(
    monkeypatch: pytest.MonkeyPatch, in_s3: FileStorage
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{free_ports(1)[0]}")
    unavailable = FileStorage("s3://pictures")
    with pytest.raises(Problem) as violation:
        await unavailable.put("S01/photos/1", b"content")
    assert violation.value.status == 503
