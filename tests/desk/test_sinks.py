"""Check that no text becomes markup or script in a browser."""

from pathlib import Path

import pytest

from deploy.sinks import findings, in_python


@pytest.mark.parametrize(
    "line",
    [
        "made.props(f'title=\"{name}\"')",
        "made.props('title=' + name)",
        "made.props('title=%s' % name)",
        "made.props('title={}'.format(name))",
        "made.props(' '.join(names))",
        "made.props(name)",
        "made.props(add=name)",
        "made.props(*names)",
        "made.props(remove=None if name else name)",
        "made.props(':title=name')",
        "made.props('flat onclick=go')",
        "made.props('options-html')",
        "made.props[name] = 1",
        "made.props[':title'] = name",
        "made.props['innerHTML'] = name",
        "made._props['onclick'] = name",
        "made.props.update(names)",
        "made.props |= names",
        "made.style(f'width:{width}')",
        "made.style(f'width:{width!s:.2f}')",
        "made.style(f'width:{width:>9}')",
        "made.style['width'] = width",
        "ui.run_javascript(f'go({name})')",
        "client.run_javascript(name)",
        "ui.run_javascript(code=name)",
        "ui.add_head_html(f'<title>{name}</title>')",
        "ui.add_head_html(str(Markup(name).format(name)))",
        "ui.add_head_html(Markup('<p>{}</p>').format(name))",
        "ui.add_body_html(json.dumps(names))",
        "ui.html('<b>bold</b>')",
        "ui.markdown(name)",
        "ui.notify(name, html=True)",
        "ui.element(name)",
        "made.on('click', js_handler=f'() => {name}')",
        "made.add_slot('body', name)",
        "made.run_method(name)",
        "ui.echart({'label': {':formatter': name}})",
        "def f():\n    text = name\n    made.props(text)",
        "_TEXT = 'flat'\n_TEXT += name\nmade.props(_TEXT)",
    ],
)
def test_text_that_becomes_markup_is_found(line: str) -> None:
    assert list(in_python(line))


@pytest.mark.parametrize(
    "line",
    [
        "made.props('flat dense').props['title'] = name",
        "made.props('flat' if small else 'dense')",
        "made.classes(f'badge tone-{tone}')",
        "made.style(f'left:{left:.3f}%;height:{share:.0%}')",
        "ui.add_head_html(str(Markup('<script src=\"{}\"></script>').format(name)))",
        "_GO = '() => go()'\nmade.on('click', js_handler=_GO)",
        "_GO = '() => go()'\nui.run_javascript(_GO)",
        "made.run_method('focus', name)",
        "ui.element('tr').on('click', handler)",
        "ui.label(name)",
    ],
)
def test_constant_markup_is_allowed(line: str) -> None:
    assert not list(in_python(line))


@pytest.mark.parametrize(
    "line",
    ["here.innerHTML = name;", "eval(name);", "new Function(name)", 'setTimeout("go()", 1);'],
)
def test_script_that_writes_markup_is_found(tmp_path: Path, line: str) -> None:
    (tmp_path / "made.js").write_text(f"const name = 1;\n{line}\n")
    assert [found.line for found in findings(tmp_path)] == [2]
