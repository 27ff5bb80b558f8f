"""``python -m shangyi.cli``."""

from shangyi.cli.main import main

main()
