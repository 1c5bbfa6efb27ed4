"""The README lists every verb and every setting, with the names and defaults they have."""

import re
from pathlib import Path

from modelctl.cli.app import VERBS
from modeld import settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_verb_is_in_the_table_and_none_that_there_is_not():
    table = section("Verbs").split("Each takes")[0]
    listed = set(re.findall(r"`([a-z]+)[^`]*`", table))
    assert set(VERBS) <= listed
    assert listed - set(VERBS) <= {"uninstall", "status"}


def test_every_setting_is_in_the_table_with_its_variables_and_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", section("Settings"), re.MULTILINE))
    assert list(rows) and set(rows) == set(settings.Settings.__struct_fields__)
    for variable, name in settings._ENVIRONMENT.items():
        assert f"`{variable}`" in rows[name], name
    for name, default in zip(settings.Settings.__struct_fields__, settings.Settings.__struct_defaults__, strict=True):
        if isinstance(default, bool | int | float):
            shown = str(default).lower() if isinstance(default, bool) else f"{default:g}"
            assert f"| `{shown}` |" in rows[name], name


def anchors(page: Path) -> set[str]:
    """What a page's headings are linked by, as GitHub makes it of their text."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere_and_to_a_heading_that_is_there():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if target.startswith("http"):
                continue
            file, _, anchor = target.partition("#")
            there = page.parent / file if file else page
            assert there.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(there), f"{page.name}: {target}"


def test_every_picture_is_shown_on_a_page():
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    assert [path.name for path in (ROOT / "docs/pictures").iterdir() if f"pictures/{path.name}" not in pages] == []
