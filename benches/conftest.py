"""The scripts of this folder import each other by plain names; so do the tests beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
