"""Tour and glossary: each link leads to the file that its label says, and each named symbol is
defined there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from shared.contracts import CONTRACTS

REPOSITORY = Path(__file__).parents[2]
TOUR = REPOSITORY / "docs" / "tour.md"
GLOSSARY = REPOSITORY / "docs" / "glossary.md"

LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)#]+)[^)]*\)")
PATH = re.compile(r"[\w/.-]+\.(?:md|py|sql|yaml)")
EVENT = re.compile(r"(?<!\[)`([A-Z][a-z]+[A-Z]\w+)`")
ROW = re.compile(r"^\| `(?P<symbol>[^`]+)` \|.*\[[^\]]+\]\((?P<target>[^)]+)\) \|$", re.MULTILINE)


def definitions(file: Path) -> set[str]:
    """Return the names that a file of code, configuration or SQL defines."""
    text = file.read_text()
    if file.suffix == ".py":
        return set(_of_code(ast.parse(text)))
    if file.suffix == ".yaml":
        return set(_of_mapping(yaml.safe_load(text)))
    return set(re.findall(r"CREATE TABLE (\w+)", text))


def _of_code(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Subscript(value=ast.Name(id="Literal"), slice=values):
                texts = (each for each in ast.walk(values) if isinstance(each, ast.Constant))
                yield from (str(each.value) for each in texts)


def _of_mapping(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from map(str, value)
        value = [*value.values()]
    if isinstance(value, list):
        for each in value:
            yield from _of_mapping(each)


def broken(document: Path, symbols: list[tuple[str, str]]) -> list[str]:
    """Return the links that lead to no file, and the ``symbols`` that their file lacks."""
    folder = document.parent
    links = [link["target"] for link in LINK.finditer(document.read_text())]
    missing = [target for target in links if not (folder / target).exists()]
    undefined = [
        f"{symbol} in {target}"
        for symbol, target in symbols
        if target not in missing and symbol not in definitions(folder / target)
    ]
    return missing + undefined


def mislabeled(document: Path) -> list[str]:
    """Return the links whose label is a path other than that of their target."""
    links = LINK.finditer(document.read_text())
    return [
        f"{link['text']} for {link['target']}"
        for link in links
        if PATH.fullmatch(link["text"]) and not f"/{link['target']}".endswith(f"/{link['text']}")
    ]


def symbols_of(document: Path) -> list[tuple[str, str]]:
    """Return the symbols that a document links in backticks, each with its target."""
    links = LINK.finditer(document.read_text())
    return [
        (link["text"].strip("`"), link["target"]) for link in links if link["text"].startswith("`")
    ]


def glossary_symbols() -> list[tuple[str, str]]:
    return [(row["symbol"], row["target"]) for row in ROW.finditer(GLOSSARY.read_text())]


def test_tour_names_defined_symbols() -> None:
    assert broken(TOUR, symbols_of(TOUR)) == []


@pytest.mark.parametrize("document", [TOUR, GLOSSARY], ids=["tour", "glossary"])
def test_link_label_names_its_target(document: Path) -> None:
    assert mislabeled(document) == []


def test_tour_names_published_events() -> None:
    published = {event.__name__ for event in CONTRACTS.values()}
    named = set(EVENT.findall(TOUR.read_text()))
    assert named
    assert named - published == set()


def test_tour_stops_name_symbols() -> None:
    stops = re.findall(r"^\d+\. .*?(?=^\d+\. |^#|\Z)", TOUR.read_text(), re.MULTILINE | re.DOTALL)
    assert stops
    assert [stop for stop in stops if not re.search(r"\[`\w+`\]\(", stop)] == []


def test_glossary_names_defined_symbols() -> None:
    assert broken(GLOSSARY, glossary_symbols()) == []


def test_glossary_rows_name_distinct_symbols() -> None:
    symbols = [symbol for symbol, _ in glossary_symbols()]
    rows = re.findall(r"^\| `", GLOSSARY.read_text(), re.MULTILINE)
    assert len(symbols) == len(rows) == len(set(symbols))
    assert symbols


def test_broken_lists_dead_links_and_symbols(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("def known() -> None: ...")
    (tmp_path / "page.md").write_text("[`known`](code.py) [`gone`](code.py) [a](none.md#part)")
    page = tmp_path / "page.md"
    assert broken(page, symbols_of(page)) == ["none.md", "gone in code.py"]


def test_mislabeled_lists_labels_of_other_files(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a/b.py](../x/a/b.py) [b.py](b.py#top) [c.py](b.py) [`c`](b.py) [words](b.py)")
    assert mislabeled(page) == ["c.py for b.py"]
