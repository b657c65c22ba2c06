"""The import path for the scripts of infra/, and the paths that the tests of the supply chain share."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
for folder in ("local", "supply"):
    sys.path.insert(0, str(ROOT / "infra" / folder))
