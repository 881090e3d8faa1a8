"""What rename/trade.toml cannot say; run from the root after the list: ``python
tools/rename/trade.py``."""

import ast
import io
import re
import subprocess
import sys
import tokenize
import unicodedata
from pathlib import Path

ROOT = Path.cwd()
PY = ".venv/bin/python"


def tracked(*ends):
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True)
    return [p for p in listed.stdout.splitlines() if p.endswith(ends) and Path(p).is_file()]


TWINS = {"offer": "estimate_offers", "offers": "appointment_offers", "invoicing": "invoices payments discounts credit_notes", "settlement": "invoices payments discounts credit_notes", "capacity": "quotes holds load", "reports": "reports event_log", "work": "work capacity"}


def with_twins(paths):
    for path in paths:
        if Path(path).is_file():
            yield path
        found = re.fullmatch(r"(services/\w+)/entrypoints/http/(\w+)\.py", path)
        if found:
            for name in TWINS.get(found[2], found[2]).split():
                twin = f"{found[1]}/application/{name}.py"
                if Path(twin).is_file():
                    yield twin


def put(path, *pairs):
    for each in with_twins([path]) if "entrypoints/http" in path else [path]:
        put_one(each, *pairs)


def sub(path, *pairs):
    for each in with_twins([path]) if "entrypoints/http" in path else [path]:
        sub_one(each, *pairs)


def put_one(path, *pairs):
    """Replace texts of one file; what is not there is printed."""
    file = Path(path)
    if not file.is_file():
        print(f"no file {path}")
        return
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        if old not in text:
            print(f"{path}: not found: {old!r}")
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def sub_one(path, *pairs):
    """The same with regular expressions."""
    file = Path(path)
    if not file.is_file():
        print(f"no file {path}")
        return
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        text, found = re.subn(old, new, text, flags=re.MULTILINE)
        if not found:
            print(f"{path}: not found: {old!r}")
    file.write_text(text, encoding="utf-8")


def move(old, new):
    if Path(old).is_file():
        subprocess.run(["git", "mv", old, new], check=True)
    else:
        print(f"no file {old}")


# --- prose: comments, docstrings, sentences in literals, documents, both catalogs ---------------
_BREAKS = {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}


def _spans(text):
    """Offsets of comments, docstrings and literals that are sentences."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    last = tokenize.ENCODING
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        begin = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        if token.type == tokenize.COMMENT:
            yield begin, end
        elif token.type == tokenize.STRING:
            literal = text[begin:end]
            is_sql = re.search(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|FROM|TRUNCATE|WHERE|VALUES|TABLE)\b", literal)
            sentence = len(re.findall(r"[A-Za-z]{2,} [a-z]", literal)) >= 2 or re.search(
                r"[A-Z][a-z]+ [a-z]", literal
            )
            if last in _BREAKS or (sentence and not is_sql):
                yield begin, end
        if token.type not in (tokenize.COMMENT,):
            last = token.type


def _outside_code(text, change):
    """Change what is neither between backticks or braces nor a link's address."""
    parts = re.split(r"(``?[^`\n]*``?|\{[^{}\n]*\}|\]\([^)]*\)|:[a-z]+:`[^`]*`)", text)
    return "".join(part if i % 2 else change(part) for i, part in enumerate(parts))


def prose(rules, files=None):
    """``rules``: pairs of a regular expression and its replacement; capitals follow."""
    compiled = []
    for old, new in rules:
        compiled.append((re.compile(rf"(?<![\w./-]){old}(?![\w/]|\.[a-z]|-[a-z])"), new))
        if new[:1].islower():
            upper = old.replace(old.lstrip("(?:")[:1], old.lstrip("(?:")[:1].upper(), 1)
            compiled.append(
                (re.compile(rf"(?<![\w./-]){upper}(?![\w/]|\.[a-z]|-[a-z])"), new[0].upper() + new[1:])
            )

    def change(text):
        for old, new in compiled:
            text = old.sub(new, text)
        return text

    for path in with_twins(files) if files else tracked(".py", ".md", ".sql", ".yaml", ".po"):
        if path.startswith("tools/") or not Path(path).is_file():
            continue
        before = Path(path).read_text(encoding="utf-8")
        if path.endswith(".py"):
            out, at = [], 0
            for begin, end in _spans(before):
                out += [before[at:begin], _outside_code(before[begin:end], change)]
                at = end
            after = "".join([*out, before[at:]])
        elif path.endswith(".md"):
            blocks = re.split(r"(^```.*?^```$)", before, flags=re.MULTILINE | re.DOTALL)
            after = "".join(
                b if i % 2 else _outside_code(b, change) for i, b in enumerate(blocks)
            )
        elif path.endswith(".sql"):
            after = re.sub(r"--.*$", lambda m: change(m[0]), before, flags=re.MULTILINE)
        elif path.endswith(".yaml"):
            if "/schemas/" in path or path.endswith("asyncapi.yaml"):
                continue
            after = re.sub(r"(^| )#.*$", lambda m: change(m[0]), before, flags=re.MULTILINE)
            after = re.sub(
                r"\b(en|en_text|text): .*$", lambda m: _outside_code(m[0], change), after, flags=re.MULTILINE
            )
        else:
            after = re.sub(
                r'^(msgid|msgstr|) ?".* .*"$',
                lambda m: _outside_code(m[0], change),
                before,
                flags=re.MULTILINE,
            )
        if after != before:
            Path(path).write_text(after, encoding="utf-8")


# --- a dealership's ``place`` is a store ---------------------------------------------------------
_IS_STORE = re.compile(r"(stores\[|places\[|\bstore_of\(|Store\b)")


def places_to_stores():
    """In each function where ``place`` is bound to a Store, call it ``store``."""
    count = 0
    for path in tracked(".py"):
        if path.startswith("tools/"):
            continue
        text = Path(path).read_text(encoding="utf-8")
        if not re.search(r"\bplaces?\b", text):
            continue
        tree = ast.parse(text)
        spots = set()

        def bound(scope):
            """Names place/places bound in this scope itself to stores."""
            found = set()
            args = getattr(scope, "args", None)
            if args:
                for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs]:
                    if arg.arg in ("place", "places") and arg.annotation:
                        if "Store" in ast.unparse(arg.annotation):
                            found.add(arg.arg)
            for node in ast.walk(scope):
                if isinstance(node, ast.Assign):
                    pairs = []
                    for target in node.targets:
                        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                            pairs += zip(target.elts, node.value.elts, strict=False)
                        else:
                            pairs.append((target, node.value))
                    for target, value in pairs:
                        if isinstance(target, ast.Name) and target.id in ("place", "places"):
                            source = ast.unparse(value)
                            if re.search(r"(stores|places)\[[^\]]*\]$", source) or re.search(
                                r"(\.stores|state\.places|load_stores\(.*\))$", source
                            ):
                                found.add(target.id)
                elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    if node.target.id in ("place", "places") and "Store]" in ast.unparse(node.annotation):
                        found.add(node.target.id)
                elif isinstance(node, (ast.comprehension, ast.For)):
                    source = ast.unparse(node.iter)
                    if re.search(r"stores(\.items\(\)|\.values\(\))?$", source):
                        for name in ast.walk(node.target):
                            if isinstance(name, ast.Name) and name.id == "place":
                                found.add("place")
            return found

        for scope in ast.walk(tree):
            if not isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            names = bound(scope)
            if not names:
                continue
            for node in ast.walk(scope):
                if isinstance(node, ast.Name) and node.id in names:
                    spots.add((node.lineno, node.col_offset, node.id))
                elif isinstance(node, ast.arg) and node.arg in names:
                    spots.add((node.lineno, node.col_offset, node.arg))
        lines = text.split("\n")
        for line, column, name in sorted(spots, reverse=True):
            raw = lines[line - 1].encode()
            assert raw[column : column + len(name)] == name.encode(), (path, line)
            new = "store" if name == "place" else "stores"
            lines[line - 1] = (raw[:column] + new.encode() + raw[column + len(name) :]).decode()
            count += 1
        text = "\n".join(lines)
        text = text.replace("app.state.places", "app.state.stores")
        Path(path).write_text(text, encoding="utf-8")
    print(f"{count} places that are stores")


# --- sentences that have become too long ---------------------------------------------------------
def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut_at(line, lead, limit):
    """The last space of a line before which it is short enough."""
    used, found = 0, -1
    for i, c in enumerate(line):
        if c == " " and i >= lead + 10 and used <= limit:
            found = i
        used += width(c)
    return found


def split_literals(limit=100):
    """Break a literal that fills a line into two."""
    for path in tracked(".py"):
        text = Path(path).read_text(encoding="utf-8")
        out, changed = [], False
        for line in text.split("\n"):
            found = re.match(r'^(\s+)(f?)"([^"]*)"(,?)$', line)
            if found and width(line) > limit and '"""' not in line:
                cut = cut_at(line[: len(line) - 1], len(found[1]), limit - 2)
                if cut < len(found[1]) + 10:
                    out.append(line)
                    continue
                out.append(line[: cut + 1] + '"')
                out.append(f'{found[1]}{found[2]}"{line[cut + 1 :]}')
                changed = True
            else:
                out.append(line)
        if changed:
            Path(path).write_text("\n".join(out), encoding="utf-8")


def rewrap(limit=100):
    for path in tracked(".py", ".sql", ".yaml"):
        if path.startswith("tools/") or "schemas/" in path or path.endswith("asyncapi.yaml"):
            continue
        text = Path(path).read_text(encoding="utf-8")
        lines = text.split("\n")
        if path.endswith(".py"):
            allowed = _prose_lines(text)
        else:
            mark = "--" if path.endswith(".sql") else "#"
            allowed = {i for i, line in enumerate(lines) if line.lstrip().startswith(mark)}
        if not any(width(lines[i]) > limit for i in allowed):
            continue
        out, carry, i = [], None, 0
        while i < len(lines):
            line, is_prose = lines[i], i in allowed
            indent = line[: len(line) - len(line.lstrip())]
            mark = re.match(r"(#|--) ", line.lstrip())
            lead = indent + (mark[0] if mark else "")
            if carry is not None:
                rest, carry_lead = carry
                body = line[len(lead) :]
                goes_on = (
                    is_prose
                    and body.strip()
                    and lead == carry_lead
                    and not body.startswith(('"""', "- ", "Raises:", "Args:"))
                )
                if goes_on:
                    line = lead + rest + " " + body
                elif is_prose and body.startswith('"""') and lead == carry_lead:
                    out.append(carry_lead + rest)
                else:
                    out.append(carry_lead + rest)
                carry = None
            while is_prose and width(line) > limit:
                cut = cut_at(line, len(lead), limit)
                if cut < 0:
                    break
                rest = line[cut + 1 :]
                out.append(line[:cut])
                line = lead + rest
                if width(line) <= limit:
                    closing = rest.rstrip().endswith('"""')
                    if closing:
                        break
                    carry = (rest, lead)
                    break
            if carry is None:
                out.append(line)
            i += 1
        if carry is not None:
            out.append(carry[1] + carry[0])
        Path(path).write_text("\n".join(out), encoding="utf-8")


def _prose_lines(text):
    """Lines of docstrings and of comments that stand alone."""
    found = set()
    last = tokenize.ENCODING
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#"):
            found.add(token.start[0] - 1)
        if token.type == tokenize.STRING and last in _BREAKS and token.string.startswith('"""'):
            found |= set(range(token.start[0] - 1, token.end[0]))
        if token.type != tokenize.COMMENT:
            last = token.type
    return found


def finish():
    rewrap()
    run = subprocess.run
    run([PY, "-m", "ruff", "check", "--fix", "-q", "."])
    run([PY, "-m", "ruff", "format", "-q", "."])
    rewrap()
    split_literals()
    run([PY, "-m", "ruff", "format", "-q", "."])
    for path in Path("shared/contracts/schemas").glob("*.json"):
        path.unlink()
    run([PY, "-W", "ignore", "-m", "deploy.docs"])



# --- SQL lines that have become too long ----------------------------------------------------------
def rewrap_sql(limit=100):
    for path in tracked(".py"):
        if "/persistence/" not in path:
            continue
        text = Path(path).read_text(encoding="utf-8")
        inside = set()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.STRING and '"""' in token.string:
                if re.search(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b", token.string):
                    inside |= set(range(token.start[0], token.end[0]))
        out, carry, carry_indent = [], "", ""
        for number, line in enumerate(text.split("\n")):
            indent = line[: len(line) - len(line.lstrip())]
            if carry:
                if line.strip() and not re.match(
                    r"(FROM|WHERE|VALUES|ON|SELECT|\"\"\"|ORDER|\)|SET|RETURNING|AND)", line.lstrip()
                ):
                    line = indent + carry + " " + line.lstrip()
                else:
                    out.append(carry_indent + carry)
                carry = ""
            if len(line) > limit and number in inside:
                cut = line.rfind(", ", 0, limit) + 1
                if cut > 20:
                    out.append(line[:cut])
                    carry, carry_indent = line[cut:].strip(), indent
                    continue
            out.append(line)
        Path(path).write_text("\n".join(out), encoding="utf-8")


def ticks(names, files=None):
    """Plain words between backticks in docstrings, comments and documents."""
    for path in with_twins(files) if files else tracked(".py", ".md", ".sql", ".yaml"):
        if path.startswith(("tools/", "shared/contracts/schemas")) or path.endswith("asyncapi.yaml"):
            continue
        text = before = Path(path).read_text(encoding="utf-8")
        for old, new in names.items():
            text = re.sub(rf"(?<=`){old}(?=`)", new, text)
        if text != before:
            Path(path).write_text(text, encoding="utf-8")


def names(path, **renamed):
    """Identifiers of one Python file, whatever they are."""
    sub(path, *((rf"(?<![\w\"'.]){old}(?![\w\"'])", new) for old, new in renamed.items()))


def under(*folders):
    return [p for p in tracked(".py", ".md", ".sql", ".yaml", ".po") if p.startswith(folders)]


R = "services/reception/"
D = "services/desk/"
PO = ("services/desk/locale/en/LC_MESSAGES/desk.po", "services/desk/locale/zh_CN/LC_MESSAGES/desk.po")


def operations():
    put("shared/contracts/reception.py", ("    operations: tuple[Identifier, ...]", "    op_codes: tuple[Identifier, ...]"),
        ("    operations: tuple[OrderedOperation, ...]", "    labor_operations: tuple[OrderedOperation, ...]"),
        ("``operations`` and ``lines``", "``labor_operations`` and ``lines``"))
    put("shared/contracts/workshop.py", ("    operations: tuple[Identifier, ...]", "    op_codes: tuple[Identifier, ...]"))
    put(R + "domain/estimate.py", ("    operations: tuple[str, ...]", "    op_codes: tuple[str, ...]"),
        ("    operations: tuple[OrderedOperation, ...]", "    labor_operations: tuple[OrderedOperation, ...]"))
    put(R + "domain/withdrawal.py", ("    operations: tuple[str, ...]", "    op_codes: tuple[str, ...]"),
        ("        operations=changed_order", "        labor_operations=changed_order"))
    put(R + "domain/order.py", ("    operations: tuple[OrderedOperation, ...]", "    labor_operations: tuple[OrderedOperation, ...]"),
        ("        operations=order.", "        labor_operations=order."))
    put(R + "domain/authorisation.py", ("    operations: tuple[OrderedOperation, ...]", "    labor_operations: tuple[OrderedOperation, ...]"),
        ("operations=tuple(operation.op_code for", "op_codes=tuple(operation.op_code for"),
        ("        operations=agreed.", "        labor_operations=agreed."),
        ("        operations=priced.", "        labor_operations=priced."),
        ("        operations=tuple(each for version", "        labor_operations=tuple(each for version"),
        ("    operations = [line.code", "    op_codes = [line.code"), ("for each in operations if line.code", "for each in op_codes if line.code"))
    put(R + "persistence/vehicle.py", ("    operations: Sequence[str]", "    op_codes: Sequence[str]"),
        ('{"labor_operations": [', '{"op_codes": ['), ('row["labor_operations"]', 'row["op_codes"]'),
        ("odometer_km, symptoms, labor_operations\n", "odometer_km, symptoms,\n       labor_operations AS op_codes\n"))
    put("deploy/audit/reception.py", ('in ("labor_operations", "parts")', 'in ("op_codes", "parts")'), ('("plate_ref", "labor_operations",', '("plate_ref", "op_codes",'))
    put("services/workshop/domain/job.py", ("    operations: Sequence[str],", "    op_codes: Sequence[str],"),
        ("operations=tuple(operations)", "op_codes=tuple(op_codes)"), ("order_jobs: Sequence[Job], operations:", "order_jobs: Sequence[Job], op_codes:"),
        ("job.op_code in operations", "job.op_code in op_codes"))
    put(R + "clients/catalogue.py", ("operations=tuple(entry[\"operations\"])", "op_codes=tuple(entry[\"op_codes\"])"), ('tuple(entry["operations"])', 'tuple(entry["op_codes"])'))
    put(D + "components/event_fields.py", ('    "operations": _operations,', '    "op_codes": _operations,\n    "labor_operations": _operations,'))
    names(D + "components/time_choice.py", operations="op_codes")
    put(D + "components/time_choice.py", ("self._operations", "self._op_codes"))
    sub("tests/crm/component/test_messages.py", (r"^        op_codes=\(\),", "        labor_operations=(),"))
    harness = "tests/workshop/workshop_harness.py"
    sub(harness if Path(harness).is_file() else "tests/workshop/workshop_harness.py", (r"^            op_codes=\(\),", "            labor_operations=(),"))
    put(harness if Path(harness).is_file() else "tests/workshop/workshop_harness.py",
        ('"operations": list(op_codes)', '"op_codes": list(op_codes)'), ('"operations": [', '"labor_operations": ['))
    sub("tests/reporting/story.py", (r"\bround=", "submission_number="))
    put("services/workshop/clients/config.py", ('unknown_code("operations", op_code)', 'unknown_code("op_codes", op_code)'))
    for po in PO:
        sub(po, (r'^(msgid "field\.)op_codes("\nmsgstr ".*"\n)', r'\1op_codes\2\n\1labor_operations\2'))
    put("tests/group/test_group.py", ('set(package["operations"])', 'set(package["op_codes"])'))
    for path in ("tests/reception/component/test_estimates.py", "tests/system/test_returning.py"):
        sub(path, (r"\boperations=\[", "op_codes=["))
    put("tests/reporting/story.py", ('operations=("oil",)', 'op_codes=("oil",)'), ("            operations=tuple(", "            labor_operations=tuple("))
    put("tests/workshop/component/test_promises.py", ("operations=(OrderedOperation(", "labor_operations=(OrderedOperation("))
    sub("tests/reception/unit/test_withdrawal.py", (r'"operations"', '"op_codes"')) if '"operations"' in Path("tests/reception/unit/test_withdrawal.py").read_text() else None
    sub("tests/reception/unit/test_order.py", (r'"operations", "part"', '"op_codes", "part"')) if '"operations", "part"' in Path("tests/reception/unit/test_order.py").read_text() else None
    put("tests/reception/unit/test_order.py", ("(operations, part)", "(op_codes, part)"), ("tuple(operations)", "tuple(op_codes)"))


def roles():
    """Ids keep the short word of a role, such as S01-advisor-1."""
    put("deploy/demo/group.py", ('f"{store_id}-{role}-{number}"', "f\"{store_id}-{role.rpartition('_')[2]}-{number}\""))
    put("tests/harness.py", ("from typing import Any\n", "from typing import Any, get_args\n"),
        ("\n\n\n@dataclass\nclass InProcess", """

ROLE_IN_ID: dict[str, Any] = {
    role.rpartition("_")[2]: role for role in get_args(Role) if role != "group_manager"
}
\"\"\"Roles by the word for them in ids such as S01-advisor-1.\"\"\"


@dataclass
class InProcess"""))
    put("tests/system/api.py", ("from tests.sight import Sight\n", "from tests.harness import ROLE_IN_ID\nfrom tests.sight import Sight\n"))
    put("tests/workshop/workshop_harness.py", ("from tests.harness import InProcess", "from tests.harness import ROLE_IN_ID, InProcess"))
    put("tests/system/api.py", ('role = subject.split("-")[1]', 'role = ROLE_IN_ID[subject.split("-")[1]]'))
    harness = "tests/workshop/workshop_harness.py"
    sub(harness if Path(harness).is_file() else "tests/workshop/workshop_harness.py",
        (r'role: Any = (who\.removeprefix\(f"\{self\.store_id\}-"\)\.partition\("-"\)\[0\])', r'word = \1\n        role: Any = ROLE_IN_ID.get(word, word)'))
    put("tests/contracts/test_requests.py", ('"service_manager", "service")', '"service_manager", "system")'), ('("operator", "service")', '("operator", "system")'))
    put("tests/README.md", ('roles=["advisor"]', 'roles=["service_advisor"]'))


def trades():
    ticks({"trade": "skill_code", "trades": "skill_codes"})
    prose([("trades", "skills"), (r"(?<!of the )(?<!only the )(?<!of its own )trade", "skill"), (r"of its own trade", "of its own skill")])
    put("services/workshop/domain/inspection.py", ("of the trade's checklist", "of the skill's checklist"))
    put("docs/workshop.md", ("of the trade's checklist", "of the skill's checklist"))
    put("services/workshop/planning/staffing.py", ("of the trade's 85", "of the trade's 85"))
    for path in tracked(".py"):
        if path.startswith("tests/"):
            text = Path(path).read_text(encoding="utf-8")
            new = re.sub(r"\b(test_\w*?)_trades?(?=_|\b)", lambda m: m[1] + ("_skills" if m[0].endswith("s") else "_skill"), text)
            new = new.replace("_skill_code_s", "_skills")
            if new != text:
                Path(path).write_text(new, encoding="utf-8")


def statuses():
    files = under(R, D, "deploy/audit", "tests/reception", "docs/reception.md", "docs/workshop.md")
    ticks({"stages": "statuses", "stage": "status"}, under(R))
    prose([("at stage", "in status"), ("at one of the stages", "in one of the statuses"), ("at one of", "in one of"),
           ("at the given stages", "in the given statuses"), ("at the stage", "in the status"), ("not at a stage", "not in a status"),
           ("at which stage", "in which status"), ("at which of them", "in which of them"), ("stages", "statuses"), ("stage", "status")], files)
    put("tests/reception/component/test_arrivals.py", ('values["status"]', 'values["order_status"]'))
    put("services/workshop/clients/config.py", ("    stage: str | None", "    process_step: str | None"), ('stage=entry.get("stage")', 'process_step=entry.get("process_step")'))
    put(R + "domain/errors.py", ("def vehicle_already_here(order_id: str, queue_number: int, status: str)", "def vehicle_already_here(order_id: str, queue_number: int, status: str)"),
        ("        status=status,\n        needed=needed,", "        order_status=status,\n        needed=needed,"),
        ("        queue_number=queue_number,\n        status=status,", "        queue_number=queue_number,\n        order_status=status,"))
    sub(R + "domain/errors.py", (r'(def wrong_claim_status(?:.|\n)*?)order_status=status', r"\1status=status"))
    put("docs/reception.md", ("→ delivered → settled`", "→ delivered → closed`"), ("An order is `settled` when", "An order is `closed` when"))
    put(D + "components/problems.py", ('if name in ("status", "needed", "status", "skill_code", "method")', 'if name in ("order_status", "needed", "status", "skill_code", "method")'),
        ('kind = "status" if name == "needed" else name', 'kind = "order_status" if name == "needed" else name'))
    put(D + "i18n.py", ('"stage", "in_progress"', '"order_status", "in_progress"'))
    for path in ("write_up/owner.py", "write_up/page.py", "order/summary.py", "orders.py"):
        sub(D + "pages/" + path, (r'(\bt\.code\(|visit\.t\.code\()"status", ', r'\1"order_status", '))
    sub(D + "pages/orders.py", (r'"Settled"', '"Closed"'))
    put("tests/desk/test_words.py", ('        "status": get_args(RepairOrderStatus),', '        "order_status": get_args(RepairOrderStatus),'))
    for po in PO:
        sub(po, (r'^msgid "Settled"$', 'msgid "Closed"')) if 'msgid "Settled"' in Path(po).read_text() else None
        sub(po, (r'^(msg.*this cannot be done while the order is at |.*)\{status\}”', r"\1{order_status}”")) if False else None
    put(PO[0], ("while the order is in “{status}”", "while the order is “{order_status}”")) if False else None
    for po in PO:
        text = Path(po).read_text(encoding="utf-8")
        lines = text.split("\n")
        for i, line in enumerate(lines):
            if "{status}" in line and line.startswith("msgstr") and lines[i - 1] in (
                'msgid "rule.wrong_stage"', 'msgid "rule.invalid_status"', 'msgid "rule.vehicle_already_here"'):
                lines[i] = line.replace("{status}", "{order_status}").replace("is at “", "is “")
        Path(po).write_text("\n".join(lines), encoding="utf-8")
    put("tests/reception/unit/test_lifecycle.py") if False else None


def corrective():
    prose([("the rectifications", "the corrective actions"), ("rectifications", "corrective actions"), ("rectification", "corrective action")])
    for po in PO:
        sub(po, (r'"Rectifications"', '"Corrective actions"')) if '"Rectifications"' in Path(po).read_text() else None
    sub(D + "pages/corrective_actions.py", (r'"Rectifications"', '"Corrective actions"'))
    sub(D + "pages/facility_checks.py", (r'"Rectifications"', '"Corrective actions"'))
    move("docs/adr/0009-corrective-actions-in-reporting.md", "docs/adr/0009-corrective-actions-in-reporting.md")
    for path in tracked(".md", ".py"):
        text = Path(path).read_text(encoding="utf-8")
        if "0009-corrective-actions-in-reporting" in text:
            Path(path).write_text(text.replace("0009-corrective-actions-in-reporting", "0009-corrective-actions-in-reporting"), encoding="utf-8")


def claim_details():
    files = under(R, "tests/reception", "docs/reception.md", "services/desk", "shared/contracts")
    prose([("the evidence", "the claim details"), ("its evidence", "its details"), ("evidence is missing", "details are missing"),
           ("optional evidence", "optional details"), ("evidence", "details")], [f for f in files if "test_words" not in f])
    for po in PO:
        sub(po, (r'^(msgid|msgstr) "Evidence"$', r'\1 "Claim details"'), ) if '"Evidence"' in Path(po).read_text() else None
    sub(D + "pages/claim.py", (r't\("Evidence"\)', 't("Claim details")'))
    sub("tests/reception/unit/test_claim.py", (r"each_missing_piece_of_evidence_is_named", "each_missing_claim_detail_is_named"), (r"optional_evidence", "optional_details"))
    sub("tests/reception/component/test_claims.py", (r"without_its_evidence", "without_its_details"))
    put("tests/desk/test_words.py", ('"claim_details": ClaimDetails.', '"claim_details": ClaimDetails.'))


def invoices():
    sub("services/reporting/persistence/reports.py", (r"\), bill AS \(", "), aged_invoice AS ("), (r"FROM bill\b", "FROM aged_invoice"))
    put(D + "pages/order/invoicing.py", ("Bill, tax {tax} included", "Invoice, tax {tax} included"))
    for path in ("tests/crm/component/test_loyalty.py", "tests/desk/test_the_morning.py"):
        sub(path, (r"\bbill(?=, leaves| = invoice\()", "issued"))
    prose([("a bill", "an invoice"), ("another bill", "another invoice"), ("a repair bill", "a repair invoice"),
           (r"bills the order", "invoices the order"), (r"how a store bills", "how a store invoices"),
           ("bills'", "invoices'"), ("bills", "invoices"), ("billed", "invoiced"), (r"bill(?! of materials)", "invoice")])
    prose([("the invoice \\(结算单\\)", "the invoice (结算单)")])
    for po in PO:
        text = Path(po).read_text(encoding="utf-8")
        text = text.replace("|bill − estimate|", "|invoice − estimate|")
        Path(po).write_text(text, encoding="utf-8")
    path = D + "pages/order/invoicing.py"
    put(path, ("            bill = partial(_invoiced, visit.t, page.catalogue)\n            drawing.part(\"invoice\", bill, ", "            sums = partial(_invoiced, visit.t, page.catalogue)\n            drawing.part(\"invoice\", sums, "),
        ("for bill in (*(invoice", "for each in (*(invoice"), ('number = bill["invoice"]', 'number = each["invoice"]'), ("if bill is not invoice", "if each is not invoice"),
        ('drawing.part(f"bill {number}", partial(_earlier_line, visit), bill["invoice"])', 'drawing.part(f"invoice {number}", partial(_earlier_line, visit), each["invoice"])'),
        ('enumerate(bill["credit_notes"])', 'enumerate(each["credit_notes"])'))
    sub(path, (r"\bbill(?=[:,\)\[ ])(?! again)(?! of)", "invoice"), (r"\bbilled\b(?!\")", "invoiced"))
    for path in ["deploy/audit/day.py", "deploy/audit/reception.py", "deploy/demo/shop.py", R + "domain/invoicing.py", R + "domain/withdrawal.py",
                 R + "entrypoints/http/invoicing.py", "services/reporting/persistence/reports.py",
                 *[p for p in tracked(".py") if p.startswith("tests/")]]:
        text = before = Path(path).read_text(encoding="utf-8")
        text = re.sub(r"(?<![\w\"'-])bills(?![\w\"'])", "invoices", text)
        text = re.sub(r"(?<![\w\"'-])bill(?![\w\"'])", "invoice", text)
        text = re.sub(r"(?<![\w\"'-])billed(?![\w\"'])", "invoiced", text)
        text = re.sub(r"(?<![\w\"'-])unbilled(?![\w\"'])", "not_invoiced", text)
        if text != before:
            Path(path).write_text(text, encoding="utf-8")


def splits():
    ticks({"shares": "payer_splits"}, under(R, "shared/contracts", "docs"))
    prose([("payers' shares", "payer splits"), ("shares of the invoice", "payer splits of the invoice"), ("without shares", "without payer splits"),
           ("each unpaid share", "each unpaid payer split"), ("those of shares that are paid", "those of splits that are paid"),
           ("an unpaid share", "an unpaid payer split"), ("a share", "a payer split"), ("each share that is unpaid", "each payer split that is unpaid"),
           ("payer's share", "payer's split"), ("each share of an invoice", "each payer split of an invoice")],
          [f for f in under(R, "services/crm", "deploy/audit", "shared/contracts", D + "pages/receivables.py", "docs/reception.md") if not f.endswith(("money.py", "offers.py", "voucher.py"))])
    text = Path("deploy/audit/day.py").read_text(encoding="utf-8")
    text = text.replace('share["', 'split["').replace('for share in event.data["payer_splits"]', 'for split in event.data["payer_splits"]')
    Path("deploy/audit/day.py").write_text(text, encoding="utf-8")
    for path in [p for p in tracked(".py") if p.startswith(("tests/reception", "tests/crm", "tests/reporting", "tests/system")) and not p.endswith("test_money.py")]:
        text = Path(path).read_text(encoding="utf-8")
        new = text
        if "payer_splits" in text and path.startswith("tests/reception"):
            new = re.sub(r"(?<![\w\"'])share(?![\w\"'])", "split", text)
        else:
            new = re.sub(r"(?<![\w\"'])share(?=\[\"|\.(payer|amount_cents|received|balance|due))", "split", text)
            new = re.sub(r"\bfor share in (?=\S*payer_splits)", "for split in ", new)
        if new != text:
            Path(path).write_text(new, encoding="utf-8")


def concern():
    prose([("customer's own words", "customer's concern")], [R + "entrypoints/http/orders.py", R + "application/views.py", R + "persistence/order.py", D + "pages/write_up/work.py", D + "pages/order/work.py"])
    prose([("customer's own words", "customer's comment"), ("customer's words", "customer's comment"), ("three marks and words", "three ratings and a comment")], [R + "entrypoints/http/feedback.py", R + "persistence/feedback.py", D + "pages/order/feedback.py"])
    # the label belongs to the group of the interface's wording
    put(D + "pages/write_up/work.py", ("In the customer's concern", "In the customer's own words"))
    put(D + "pages/order/feedback.py", ("In the customer's comment", "In the customer's own words"))
    for path in ("tests/desk/test_a_visit.py",):
        put(path, ('write(customer_concern="前台态度不好。")', 'write(comment="前台态度不好。")'))
    put("tests/desk/test_client.py", ('({"words": "a\\ud800"}, "words")', '({"comment": "a\\ud800"}, "comment")'))


def factors():
    prose([("pace", "time factor")], [p for p in under("services/workshop", "docs", "deploy/group", "tests/workshop", "tests/group", "tests/bench", "deploy/demo/group.py")])
    ticks({"pace": "time_factor"})


def wip():
    ticks({"in_hand": "wip"})
    prose([("work in hand", "work in progress"), ("a job in hand", "a job in progress"), ("jobs in hand", "jobs in progress"), (r"in hand", "in progress")],
          under("services", "docs", "tests", "shared/contracts"))
    for po in PO:
        sub(po, (r'^msgid "In hand"$', 'msgid "In progress"')) if 'msgid "In hand"' in Path(po).read_text() else None
    sub(D + "pages/board.py", (r't\("In hand"\)', 't("In progress")')) if 't("In hand")' in Path(D + "pages/board.py").read_text() else None
    put("tests/desk/test_the_workshop.py", ("count-in_hand", "count-wip"))


def records():
    prose([
        ("(?:the|this) store's archive does not know", "store's customer records do not know"),
        ("(?:the|its|this) archive is away", "customer records are unavailable"), ("archive is away", "customer records are unavailable"),
        ("the archive may be away", "customer records may be unavailable"), ("what archive and orders know", "what customer records and orders know"),
        ("while it is away", "while they are unavailable"),
        ("this store's archive knows", "this store's customer records know"),
        ("store's archive does not know", "store's customer records do not know"), ("the store's archive has", "the store's customer records have"),
        ("this store's archive", "this store's customer records"), ("store's archive", "store's customer records"),
        ("the archive does not know", "customer records do not have"), ("the archive knows", "customer records know"),
        ("the archive refuses", "customer records refuse"), ("the archive has", "customer records have"), ("the archive says", "customer records say"),
        ("the archive's entry", "the customer record"), ("the archive of persons", "the records of persons"),
        ("the archive of customers", "the records of customers"),
        ("into its archive", "into its customer records"), ("their archive", "their customer records"), ("the archive is asked", "customer records are asked"),
        ("(?:the|an) archive", "customer records"), ("archive", "customer records"),
    ], under("services", "docs", "deploy/audit", "shared/contracts", "tests"))
    put(R + "clients/crm.py", ("``token``; None\n        when customer records are", "``token``; None\n        when customer records are")) if False else None
    move("tests/crm/component/test_archive.py", "tests/crm/component/test_customer_records.py")
    put(D + "pages/write_up/owner.py", ("The first part of the intake", "The first part of the write-up"))


def invoicing():
    prose([("settlement", "invoicing")], ["docs/reception.md", R + "domain/invoicing.py", R + "entrypoints/http/invoicing.py", D + "pages/order/invoicing.py",
                                          "deploy/group/catalog/invoicing.yaml", "deploy/group/README.md", R + "app.py", R + "clients/catalogue.py", "tests/reception/component/test_invoicing.py", "tests/reception/unit/test_invoicing.py"])
    sub(D + "pages/order/invoicing.py", (r'"Settlement"', '"Invoicing"'))
    put("deploy/group/catalog/invoicing.yaml", ("# Settlement (结算).", "# Invoicing (结算).")) if "# Settlement" in Path("deploy/group/catalog/invoicing.yaml").read_text() else None
    for po in PO:
        sub(po, (r'^msgid "Settlement"$', 'msgid "Invoicing"')) if 'msgid "Settlement"' in Path(po).read_text() else None
    put("docs/reception.md", ("## Settlement (结算)", "## Invoicing (结算)")) if "## Settlement" in Path("docs/reception.md").read_text() else None


def checks():
    prose([("facility checks of hall and lanes", "facility checks of customer lounge and service drive"),
           ("daily checks of hall and lanes", "facility checks of customer lounge and service drive"),
           ("hall and lanes", "customer lounge and service drive"), ("hall or lanes", "customer lounge or service drive"),
           ("hall or lanes were", "customer lounge or service drive were"),
           ("daily checks", "facility checks"), ("daily check", "facility check")])
    put("deploy/group/facility_checks.yaml", ("en: Reception hall", "en: Customer lounge"), ("en: Lanes\n", "en: Service drive\n"), ("lanes_clear, zh: 通道畅通, en: Lanes clear", "lanes_clear, zh: 通道畅通, en: Lanes clear"),
        ("# Daily checks (日常检查)", "# Facility checks (日常检查)")) if "# Daily checks" in Path("deploy/group/facility_checks.yaml").read_text() else put("deploy/group/facility_checks.yaml", ("en: Reception hall", "en: Customer lounge"), ("en: Lanes\n", "en: Service drive\n"))


def write_ups():
    prose([("the intake as a whole", "the write-up as a whole"), ("an intake", "a write-up"), ("the intake", "the write-up"), ("intake", "write-up")], under("services", "docs", "tests", "deploy/demo"))
    sub("tests/reception/component/test_write_up.py", (r"test_an_write_up", "test_a_write_up")) if "test_an_write_up" in Path("tests/reception/component/test_write_up.py").read_text() else None


def walkarounds():
    prose([("walk-rounds?", "walkaround"), ("windscreen", "windshield"), ("litres", "liters"), ("litre", "liter")])
    put(D + "pages/write_up/condition.py", ("self._findings", "self._damages")) if "self._findings" in Path(D + "pages/write_up/condition.py").read_text() else None


def calls():
    prose([("phone tasks", "call tasks"), ("phone task", "call task")])
    sub(D + "pages/call_tasks.py", (r'"Phone tasks"', '"Call tasks"')) if '"Phone tasks"' in Path(D + "pages/call_tasks.py").read_text() else None
    for po in PO:
        sub(po, (r'^msgid "Phone tasks"$', 'msgid "Call tasks"')) if 'msgid "Phone tasks"' in Path(po).read_text() else None


def ratings():
    files = [R + "domain/feedback.py", R + "entrypoints/http/feedback.py", R + "persistence/feedback.py", "services/reporting/domain/corrective_action.py", "services/reporting/entrypoints/http/corrective_actions.py",
             "shared/contracts/reception.py", "shared/contracts/reporting.py", D + "pages/order/feedback.py", D + "pages/corrective_actions.py", "docs/front.md", "docs/indicators.md",
             "docs/adr/0009-corrective-actions-in-reporting.md", "tests/reporting/unit/test_corrective_action.py", "tests/reporting/component/test_corrective_actions.py", *PO]
    prose([("marks from 1 to 5 for quality, technique and attitude, and words, which", "ratings from 1 to 5 of work quality, technical skill and service attitude, and a comment, which"),
           ("all marks", "all ratings"), ("three marks", "three ratings"), ("bad marks", "bad ratings"), ("bad mark", "bad rating"), ("a mark", "a rating"), ("marks from", "ratings from"), ("in marks; words stay", "in ratings; the comment stays"), ("in marks", "in ratings"),
           (r"of quality, technique and attitude", "of work quality, technical skill and service attitude"), (r"(?<=\()quality, technique, attitude", "work quality, technical skill, service attitude")], files)


def accounts():
    """An unpaid release is on account; a credit is a credit note."""
    for path in (R + "domain/delivery.py", R + "domain/order.py", R + "application/views.py", R + "persistence/order.py"):
        sub(path, (r"\b(order|self)\.credit\b", r"\1.on_account")) if re.search(r"\b(order|self)\.credit\b", Path(path).read_text()) else None
    sub(R + "domain/order.py", (r"^    credit: ", "    on_account: "))
    sub(R + "application/views.py", (r"^    credit: ", "    on_account: "), (r"\bcredit=order", "on_account=order")) if "credit=order" in Path(R + "application/views.py").read_text() else sub(R + "application/views.py", (r"^    credit: ", "    on_account: "))
    sub(R + "application/views.py", (r'"credit"', '"on_account"')) if '"credit"' in Path(R + "application/views.py").read_text() else None
    sub(R + "persistence/order.py", (r"\bcredit\b(?!_)", "on_account"))
    sub(R + "migrations/20261124_0028_up_0029.sql", (r"SET credit = credit \|\|", "SET on_account = on_account ||"), (r"WHERE credit IS", "WHERE on_account IS"), (r"a credit covers an", "an on-account release covers an"))
    sub(R + "migrations/20261124_0005_up_0006.sql", (r"ADD COLUMN credit(\s)", r"ADD COLUMN on_account\1"))
    path = R + "domain/invoicing.py"
    sub(path, (r"^        credit=None,", "        on_account=None,"), (r"^    credit = OnAccount\(", "    on_account = OnAccount("), (r"replace\(order, credit=credit\)", "replace(order, on_account=on_account)"))
    text = Path(path).read_text(encoding="utf-8")
    Path(path).write_text(text, encoding="utf-8")
    sub("deploy/audit/reception.py", (r'"credit"', '"on_account"')) if '"credit"' in Path("deploy/audit/reception.py").read_text() else None
    sub(D + "components/event_fields.py", (r'"credit"', '"on_account"'))
    sub(D + "pages/order/file.py", (r'\bcredit = self\.order\["credit"\]', 'on_account = self.order["on_account"]'), (r'credit\["amount_cents"\] if credit', 'on_account["amount_cents"] if on_account'), ("or credit covers", "or an on-account release covers"))
    path = D + "pages/order/invoicing.py"
    sub(path, (r'"credit"', '"on_account"'), (r"\b_credit_line\b", "_on_account_line"), (r"\b_credit\b", "_on_account"), (r"\bon_credit\b", "on_account"), (r"\bmay_have_credit\b", "may_go_on_account"), (r"\b_CREDITS\b", "_ON_ACCOUNT_REASONS"),
        (r"\}/credit\"", '}/on-account-release"'), (r"credit: Entry", "approval: Entry"), (r'\bcredit\["', 'approval["'))
    sub(R + "entrypoints/http/invoicing.py", (r'/credit"', '/on-account-release"'))
    for path in [p for p in tracked(".py") if p.startswith(("tests/", "deploy/demo"))]:
        text = before = Path(path).read_text(encoding="utf-8")
        text = re.sub(r'/credit"', '/on-account-release"', text)
        text = re.sub(r'\["credit"\]', '["on_account"]', text)
        if path.startswith("tests/reception"):
            text = re.sub(r"\b(order|after|allowed|granted|before|unpaid|gone)\.credit\b", r"\1.on_account", text)
        text = text.replace('.open("credit")', '.open("on_account")').replace('"invoice", "delivery", "credit", "signature"', '"invoice", "delivery", "on-account-release", "signature"')
        if text != before:
            Path(path).write_text(text, encoding="utf-8")
    put("tests/reception/component/test_invoicing.py", ('{"credit": {"reason"', '{"on-account-release": {"reason"'), ('path == "credit"', 'path == "on-account-release"'))
    put("tests/desk/test_words.py", ('"credit": get_args(OnAccountReason)', '"on_account": get_args(OnAccountReason)'))
    put(R + "domain/errors.py", ("cents are unpaid, and no credit is granted.", "cents are unpaid, and no on-account release is approved."), ("cents are unpaid; credit was granted for {amount_cents} cents.", "cents are unpaid; an on-account release was approved for {amount_cents} cents."))
    put(PO[0], ("{balance_cents} are unpaid, and no credit is granted.", "{balance_cents} are unpaid, and no on-account release is approved."), ("more than the {amount_cents} that credit was granted for", "more than the {amount_cents} that were approved on account"))
    pairs = [("granted by {person}", "approved by {person}"), ("On credit up to {amount} ({reason}), approved by {person}", "On account up to {amount} ({reason}), approved by {person}"), ("Grant credit …", "Approve on-account release…"), ("Grant credit", "Approve on-account release")]
    put(D + "pages/order/invoicing.py", *pairs)
    for old, new in pairs:
        text = Path(PO[1]).read_text(encoding="utf-8")
        Path(PO[1]).write_text(text.replace(f'"{old}', f'"{new}').replace("On credit up to {amount} ({reason}), granted by", "On account up to {amount} ({reason}), approved by"), encoding="utf-8")
    prose([("than a credit covers", "than an on-account release covers"), ("somebody else has granted", "somebody else has approved"), ("a discount was granted", "a discount was approved"), ("a second person grants", "a second person approves"), ("may grant", "may approve"),
           ("somebody else has granted it", "somebody else has approved it"), ("suffices, has granted it", "suffices, has approved it"), (r"a credit \(挂账\)", "an on-account release (挂账)"), ("the deliverer has granted", "the deliverer has approved"),
           ("refunds, credit, receivables", "refunds, on-account release, receivables"), ("refunds, credit", "refunds, on-account release"), ("discount, credit, deposits", "discount, on-account release, deposits")],
          under(R, D, "docs/reception.md", "shared/contracts"))
    sub(R + "domain/invoicing.py", (r"\b_grant\b", "_approve"))


def leads():
    for path in [p for p in tracked(".py") if p.startswith("tests/")]:
        text = before = Path(path).read_text(encoding="utf-8")
        text = re.sub(r"\bHANDOVER\b", "DELIVERY_LEAD", text)
        text = text.replace("_covers_work_and_handover", "_covers_work_and_delivery_lead")
        if text != before:
            Path(path).write_text(text, encoding="utf-8")
    ticks({"handover": "delivery_lead"}, under("services/workshop"))


def staffs():
    for path in [p for p in tracked(".py") if p.startswith(("services/", "deploy/", "tests/"))]:
        text = before = Path(path).read_text(encoding="utf-8")
        text = re.sub(r'(read_yaml\([^()]*"staff\.yaml"\))\["people"\]', r'\1["staff"]', text)
        text = text.replace('"people.yaml"', '"staff.yaml"')
        if text != before:
            Path(path).write_text(text, encoding="utf-8")


def vouchers():
    prose([("vouchers? to be given back by id", "vouchers to be reinstated by id"), ("give vouchers back", "reinstate vouchers"), ("vouchers to give back", "vouchers to reinstate"),
           (r"vouchers of", "vouchers of"), ("was given back already", "was reinstated already"), ("all vouchers are given back", "all vouchers are reinstated"), ("voucher given back", "voucher reinstated"),
           ("order and amount given back", "order and amount reinstated"), ("redeemed and given back", "redeemed and reinstated")])
    prose([("are given back", "are reinstated"), ("given back", "reinstated"), ("is given back", "is reinstated"), ("were given back", "were reinstated"), ("to be given back", "to be reinstated")],
          [R + "domain/voucher.py", R + "domain/invoicing.py", R + "entrypoints/http/invoicing.py", R + "persistence/voucher.py", R + "migrations/20261124_0013_up_0014.sql"])
    for path in (D + "pages/order/invoicing.py", PO[1]):
        text = Path(path).read_text(encoding="utf-8")
        text = text.replace("Vouchers of {amount} given back", "Vouchers of {amount} reinstated").replace("Vouchers to give back", "Vouchers to reinstate")
        Path(path).write_text(text, encoding="utf-8")
    sub("tests/reception/component/test_vouchers.py", (r"that_was_given_back", "that_was_reinstated")) if "that_was_given_back" in Path("tests/reception/component/test_vouchers.py").read_text() else None
    sub("tests/reception/unit/test_voucher.py", (r"that_was_given_back", "that_was_reinstated")) if Path("tests/reception/unit/test_voucher.py").is_file() and "that_was_given_back" in Path("tests/reception/unit/test_voucher.py").read_text() else None


def punches():
    prose([("clock off", "clock out"), ("clocks off", "clocks out"), ("clocked off", "clocked out"), ("clocks on(?= \\()", "clocks in"), ("clocked on(?= \\()", "clocked in"),
           ("clocked on again", "clocked in again"), ("somebody clocked on", "somebody clocked in"), ("really clocked on and off", "really clocked in and out"), ("forgot to clock on", "forgot to clock in"),
           ("clocked on and off", "clocked in and out"), ("clock forgotten, closed", "missed punch, closed")])


def dunning():
    files = under(R, D, "docs", "deploy/group", "shared/contracts")
    prose([("chasing what is owed", "reminding of what is owed"), ("is chased again later", "is reminded of again later"), ("is chased next", "is reminded of next"), ("is chased", "is reminded of"), ("are chased", "are reminded of"), ("to be chased", "to be reminded of"), ("chased", "reminded of")], files)
    for path in ("tests/reception/component/test_invoicing.py", "tests/reception/unit/test_invoicing.py"):
        sub(path, (r"unpaid_is_chased", "unpaid_is_reminded_of"))


def off_peak():
    files = [R + "domain/offers.py", R + "entrypoints/http/appointments.py", R + "application/appointment_offers.py", "services/workshop/entrypoints/http/load.py", D + "components/time_choice.py", "docs/front.md", *PO]
    prose([("quiet hours first", "off-peak hours first"), ("quiet hours are", "off-peak hours are"), ("quiet hours", "off-peak hours"), ("to see quiet times", "to see off-peak times"), ("quiet ones first", "off-peak ones first"),
           ("quietest first", "least booked first"), ("equally quiet times", "equally booked times"), ("the quietest times", "the least booked times")], files)
    sub("tests/reception/unit/test_offers.py", (r"quietest", "least_booked"))
    prose([("are quiet, free", "are off-peak, free")], ["tests/reception/unit/test_offers.py"])
    for path in (D + "components/time_choice.py", PO[1]):
        text = Path(path).read_text(encoding="utf-8")
        Path(path).write_text(text.replace("Choose the work to see quiet times.", "Choose the work to see off-peak times."), encoding="utf-8")


def concern_match():
    for po in PO:
        text = Path(po).read_text(encoding="utf-8")
        Path(po).write_text(text.replace('"Fault description"', '"Customer concern"'), encoding="utf-8")
    for path in [p for p in tracked(".py", ".md") if p.startswith(("services/desk", "docs"))]:
        text = Path(path).read_text(encoding="utf-8")
        if "Fault description" in text:
            Path(path).write_text(text.replace("Fault description", "Customer concern"), encoding="utf-8")


def titles():
    pairs = [("R8: settlement", "R8: invoicing")]
    del pairs


def rows():
    for row in (places_to_stores, operations, roles, trades, statuses, corrective, claim_details, invoices, splits, concern, factors, wip, records, invoicing, checks,
                write_ups, walkarounds, calls, ratings, accounts, leads, staffs, vouchers, punches, dunning, off_peak, concern_match):
        row()


if __name__ == "__main__":
    rows()
    rewrap_sql()
    finish()
