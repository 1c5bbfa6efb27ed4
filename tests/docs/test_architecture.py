"""The map names modules that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASES = (ROOT, ROOT / "daemon/modeld", ROOT / "client/modelctl")
PATH = re.compile(r"`([\w/.]+(?:\.py|\.po|/))`")


def test_every_path_on_the_map_is_there():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    paths = set(PATH.findall(text))
    assert len(paths) > 40
    assert [path for path in sorted(paths) if not any((base / path).exists() for base in BASES)] == []
