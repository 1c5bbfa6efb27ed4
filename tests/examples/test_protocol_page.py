"""What docs/protocol.md shows works as it stands there."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
MODELCTL = Path(sys.executable).with_name("modelctl")


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Of a home with a running daemon."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "MODELD_HOME": home, "LLM_CONTEXT_SIZE": "512", "LLAMA_USE_GPU": "0"}
        subprocess.run([MODELCTL, "up"], env=environment, check=True, timeout=60)
        try:
            yield environment
        finally:
            subprocess.run([MODELCTL, "down"], env=environment, check=True, timeout=60)


def test_the_example_client_lists_pulls_and_chats_with_nothing_of_ours(environment: dict[str, str]) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    ran = subprocess.run([sys.executable, "-c", found[1]], env=environment, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    models, answer = ran.stdout.split("\n", 1)
    assert "'smollm2'" in models
    assert answer.strip()


def test_the_generated_part_and_the_schema_are_current() -> None:
    ran = subprocess.run(
        [sys.executable, ROOT / "tools" / "make_protocol_docs.py", "--check"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
