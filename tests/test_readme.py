"""The README lists every verb and every setting, with the names and defaults they have."""

import re
from pathlib import Path

from modelctl.cli import VERBS
from modeld import settings

ROOT = Path(__file__).resolve().parent.parent
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


def test_every_link_leads_somewhere():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
