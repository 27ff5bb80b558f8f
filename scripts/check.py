"""All checks: ruff, mypy, pytest. ``./shangyi test [--slow] [pytest arguments]``; ends with 1 if one failed.

With paths or options for pytest, only pytest runs, so that one test can be repeated quickly.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    arguments = sys.argv[1:]
    commands = []
    if not [a for a in arguments if a != "--slow"]:
        commands += [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]]
    parallel = (
        [] if any(a.startswith(("-n", "--pdb")) for a in arguments) else ["-n", "2", "--dist", "loadgroup"]
    )
    commands.append(["pytest", *parallel, *arguments])
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    failed = []
    for command in commands:
        print(f"$ {' '.join(command)}", flush=True)
        assert importlib.util.find_spec(command[0]), f"{command[0]} is not installed"
        if subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, check=False
        ).returncode:
            failed.append(command[0])
    print("failed: " + ", ".join(failed) if failed else "all checks passed", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
