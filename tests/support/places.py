"""The checkout and its folders: the one place that knows how deep it stands in them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "archdsl"
SPEC_FILES = sorted((ROOT / "specs").glob("*.yaml"))
PRELUDE = ROOT / "codegen_templates" / "prelude"
DOCS = ROOT / "docs"

DATA = ROOT / "tests" / "data"
ERRORS = ROOT / "tests" / "errors"
GOLDEN = ROOT / "tests" / "golden"
LANGUAGE = ROOT / "tests" / "language"
