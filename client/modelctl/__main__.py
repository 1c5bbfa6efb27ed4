"""``python -m modelctl``: the command line."""

from modelctl.cli import main

main()
