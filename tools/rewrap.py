"""Wrap docstrings and comments that have grown past 100 columns: ``rewrap.py``, in the root.

The overlong line gives its last words to the next line of its paragraph, and so on; other lines
stay.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

WIDTH = 100
ITEM = re.compile(r"\s*(?:[-*] |\w+(?:Error|Violation|Problem)?: )")


def spill(lines: list[str], first: int, last: int, prefix: str) -> list[str]:
    """Wrap ``lines[first:last + 1]``, one docstring or block of comments."""
    done: list[str] = []
    rest = ""
    for number in range(first, last + 1):
        line = lines[number]
        if rest:
            indent = re.match(rf"\s*{prefix}", line)[0] if prefix else re.match(r"\s*", line)[0]
            content = line[len(indent) :]
            if not content or content == '"""' or (ITEM.match(content) and not prefix) or len(indent) < hang:
                done.append(" " * hang + (prefix + rest) if not prefix else lead + rest)
                rest = ""
            else:
                line = indent + rest + " " + content
                rest = ""
        while len(line) > WIDTH:
            cut = line.rfind(" ", 0, WIDTH + 1)
            lead = re.match(rf"\s*{prefix}", line)[0]
            base = len(re.match(r"\s*", line)[0])
            if cut <= len(lead) + 10:
                break
            left = line[len(lead) :]
            hang = base + (4 if not prefix and number > first and re.match(r"\w+(Error|Violation|Problem|Refused)?: ", left) else 0)
            rest = (line[cut + 1 :] + " " + rest).strip()
            line = line[:cut]
        done.append(line)
        if rest and number == last:
            more = (lead if prefix else " " * hang) + rest
            rest = ""
            while len(more) > WIDTH:
                cut = more.rfind(" ", 0, WIDTH + 1)
                done.append(more[:cut])
                more = (lead if prefix else " " * hang) + more[cut + 1 :]
            done.append(more)
    return done


def blocks(text: str, lines: list[str]) -> list[tuple[int, int, str]]:
    found = []
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for each in body:
            if (
                isinstance(each, ast.Expr)
                and isinstance(each.value, ast.Constant)
                and isinstance(each.value.value, str)
            ):
                found.append((each.lineno - 1, each.end_lineno - 1, ""))
    inside = {n for a, b, _ in found for n in range(a, b + 1)}
    number = 0
    while number < len(lines):
        if number not in inside and lines[number].lstrip().startswith("# "):
            begin = number
            while number + 1 < len(lines) and lines[number + 1].lstrip().startswith("# "):
                number += 1
            found.append((begin, number, "# "))
        number += 1
    return sorted(found, reverse=True)


def wrapped(text: str) -> str:
    lines = text.split("\n")
    for first, last, prefix in blocks(text, lines):
        if any(len(line) > WIDTH for line in lines[first : last + 1]):
            if any(mark in line for line in lines[first : last + 1] for mark in ("noqa", "type:")):
                continue
            lines[first : last + 1] = spill(lines, first, last, prefix)
    return "\n".join(lines)


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], check=True, capture_output=True, text=True)
    for name in listed.stdout.split():
        path = Path(name)
        if path.is_file():
            before = path.read_text(encoding="utf-8")
            after = wrapped(before) if any(len(x) > WIDTH for x in before.split("\n")) else before
            if after != before:
                path.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
