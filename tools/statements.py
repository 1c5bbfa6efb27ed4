"""Count the Python statements and lines of each package, in one checkout or in two to compare.

python tools/statements.py [DIR] [OTHER]

A statement is a node of Python's syntax tree (``ast.stmt``), so comments and line breaks do not count. Only files that
git tracks are read. DIR is this checkout unless given.
"""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INSTALLED = ("daemon", "client", "icons", "service")
"""What an installation has; the rest stays in the repository."""

PACKAGES = (*INSTALLED, "examples", "tests", "tools", "bench")


def main() -> None:
    """Print the table."""
    folders = [Path(argument) for argument in sys.argv[1:]] or [ROOT]
    counts = [count(folder) for folder in folders]
    names = [folder.resolve().name for folder in folders]
    print(_row("package", *(f"{what}, {name}" for name in names for what in ("statements", "lines"))))
    print(_row("---", *["---:"] * 2 * len(folders)))
    for package in PACKAGES:
        print(_row(package, *(f"{number:,}" for found in counts for number in found[package])))
    for name, packages in (("installed", INSTALLED), ("all", PACKAGES)):
        totals = (sum(found[package][column] for package in packages) for found in counts for column in (0, 1))
        print(_row(name, *(f"{total:,}" for total in totals)))


def count(folder: Path) -> dict[str, tuple[int, int]]:
    """Statements and lines of each package."""
    statements: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    listed = subprocess.run(
        ["git", "-C", folder, "ls-files", "-z", "*.py"], check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        path, package = folder / name, name.partition("/")[0]
        if package not in PACKAGES:
            raise SystemExit(f"{name} belongs to no package in PACKAGES of {Path(__file__).name}")
        if path.exists():  # not in the middle of a move
            text = path.read_text(encoding="utf-8")
            statements[package] += sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(text)))
            lines[package] += len(text.splitlines())
    return {package: (statements[package], lines[package]) for package in PACKAGES}


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
