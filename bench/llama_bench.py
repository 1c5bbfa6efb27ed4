"""llama.cpp's own benchmark, built against the very libraries our worker uses, so that only the caller differs.

Only its two source files are compiled, from llama-cpp-python's source package; the libraries and headers are those
that came with the installed wheel. Built once for each build of the library, into the user's cache.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import platformdirs

ENGINE = "llama-cpp-python"
"""The package that our worker's llama.cpp comes from."""

SOURCES = ("tools/llama-bench/", "common/", "vendor/", "include/", "ggml/include/")
LIBRARIES = ("llama-common", "llama", "ggml", "ggml-base", "ggml-cpu")


@dataclass(frozen=True)
class Measured:
    """What one run of llama-bench says: tokens/s of each test, and the peak resident memory of its process."""

    rates: dict[str, float]
    peak_bytes: int


def run(model: Path, threads: int, *options: str) -> Measured:
    """Run llama-bench once with ``options``; its tests are named as it does: pp512, tg128, pp896+tg128."""
    libraries = _libraries()
    environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}
    command = [str(binary()), "-m", str(model), "-t", str(threads), "-ngl", "0", "-o", "json", *options]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"llama-bench failed: {errors.read().decode(errors='replace')[-500:]}")
        output.seek(0)
        tests = json.loads(output.read())
    return Measured({_name(test): test["avg_ts"] for test in tests}, usage.ru_maxrss * 1024)


def _name(test: dict[str, int]) -> str:
    parts = (("pp", test["n_prompt"]), ("tg", test["n_gen"]))
    return "+".join(f"{kind}{count}" for kind, count in parts if count)


def binary() -> Path:
    """The program; built if it has not been for this library yet."""
    version = metadata.version(ENGINE)
    build = hashlib.sha256((_libraries() / "libllama.so").read_bytes()).hexdigest()[:12]
    path = platformdirs.user_cache_path("modeld") / "llama-bench" / f"{version}-{build}" / "llama-bench"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            print(f"building llama-bench of {ENGINE} {version}, once", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix="building-") as scratch:
                _build(version, Path(scratch)).rename(path)
    return path


def _libraries() -> Path:
    """The folder of the wheel with all of llama.cpp's libraries."""
    for file in metadata.files(ENGINE) or []:
        if file.name == "libllama-common.so":
            return Path(str(file.locate())).resolve().parent
    raise SystemExit(f"this build of {ENGINE} has no libllama-common.so to build llama-bench with")


def _build(version: str, scratch: Path) -> Path:
    fetch = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--no-binary", ENGINE]
    subprocess.run([*fetch, "--dest", str(scratch), f"{ENGINE}=={version}"], check=True)
    [archive] = scratch.glob("*.tar.gz")
    source = _unpack(archive, scratch / "source")
    libraries = _libraries()
    built = scratch / "llama-bench"
    compiler = os.environ.get("CXX") or shutil.which("c++") or "g++"
    includes = [
        libraries.parent / "include",
        *(source / part for part in ("common", "vendor", "include", "ggml/include")),
    ]
    command = [compiler, "-std=c++17", "-O2", "-DNDEBUG", *(f"-I{folder}" for folder in includes)]
    command += [str(source / "tools" / "llama-bench" / name) for name in ("llama-bench.cpp", "main.cpp")]
    command += ["-o", str(built), f"-L{libraries}", *(f"-l{name}" for name in LIBRARIES), "-lpthread"]
    subprocess.run(command, check=True)
    return built


def _unpack(archive: Path, target: Path) -> Path:
    """The parts of llama.cpp that are needed, out of the source package."""
    with tarfile.open(archive) as tar:
        root = f"{tar.getnames()[0].split('/')[0]}/vendor/llama.cpp/"
        wanted = [member for member in tar if member.name.startswith(tuple(root + part for part in SOURCES))]
        tar.extractall(target, wanted, filter="data")
    return target / root


if __name__ == "__main__":
    print(binary())
