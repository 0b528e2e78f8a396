"""The checkout and its folders: the one place that knows how deep it stands in them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "archdsl"
SPEC_FILES = sorted((ROOT / "specs").glob("*.yaml"))
BEYOND_FILES = sorted((ROOT / "specs" / "beyond").glob("*.yaml"))
PRELUDE = ROOT / "codegen_templates" / "prelude"
DOCS = ROOT / "docs"

TESTS = ROOT / "tests"
DATA = TESTS / "data"
ERRORS = TESTS / "errors"
GOLDEN = TESTS / "golden"
LANGUAGE = TESTS / "language"
