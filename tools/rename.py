# /// script
# requires-python = ">=3.11"
# dependencies = ["libcst"]
# ///
"""Move modules and rename things as a list says: ``rename.py LIST.toml``, in the repository's root.

A list has two kinds of entries::

    [[move]]                  # a module or a package; imports follow
    from = "services/crm/store"
    to = "services/crm/persistence"

    [[name]]                  # what the syntax tree calls a name
    from = "operation_id"
    to = "op_code"
    in = ["services/**"]      # files, all by default
    not_in = ["services/crm/**"]
    kinds = ["code", "string", "sql", "prose"]  # all but sql by default
    where = ["attribute", "keyword", "parameter", "function", "class", "import", "variable"]
    owner = "job|self"        # for attributes: what stands before the dot, a regular expression

``code`` is an identifier, ``string`` a literal that is the name and nothing else (a key of JSON),
``sql`` a word of SQL, in a file or a literal, ``prose`` the name in a docstring, a comment, a
document or a configuration file, where a plain English word is only replaced between backticks or
as a key.
``[[text]]`` replaces a regular expression in the files of ``in``, line by line.
"""

import ast
import fnmatch
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libcst as cst

PROSE = (".md", ".yaml", ".toml", ".po", ".css", ".js", ".html", ".importlinter", "Makefile")
SQL = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE|DELETE|FROM|WHERE|JOIN|VALUES|RETURNING|ORDER BY|CONFLICT)\b"
)
KINDS = ("code", "string", "prose")


@dataclass(frozen=True)
class Rename:
    old: str
    new: str
    files: Sequence[str]
    not_files: Sequence[str]
    kinds: frozenset[str]
    where: frozenset[str]
    owner: re.Pattern[str] | None

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> "Rename":
        owner = entry.get("owner")
        return cls(
            entry["from"],
            entry["to"],
            entry.get("in", ["**"]),
            entry.get("not_in", []),
            frozenset(entry.get("kinds", KINDS)),
            frozenset(entry.get("where", ["attribute"] if owner else [])),
            re.compile(owner) if owner else None,
        )

    def concerns(self, path: str) -> bool:
        return matches(path, self.files) and not matches(path, self.not_files)

    @property
    def is_plain(self) -> bool:
        """Whether the name reads as an English word."""
        return "_" not in self.old and self.old == self.old.lower()


@dataclass
class Renames:
    """The renames of one file, by what they replace."""

    entries: Sequence[Rename]
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.by_name: dict[str, list[Rename]] = {}
        for entry in self.entries:
            self.by_name.setdefault(entry.old, []).append(entry)
        self._sql = self._words([e for e in self.entries if "sql" in e.kinds])
        prose = [e for e in self.entries if "prose" in e.kinds]
        self._prose = self._words([e for e in prose if not e.is_plain])
        plain = [e for e in prose if e.is_plain]
        self._ticks = self._words(plain, "`", "`")
        self._keys = self._words(plain, r"^\s*(?:- )?", r"(?=:(?:\s|$))")

    def _words(
        self, entries: Sequence[Rename], before: str = r"(?<![\w])", after: str = r"(?![\w])"
    ) -> Callable[[str], str]:
        if not entries:
            return lambda text: text
        new = {e.old: e.new for e in entries}
        names = "|".join(sorted(map(re.escape, new), key=len, reverse=True))
        pattern = re.compile(f"({before})({names})({after})", re.MULTILINE)

        def put(found: re.Match[str]) -> str:
            self.counts[found[2]] += 1
            return found[1] + new[found[2]] + found[3]

        return lambda text: pattern.sub(put, text)

    def name(self, old: str, where: str, owner: str) -> str:
        for entry in self.by_name.get(old, ()):
            if "code" not in entry.kinds or (entry.where and where not in entry.where):
                continue
            if where == "module" and "module" not in entry.where:
                continue
            if entry.owner and not entry.owner.fullmatch(owner):
                continue
            self.counts[old] += 1
            return entry.new
        return old

    def literal(self, text: str) -> str:
        for entry in self.by_name.get(text, ()):
            if "string" in entry.kinds:
                self.counts[text] += 1
                return entry.new
        return text

    def sql(self, text: str) -> str:
        return self._sql(text)

    def prose(self, text: str) -> str:
        return self._ticks(self._prose(text))

    def settings(self, text: str) -> str:
        return self._keys(self.prose(text))


class Moves:
    """Which module becomes which."""

    def __init__(self, entries: Sequence[Mapping[str, str]]) -> None:
        self.paths = [(entry["from"].rstrip("/"), entry["to"].rstrip("/")) for entry in entries]
        self.modules = sorted(
            ((_dotted(old), _dotted(new)) for old, new in self.paths),
            key=lambda pair: -len(pair[0]),
        )

    def module(self, dotted: str) -> str:
        for old, new in self.modules:
            if dotted == old or dotted.startswith(old + "."):
                return new + dotted[len(old) :]
        return dotted

    def text(self, text: str) -> str:
        for old, new in self.modules:
            text = re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w])", new, text)
        for old, new in sorted(self.paths, key=lambda pair: -len(pair[0])):
            text = re.sub(rf"(?<![\w/]){re.escape(old)}(?![\w])", new, text)
        return text

    def carry_out(self) -> None:
        for old, new in self.paths:
            if not Path(old).exists() and Path(new).exists():
                print(f"moved already: {old}")
                continue
            if not Path(old).exists():
                print(f"no file to move: {old}")
                continue
            Path(new).parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["git", "mv", old, new], check=True)


class Rewriter(cst.CSTTransformer):
    def __init__(self, renames: Renames, moves: Moves, path: str) -> None:
        self.renames, self.moves, self.path = renames, moves, path
        self.context: dict[int, tuple[str, str]] = {}
        self.docstrings: set[int] = set()
        self.local: dict[str, str] = {}

    # what a name is -----------------------------------------------------------------------------
    def visit_Attribute(self, node: cst.Attribute) -> None:
        owner = cst.Module([]).code_for_node(node.value) if _short(node.value) else ""
        self.context.setdefault(id(node.attr), ("attribute", owner))

    def visit_Arg(self, node: cst.Arg) -> None:
        if node.keyword:
            self.context[id(node.keyword)] = "keyword", ""

    def visit_Param(self, node: cst.Param) -> None:
        self.context[id(node.name)] = "parameter", ""

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.context[id(node.name)] = "function", ""
        self._docstring(node.body)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.context[id(node.name)] = "class", ""
        self._docstring(node.body)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        self._module_path(node.module)

    def _module_path(self, node: cst.CSTNode | None) -> None:
        """Modules are moved, not renamed: only ``where = ["module"]`` touches their path."""
        while isinstance(node, cst.Attribute):
            self.context[id(node.attr)] = "module", ""
            node = node.value
        if isinstance(node, cst.Name):
            self.context[id(node)] = "module", ""

    def visit_ImportAlias(self, node: cst.ImportAlias) -> None:
        if isinstance(node.name, cst.Name):
            self.context[id(node.name)] = "import", ""

    def visit_Module(self, node: cst.Module) -> None:
        self._docstring(node)
        if not self.moves.modules:
            return
        for line in node.body:
            if isinstance(line, cst.SimpleStatementLine):
                for each in line.body:
                    if isinstance(each, cst.ImportFrom):
                        self._note_local(each)

    def _note_local(self, node: cst.ImportFrom) -> None:
        package = _name(node.module)
        if isinstance(node.names, cst.ImportStar):
            return
        for alias in node.names:
            old = f"{package}.{_name(alias.name)}"
            new = self.moves.module(old)
            leaf = new.rsplit(".", 1)[1]
            if new != old and leaf != _name(alias.name) and alias.asname is None:
                self.local[_name(alias.name)] = leaf

    def _docstring(self, body: cst.CSTNode) -> None:
        lines = body.body if isinstance(body, (cst.Module, cst.IndentedBlock)) else ()
        for line in lines:
            if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
                each = line.body[0]
                if isinstance(each, cst.Expr) and isinstance(each.value, cst.SimpleString):
                    self.docstrings.add(id(each.value))

    # what becomes of it -------------------------------------------------------------------------
    def leave_Name(self, original: cst.Name, updated: cst.Name) -> cst.Name:
        where, owner = self.context.get(id(original), ("variable", ""))
        if where == "variable" and original.value in self.local:
            return updated.with_changes(value=self.local[original.value])
        if where == "parameter" and original.value in self.local:
            print(f"{self.path}: a parameter has the name of a module: {original.value}")
        new = self.renames.name(original.value, where, owner)
        return updated if new == original.value else updated.with_changes(value=new)

    def leave_SimpleString(
        self, original: cst.SimpleString, updated: cst.SimpleString
    ) -> cst.SimpleString:
        text = original.value
        if id(original) in self.docstrings:
            return updated.with_changes(value=self.renames.prose(self.moves.text(text)))
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            return updated
        if isinstance(value, str):
            new = self.renames.literal(value)
            if new != value:
                return updated.with_changes(value=text.replace(value, new))
        new_text = self.moves.text(text)
        if SQL.search(text):
            new_text = self.renames.sql(new_text)
        return updated if new_text == text else updated.with_changes(value=new_text)

    def leave_FormattedString(
        self, original: cst.FormattedString, updated: cst.FormattedString
    ) -> cst.FormattedString:
        whole = "".join(
            part.value for part in original.parts if isinstance(part, cst.FormattedStringText)
        )
        if not SQL.search(whole):
            return updated
        parts = [
            part.with_changes(value=self.renames.sql(part.value))
            if isinstance(part, cst.FormattedStringText)
            else part
            for part in updated.parts
        ]
        return updated.with_changes(parts=parts)

    def leave_Comment(self, original: cst.Comment, updated: cst.Comment) -> cst.Comment:
        return updated.with_changes(value=self.renames.prose(self.moves.text(original.value)))

    def leave_SimpleStatementLine(
        self, original: cst.SimpleStatementLine, updated: cst.SimpleStatementLine
    ) -> Any:
        if len(updated.body) != 1 or not self.moves.modules:
            return updated
        statement = updated.body[0]
        if not isinstance(statement, cst.ImportFrom) or isinstance(statement.names, cst.ImportStar):
            return updated
        package = _name(statement.module)
        by_module: dict[str, list[cst.ImportAlias]] = {}
        changed = False
        for alias in statement.names:
            old = f"{package}.{_name(alias.name)}"
            new = self.moves.module(old)
            if new == old or self.moves.module(package) + "." + _name(alias.name) == new:
                target, leaf = self.moves.module(package), _name(alias.name)
            else:
                target, leaf = new.rsplit(".", 1)
            changed = changed or (target, leaf) != (package, _name(alias.name))
            plain = alias.with_changes(name=cst.Name(leaf), comma=cst.MaybeSentinel.DEFAULT)
            by_module.setdefault(target, []).append(plain)
        if not changed:
            return updated
        lines = [
            updated.with_changes(
                body=[
                    cst.ImportFrom(module=_expression(target), names=aliases)
                ],
                leading_lines=updated.leading_lines if i == 0 else (),
            )
            for i, (target, aliases) in enumerate(by_module.items())
        ]
        return cst.FlattenSentinel(lines)

    def leave_Import(self, original: cst.Import, updated: cst.Import) -> cst.Import:
        names = [
            alias.with_changes(name=_expression(self.moves.module(_name(alias.name))))
            for alias in updated.names
        ]
        return updated.with_changes(names=names)


def _short(node: cst.BaseExpression) -> bool:
    return isinstance(node, (cst.Name, cst.Attribute, cst.Call, cst.Subscript))


def _name(node: cst.CSTNode | None) -> str:
    return "" if node is None else cst.Module([]).code_for_node(node)


def _expression(dotted: str) -> Any:
    return cst.parse_expression(dotted)


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(path, pattern.replace("**", "*")) for pattern in patterns)


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True)
    return [p for p in listed.stdout.splitlines() if Path(p).is_file()]


def rewritten(path: str, text: str, renames: Renames, moves: Moves) -> str:
    if path.endswith(".py"):
        if not moves.modules and not any(e.old in text for e in renames.entries):
            return text
        return cst.parse_module(text).visit(Rewriter(renames, moves, path)).code
    text = moves.text(text)
    if path.endswith(".sql"):
        return renames.sql(text)
    return renames.settings(text) if path.endswith(PROSE) else text


def read(lists: Sequence[str]) -> dict[str, list[Any]]:
    entries: dict[str, list[Any]] = {"move": [], "name": [], "text": []}
    for each in lists:
        for kind, found in tomllib.loads(Path(each).read_text(encoding="utf-8")).items():
            entries[kind] += found
    return entries


def main(lists: Sequence[str]) -> None:
    entries = read(lists)
    moves = Moves(entries["move"])
    names = [Rename.read(entry) for entry in entries["name"]]
    moves.carry_out()
    counts: Counter[str] = Counter()
    for path in tracked():
        if not path.endswith((".py", ".sql", *PROSE)) or path.startswith("tools/"):
            continue
        before = Path(path).read_text(encoding="utf-8")
        renames = Renames([each for each in names if each.concerns(path)], counts)
        after = rewritten(path, before, renames, moves)
        for entry in entries["text"]:
            if matches(path, entry["in"]):
                after, found = re.subn(entry["from"], entry["to"], after, flags=re.MULTILINE)
                counts[entry["from"]] += found
        if after != before:
            Path(path).write_text(after, encoding="utf-8")
    for name in [*(e.old for e in names), *(e["from"] for e in entries["text"])]:
        if not counts[name]:
            print(f"found nowhere: {name}")
    print(f"{sum(counts.values())} places")


if __name__ == "__main__":
    main(sys.argv[1:])
