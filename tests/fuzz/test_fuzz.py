"""A short run of every fuzzer, and the inputs that once were taken wrongly."""

import importlib.util
import json
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("fuzzing", Path(__file__).parent / "fuzzing.py")
fuzzing = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzzing)


@pytest.mark.parametrize("kind", fuzzing.KINDS)
def test_a_short_run(kind, tmp_path):
    seeds = range(150 if kind in ("specs", "claims") else 50)
    assert list(fuzzing.run(kind, seeds, tmp_path)) == []


@pytest.mark.parametrize("file", sorted(fuzzing.CASES.glob("*.json")), ids=lambda file: file.stem)
def test_what_was_found_is_mended(file, tmp_path):
    case = json.loads(file.read_text(encoding="utf-8"))
    assert fuzzing.fault(file.stem.partition("-")[0], case, tmp_path) == ""
