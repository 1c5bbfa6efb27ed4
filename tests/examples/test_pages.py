"""The pages for programs and for people in trouble are true: their code runs, their words are the program's."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from modelctl.cli.app import VERBS, cli
from support.example_program import Example
from support.real_daemon import RealDaemon

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ["docs/install.md", "docs/troubleshooting.md", "docs/models.md", "docs/python.md"]


@pytest.fixture
def settings() -> dict[str, str]:
    return {"LLM_CONTEXT_SIZE": "1024"}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.timeout(300)
def test_every_example_of_the_python_page_runs_in_order(daemon: RealDaemon):
    blocks = re.findall(r"```python\n(.*?)```", page("docs/python.md"), re.DOTALL)
    assert len(blocks) == 5
    said = Example([sys.executable, "-c", "\n".join(blocks)], daemon.home).run()
    assert "smollm2 was unloaded: " in said and "There is no model 'no-such-model'." in said
    assert "tokens/sec" in said and "15.3 MB/s" in said


def test_every_check_of_the_doctor_is_explained():
    source = (ROOT / "client/modelctl/doctor/examination.py").read_text()
    checks = set(re.findall(r"marked\(\"([a-z:-]+)\"\)", source))
    assert {"gpu", "model-files", "folder:log", "hub"} <= checks, "the search finds nothing any more"
    explained = set(re.findall(r"`([a-z:-]+)`", page("docs/troubleshooting.md")))
    assert checks <= explained, checks - explained


@pytest.mark.parametrize("name", PAGES[:3])
def test_every_command_that_a_page_tells_to_type_exists(name: str):
    told = re.findall(r"modelctl ([a-z]+)([^`\n#;&]*)", page(name))
    assert len(told) > 5
    for verb, rest in told:
        assert verb in VERBS, f"modelctl {verb}"
        words = [verb, rest.split()[0]] if verb == "service" else [verb]
        shown = CliRunner().invoke(cli, [*words, "--help"])
        assert shown.exit_code == 0, words
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in shown.output, (words, option)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_to_a_file_leads_somewhere(name: str):
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", page(name)):
        file = (ROOT / name).parent / target if target else ROOT / name
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings], anchor
