"""CONTRIBUTING.md and SECURITY.md name what exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ["CONTRIBUTING.md", "SECURITY.md", "docs/release.md"]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(page: str) -> set[str]:
    """The fragments that GitHub gives to a page's headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", page, re.M)
    }


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(name: str):
    for target in re.findall(r"\]\(([^)\s]+)\)", text(name)):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_exists(name: str):
    for target in re.findall(r"^(?:.*`)?make (\w+)", text(name), re.MULTILINE):
        assert re.search(rf"^{target}:", text("Makefile"), re.MULTILINE), target


@pytest.mark.parametrize("name", PAGES)
def test_every_path_exists(name: str):
    paths = re.findall(r"(?<![\w/-])(?:tests|client|daemon|docs|tools)/[\w./-]*\w", text(name))
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_import_path_that_stays_exists():
    import importlib

    modules = re.findall(r"`(modelctl\.\w+)`", text("CONTRIBUTING.md"))
    assert len(modules) == 4
    for module in modules:
        assert importlib.import_module(module).__name__ == module
