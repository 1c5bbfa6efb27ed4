"""The wheel: it holds every file of the packages, and its version is written down once."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import modeld
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = [ROOT / folder for folder in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout, built without the network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [file] = folder.glob("*.whl")
    return zipfile.ZipFile(file)


def metadata(wheel: zipfile.ZipFile) -> Message:
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_has_the_version_of_the_code(wheel: zipfile.ZipFile):
    assert metadata(wheel)["Version"] == modeld.__version__


@pytest.mark.parametrize("program", ["modeld", "modelctl"])
def test_a_program_prints_the_version_of_the_code(program: str):
    ran = subprocess.run([BIN / program, "--version"], capture_output=True, text=True, check=True, timeout=30)
    assert ran.stdout == f"{program} {modeld.__version__}\n"


def test_the_version_is_written_in_one_file():
    assert "version" in PROJECT["project"]["dynamic"]
    sources = [file for package in PACKAGES for file in package.rglob("*.py")]
    written = re.compile(rf"[\"']{re.escape(modeld.__version__)}[\"']")
    files = [file for file in (ROOT / "pyproject.toml", *sources) if written.search(file.read_text(encoding="utf-8"))]
    assert files == [ROOT / PROJECT["tool"]["hatch"]["version"]["path"]]


def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile):
    files = [file for package in PACKAGES for file in package.rglob("*") if file.is_file()]
    expected = {"/".join(file.relative_to(ROOT).parts[1:]) for file in files if file.parent.name != "__pycache__"}
    assert {Path(name).suffix for name in expected} >= {".py", ".mo", ".ttf", ".toml", ".typed"}
    assert expected - set(wheel.namelist()) == set()


def test_the_wheel_names_the_licence_of_the_code_and_those_of_the_typefaces(wheel: zipfile.ZipFile):
    typefaces = {file.name for file in ROOT.glob("client/modelctl/**/LICENSE-*.txt")}
    assert typefaces
    assert {Path(name).name for name in metadata(wheel).get_all("License-File", [])} == {"LICENSE", *typefaces}


def test_no_page_installs_modeld_by_a_name_that_no_index_has():
    """Delete this test in the change that publishes the package."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        commands = re.findall(r"pip install [^`\n]*", page.read_text(encoding="utf-8"))
        assert [command for command in commands if re.search(r"[\s\"']modeld\b", command)] == [], page.name


def test_modeld_prints_its_version_where_only_the_client_is_installed(tmp_path: Path):
    for name in ("psutil", "httpx"):
        (tmp_path / f"{name}.py").write_text("raise ModuleNotFoundError\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [BIN / "python", "-m", "modeld", "--version"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, env=environment)
    assert ran.stdout == f"modeld {modeld.__version__}\n"
