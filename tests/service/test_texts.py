"""What is written for each system, checked by the system's own reader where there is one."""

import plistlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from modelservice import Program, texts

AWKWARD = Program(
    Path('/opt/my "fine" tools/100% python/bin/python3'), (("MODELD_HOME", "/home/jörg/My $Models; 50% off"),)
)
PLAIN = Program(Path(sys.executable))


def verified(unit: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What ``systemd-analyze verify`` says about ``unit``, and about every unit that the login session wants."""
    assert shutil.which("systemd-analyze"), "systemd-analyze is missing; on Debian it is in the package systemd"
    return subprocess.run(
        ["systemd-analyze", "--user", "verify", str(unit)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(unit.parent), "HOME": str(unit.parent), **environment},
        timeout=60,
    )


def complaints(done: "subprocess.CompletedProcess[str]") -> list[str]:
    """The lines about our unit; other software on the machine may have faulty units of its own."""
    return [line for line in done.stderr.splitlines() if "modeld.service" in line]


@pytest.fixture
def foreign_units(tmp_path: Path) -> str:
    """A configuration folder in which the login session wants three faulty units of other software."""
    units = tmp_path / "config/systemd/user"
    wanted = units / "basic.target.wants"
    wanted.mkdir(parents=True)
    same_name = "[Service]\nType=dbus\nBusName=org.freedesktop.Notifications\nExecStart=/bin/true\n"
    texts_of = {"first.service": same_name, "second.service": same_name, "odd.service": "[Service]\nNonsense=1\n"}
    for name, text in texts_of.items():
        (units / name).write_text(text)
        (wanted / name).symlink_to(units / name)
    return str(tmp_path / "config")


@pytest.mark.parametrize("program", [PLAIN, Program(PLAIN.python, AWKWARD.environment)], ids=["plain", "awkward"])
def test_systemd_accepts_the_unit_without_a_complaint(program: Program, tmp_path: Path):
    unit = tmp_path / "modeld.service"
    unit.write_text(texts.systemd_unit(program))
    done = verified(unit)
    assert (done.returncode, complaints(done)) == (0, [])


def test_faulty_units_of_other_software_are_not_complaints_about_ours(tmp_path: Path, foreign_units: str):
    unit = tmp_path / "modeld.service"
    unit.write_text(texts.systemd_unit(PLAIN))
    done = verified(unit, XDG_CONFIG_HOME=foreign_units)
    assert "odd.service" in done.stderr, "systemd-analyze did not read the faulty units"
    assert "first.service" in done.stderr or "second.service" in done.stderr, "both services got the bus name"
    assert (done.returncode, complaints(done)) == (0, [])


@pytest.mark.parametrize("fault", ["[Unit]\nNonsense=1\n", "[Service]\nExecStart=/nowhere/modeld\n"])
def test_a_fault_of_our_unit_is_found_among_faulty_units_of_other_software(
    fault: str, tmp_path: Path, foreign_units: str
):
    unit = tmp_path / "modeld.service"
    unit.write_text(texts.systemd_unit(PLAIN) + fault)
    assert complaints(verified(unit, XDG_CONFIG_HOME=foreign_units))


def test_signs_that_mean_something_to_systemd_are_doubled_or_quoted():
    text = texts.systemd_unit(AWKWARD)
    assert r'ExecStart="/opt/my \"fine\" tools/100%% python/bin/python3" -P -m modeld --no-tray' in text
    assert 'Environment="MODELD_HOME=/home/jörg/My $$Models; 50%% off"' in text


@pytest.mark.parametrize("program", [PLAIN, AWKWARD], ids=["plain", "awkward"])
def test_the_autostart_entry_is_one_that_desktops_take(program: Program, tmp_path: Path):
    entry = tmp_path / "modeld-tray.desktop"
    entry.write_text(texts.autostart_entry("modeld tray", "Icon", program.tray(), program.environment))
    assert shutil.which("desktop-file-validate"), "desktop-file-validate is missing (package desktop-file-utils)"
    done = subprocess.run(["desktop-file-validate", str(entry)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_an_exec_line_says_again_what_was_put_into_it():
    entry = texts.autostart_entry("n", "c", AWKWARD.tray(), AWKWARD.environment)
    line = next(line for line in entry.splitlines() if line.startswith("Exec="))
    # Read as the specification says: first as a string value, then the quoting, then the field codes.
    words = shlex.split(line.removeprefix("Exec=").replace("\\\\", "\\"))
    # (shlex leaves a backslash before a dollar sign alone, which the specification does not.)
    assert [word.replace("\\$", "$").replace("%%", "%") for word in words] == [
        "env",
        "MODELD_HOME=/home/jörg/My $Models; 50% off",
        '/opt/my "fine" tools/100% python/bin/python3',
        "-P",
        "-m",
        "modelctl",
        "tray",
    ]


def test_the_launch_agent_is_a_property_list_with_the_command_and_the_home():
    agent = plistlib.loads(texts.launch_agent(AWKWARD, "/tmp/err.log"))
    assert agent["ProgramArguments"] == [str(AWKWARD.python), "-P", "-m", "modeld"]
    assert agent["EnvironmentVariables"] == dict(AWKWARD.environment)
    assert agent["KeepAlive"] == {"SuccessfulExit": False} and agent["RunAtLoad"] is True


def test_windows_starts_the_interpreter_without_a_console():
    value = texts.run_value((r"C:\My Programs\python.exe", "-m", "modeld"))
    assert value == r'"C:\My Programs\pythonw.exe" -m modeld'
    assert texts.run_value((r"C:\p\pythonw.exe", "-m", "modeld")) == r"C:\p\pythonw.exe -m modeld"
