"""Check for text that could become markup or script in a browser: ``python -m deploy.sinks``.

NiceGUI parses the arguments of ``.props()`` and ``.style()``, evaluates properties that begin with
a colon, and runs JavaScript that it is given. Each such argument must be a constant of the source,
as written; values are set by a constant key (``element.props["title"] = name``), where they stay
values. ``.classes()`` is not affected: it splits its text into names of classes.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_DESK = Path("services/desk")

_PARSED = frozenset({"props", "style", "default_props", "default_style"})
"""Methods that parse text into properties and styles; styles may hold formatted numbers."""

_CODE = frozenset({"run_javascript", "add_slot"})
"""Methods that hand JavaScript or a Vue template to the browser."""

_HEAD = frozenset({"add_head_html", "add_body_html"})
"""Functions that write into the page; values are escaped by ``str(Markup("…").format(…))``."""

_NAMED = frozenset(
    {"element", "run_chart_method", "run_grid_method", "run_method", "run_row_method"}
)
"""Calls whose first argument names a tag, or a method that is evaluated if it begins with a colon.
"""

_SETTERS = frozenset({"set_bool", "set_optional", "setdefault", "update"})

_MARKUP = frozenset(
    {
        "add_css",
        "add_sass",
        "add_scss",
        "chat_message",
        "html",
        "interactive_image",
        "markdown",
        "mermaid",
        "restructured_text",
        "sub_pages",
        "teleport",
        "query",
    }
)
"""NiceGUI elements that show markup or follow selectors; the desk has none."""

_EVALUATED = r"(:|on|v-|srcdoc\b|[\w-]*html\b)"
_KEY = re.compile(_EVALUATED, re.IGNORECASE)
_PROPERTIES = re.compile(rf"(^|\s){_EVALUATED}", re.IGNORECASE)
"""Properties that are evaluated, or are markup."""

_NUMBER = re.compile(r"[\d.,]*[df%]")
"""Formats that accept only numbers."""

_SCRIPT = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|srcdoc)\b|\bnew Function\b"
    r"|\bset(Timeout|Interval)\(\s*[\"'`]"
)


@dataclass(frozen=True)
class Finding:
    """One place where text may become markup or script."""

    file: Path
    line: int
    rule: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}"


def findings(folder: Path) -> Iterator[Finding]:
    """Return the findings below ``folder``, in Python and in JavaScript."""
    for file in sorted(folder.rglob("*.py")):
        for line, rule in in_python(file.read_text()):
            yield Finding(file, line, rule)
    for pattern in ("*.js", "*.html"):
        for file in sorted(folder.rglob(pattern)):
            for number, text in enumerate(file.read_text().splitlines(), 1):
                if _SCRIPT.search(text):
                    yield Finding(file, number, "a script makes markup or code of a text")


def in_python(source: str) -> Iterator[tuple[int, str]]:
    """Return the lines of ``source`` and the rule that each breaks."""
    tree = ast.parse(source)
    constants = _constants(tree)
    for node in ast.walk(tree):
        for rule in _of(node, constants):
            yield getattr(node, "lineno", 0), rule


def _of(node: ast.AST, constants: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Call):
        yield from _of_call(node, constants)
        yield from _of_keywords(node, constants)
    elif isinstance(node, ast.Assign | ast.AugAssign):
        yield from _of_assignment(node)
    elif isinstance(node, ast.Dict):
        yield from _of_dictionary(node)


def _constants(tree: ast.Module) -> frozenset[str]:
    """Return the names that the module assigns to constant texts, once."""
    given = [
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    ]
    return frozenset(
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and _text(node.value) is not None
        and given.count(node.targets[0].id) == 1
    )


def _of_call(call: ast.Call, constants: frozenset[str]) -> Iterator[str]:
    name = _name(call.func)
    if name in _PARSED:
        yield from _of_parsed(name, call, constants)
    elif name in _CODE and not all(_is_constant(each, constants) for each in _given(call)):
        yield f"{name}() is given something else than a constant text"
    elif name in _HEAD and not all(_is_markup(each, constants) for each in _given(call)):
        yield f'{name}() is given neither a constant text nor str(Markup("…").format(…))'
    elif name in _NAMED and not (call.args and _is_constant(call.args[0], constants)):
        yield f"{name}() is given a name that is no constant"
    elif name in _MARKUP and _is_ui(call):
        yield f"ui.{name}() shows markup; use elements"
    elif name in _SETTERS and _is_properties(getattr(call.func, "value", call.func)):
        yield "properties are set by keys that are no constants"


def _of_keywords(call: ast.Call, constants: frozenset[str]) -> Iterator[str]:
    for each in call.keywords:
        if each.arg == "js_handler" and not _is_constant(each.value, constants):
            yield "js_handler is no constant text"
        if each.arg and each.arg.endswith("html") and _is_ui(call):
            yield f"{each.arg}= makes markup of a text"


def _of_parsed(name: str, call: ast.Call, constants: frozenset[str]) -> Iterator[str]:
    for each in _given(call):
        if not _is_constant(each, constants, numbers="style" in name):
            yield f".{name}() is given something else than a constant text"
        elif _PROPERTIES.search(_text(each) or ""):
            yield f".{name}() sets a property that is evaluated or is markup"


def _of_assignment(node: ast.Assign | ast.AugAssign) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        if _is_properties(target):
            yield "properties are replaced as a whole"
        if not (isinstance(target, ast.Subscript) and _is_properties(target.value)):
            continue
        key = _text(target.slice)
        if key is None:
            yield "a property is set by a key that is no constant"
        elif _KEY.match(key):
            yield "a property is set that is evaluated or is markup"
        elif "style" in _name(target.value):
            yield "a style is set by key, whose value could end it; use .style() with numbers"


def _of_dictionary(node: ast.Dict) -> Iterator[str]:
    """Check options of charts and tables, whose keys with a leading colon are evaluated."""
    if any((_text(key) or "").startswith(":") for key in node.keys):
        yield "a key begins with a colon: its value is evaluated"


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(named.value for named in call.keywords)]


def _is_properties(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in {"props", "_props", "style", "_style"}


def _is_ui(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and _name(call.func.value) == "ui"


def _text(node: ast.expr | None) -> str | None:
    """Return the text of ``node``, if it is a literal."""
    constant = node.value if isinstance(node, ast.Constant) else None
    return constant if isinstance(constant, str) else None


def _is_constant(node: ast.expr, constants: frozenset[str], *, numbers: bool = False) -> bool:
    """Return whether ``node`` is constant; with ``numbers``, it may hold formatted numbers."""
    if isinstance(node, ast.IfExp):
        return all(
            _is_constant(each, constants, numbers=numbers) for each in (node.body, node.orelse)
        )
    if numbers and isinstance(node, ast.JoinedStr):
        return all(_text(part) is not None or _is_number(part) for part in node.values)
    return _text(node) is not None or (isinstance(node, ast.Name) and node.id in constants)


def _is_number(part: ast.expr) -> bool:
    """Return whether the place in an f-string accepts only numbers."""
    if not isinstance(part, ast.FormattedValue) or part.conversion != -1:
        return False
    form = part.format_spec.values if isinstance(part.format_spec, ast.JoinedStr) else []
    return bool(_NUMBER.fullmatch("".join(_text(each) or "{" for each in form)))


def _is_markup(node: ast.expr, constants: frozenset[str]) -> bool:
    """Return whether ``node`` is constant, or ``str(Markup(constant).format(…))``.

    The latter escapes values.

    Without ``str``, NiceGUI would escape constants that are added later.
    """
    match node:
        case ast.Call(
            func=ast.Name(id="str"),
            args=[
                ast.Call(
                    func=ast.Attribute(
                        attr="format", value=ast.Call(func=ast.Name(id="Markup"), args=[text])
                    )
                )
            ],
        ):
            return _is_constant(text, constants)
    return _is_constant(node, constants)


def _name(node: ast.expr) -> str:
    """Return the last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def main(folders: Iterable[str]) -> int:
    """Print the findings; return 1 when there are any."""
    found = [each for folder in folders for each in findings(Path(folder))]
    for each in found:
        print(each)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [f"{_DESK}"]))
