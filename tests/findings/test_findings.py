"""The scripts of docs/findings still print what the pages say; where a package is not installed they are not run."""

import re

import pytest
from findings.findings_page import FOLDER, Script, difference, pages, scripts

SCRIPTS = scripts()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_it_prints_what_the_page_says(script):
    if script.missing():
        pytest.skip(f"not installed: {', '.join(script.missing())}")
    assert not script.of_another_version()
    assert not difference(script.run(), script.printed)


@pytest.mark.parametrize(
    ("printed", "on_page"),
    [
        ("loss 0.0", "loss 1e-9"),
        ("loss nan", "loss 0.0"),
        ("loss 0.501", "loss 0.5"),
        ("loss -0.5", "loss 0.5"),
        ("value 0.5", "loss 0.5"),
        ("a 1.0\nb 2.0", "a 1.0"),
        ("a 1.0", "a 1.0 2.0"),
        ("torch 2.13.0", "torch 2.13.1"),
        ("float16", "float32"),
    ],
)
def test_a_page_that_went_stale_is_seen(printed, on_page):
    assert difference(printed, on_page)


@pytest.mark.parametrize(
    ("printed", "on_page"),
    [("loss 0.5000001 [nan, -inf]\n", "loss  0.5 [nan, -inf]"), ("3.06e-07 x", "3.0601e-07 x"), ("a\n", "a")],
)
def test_last_digits_and_spaces_do_not_matter(printed, on_page):
    assert not difference(printed, on_page)


def test_a_script_that_fails_is_told():
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        Script("page", 0, (), "1 / 0\n", "").run()


@pytest.mark.parametrize(("page", "text"), pages().items(), ids=pages())
def test_a_page_is_whole(page, text):
    own = [script for script in SCRIPTS if script.page == page]
    assert len(own) == len(re.findall(r"^```python", text, re.MULTILINE)), "a script without what it prints"
    assert any(script.needs for script in own)
    for heading in ("## Exact", "## Cause", "## Fix"):
        assert f"\n{heading}\n" in text, heading
    for need in {need for script in own for need in script.needs}:
        assert need.replace("==", " ") in text.split("\n## ")[0], f"the head of the page does not name {need}"
    assert "| reported |" in text


def test_the_index_has_every_page():
    index = (FOLDER / "README.md").read_text("utf-8")
    assert sorted(set(re.findall(r"\]\(([\w-]+)\.md\)", index))) == sorted(pages())
