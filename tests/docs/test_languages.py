"""docs/languages.md, which says how to add a language."""

from __future__ import annotations

import re
from pathlib import Path

from analysis.languages.files import tables
from analysis.languages.lexicon import lexicons
from analysis.practice.phrases import by_language

PAGE = Path(__file__).parents[2] / "docs" / "languages.md"


def test_its_example_is_a_file(tmp_path: Path) -> None:
    """The example shows every part of `[mood]`, and a worker takes it as it stands."""
    (example,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (tmp_path / "pt.toml").write_text(example, encoding="utf-8")
    known = tables(tmp_path)
    lexicon = lexicons(known)["pt"]
    assert set(known["pt"]["mood"]) == {"light", "denied", "parts", "cues", "threats", "guards", "quoting"}
    assert lexicon.guards.keys() == {"of_others", "merely_thought", "not_you", "calm"}
    assert lexicon.quoting.keys() == {"reported", "opening", "jest"}
    assert by_language(known) == {}
