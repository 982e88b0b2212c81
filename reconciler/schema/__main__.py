"""Write every generated file: `python -m reconciler.schema --write`."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.schema.write import write

if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m reconciler.schema --write")
    write(Path(__file__).resolve().parents[2])
