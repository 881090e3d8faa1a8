"""Imports in tests: shared code is in ``tests/support``, no test module imports another."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PROGRAMS = {"bench", "cluster", "faults"}


def imported(source: str) -> Iterator[str]:
    """Yield the names under ``tests`` that ``source`` imports, without this first part."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "tests" if node.level else node.module
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("tests.") for name in names if name.startswith("tests."))


def may_import(importer: Path, name: str) -> bool:
    """Return whether the module of that path below ``tests`` may import the name."""
    folder, *inner = name.split(".")
    is_test = importer.name.startswith("test_")
    if folder in PROGRAMS and (is_test or importer.parts[0] in PROGRAMS):
        return not any(part == "conftest" or part.startswith("test_") for part in inner)
    return folder == "support"


def test_modules_import_only_support_or_tested_program() -> None:
    paths = [path.relative_to(TESTS) for path in TESTS.rglob("*.py")]
    assert len(paths) > 100
    assert [
        f"{path} imports {name}"
        for path in paths
        for name in imported((TESTS / path).read_text())
        if not may_import(path, name)
    ] == []


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("from tests.crm.test_mail import sent", "crm.test_mail.sent"),
        ("from tests.desk.conftest import desk", "desk.conftest.desk"),
        ("from tests.faults import test_retention", "faults.test_retention"),
        ("import tests.crm.test_mail", "crm.test_mail"),
        ("from . import test_mail", "test_mail"),
    ],
)
def test_import_from_another_test_is_found(statement: str, name: str) -> None:
    assert list(imported(statement)) == [name]
    assert not may_import(Path("faults/test_mutations.py"), name)


def test_bench_is_imported_only_by_its_tests() -> None:
    assert may_import(Path("embedded/test_servers.py"), "bench.ingest")
    assert may_import(Path("bench/ingest.py"), "support.harness.Publisher")
    assert not may_import(Path("support/harness.py"), "bench.ingest")
