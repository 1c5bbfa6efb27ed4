"""``python -m modelctl``: the command line."""

from modelctl.cli.app import main

main()
