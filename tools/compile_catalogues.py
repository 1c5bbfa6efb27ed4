"""Compiles the catalogues of modelctl: the .po that git keeps to the .mo that gettext reads.

Hatchling runs it for every wheel, an editable one included (pyproject.toml). tools/setup.py and the tests run it too,
because the .po may have changed since.
"""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent.parent


class CompileCatalogues(BuildHookInterface[Any]):  # Any: the hook does not look at its builder's configuration
    """Compiles before a wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  (hatchling's signature)
        compile_catalogues(Path(self.root) / "client" / "modelctl")


def compile_catalogues(package: Path) -> None:
    """Compile every catalogue of ``package``; the same translations give the same bytes."""
    for path in package.glob("locale/*/LC_MESSAGES/*.po"):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parent.parent.name)
        catalogue.creation_date = datetime.fromtimestamp(0, UTC)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        target = path.with_suffix(".mo")
        if not target.exists() or target.read_bytes() != compiled.getvalue():
            target.write_bytes(compiled.getvalue())


if __name__ == "__main__":
    compile_catalogues(ROOT / "client" / "modelctl")
