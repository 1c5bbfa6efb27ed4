"""docs/performance.md: each benchmark writes its own section, with the conditions of the run."""

import platform
import statistics
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import psutil
from llama_bench import ENGINE

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
INTRODUCTION = """# Measured

`make bench` writes this page. Each script in `bench/` measures one section: `bench/engine.py`, `bench/daemon.py`,
`bench/desktop.py`, `bench/downloads.py` and `bench/download_faults.py`. Every script also runs alone. Where modeld has
a peer, the script runs both in turn, so that other load on the machine affects both. The ratio matters more than either
number. Numbers are medians unless a column says otherwise.

`make bench-builds BASE=DIR` compares this checkout with another one, in which `make setup` has run.
`python bench/contention.py --base DIR` compares how fast both generate on a busy machine. They print their tables and
write nothing.
"""


def write(section: str, text: str) -> None:
    """Replace the section by ``text``, and print it."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else INTRODUCTION
    if begin not in page:
        page = f"{page.rstrip()}\n\n{begin}\n{end}\n"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")
    print(text)


def conditions(*more: str) -> str:
    """The machine, the software and the load, as a line under a table."""
    load = psutil.getloadavg()[0]
    facts = [
        time.strftime("%Y-%m-%d"),
        _processor(),
        f"{psutil.cpu_count(logical=False)} cores, {psutil.cpu_count()} threads",
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        platform.system() + " " + platform.release().split("-")[0],
        f"Python {platform.python_version()}",
        f"{ENGINE} {metadata.version(ENGINE)}",
        f"load average {load:.1f} at the end",
    ]
    return "Conditions: " + "; ".join([*facts, *more]) + "."


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others numbers."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(samples: Sequence[float], digits: int = 1) -> str:
    """The median, and the lowest and highest sample."""
    return f"{statistics.median(samples):.{digits}f} ({min(samples):.{digits}f} to {max(samples):.{digits}f})"


def ratio(ours: Sequence[float], peers: Sequence[float]) -> str:
    """Our median divided by the peer's."""
    return f"{statistics.median(ours) / statistics.median(peers):.2f}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
