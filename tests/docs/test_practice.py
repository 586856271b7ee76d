"""docs/practice.md, the page for team leads, integrators and works councils."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel

from analysis.practice.findings import KINDS
from analysis.settings import AnalysisSection, LoadSection
from callbus import Question
from callbus.redis.settings import RedisSettings
from console.agent.link import expiry, signature
from console.review.pages import MOST_DAYS
from console.review.technique import FEWEST, Technique
from console.settings import ConsoleSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "practice.md").read_text("utf-8")
KEY, CALL = "a key of at least sixteen bytes", "4f2a9c1e@pbx.example"


def blocks(language: str) -> list[str]:
    """The page's blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def names(table: str) -> dict[str, str]:
    """A table of the console's page in JavaScript: words by value."""
    text = (ROOT / "console" / "page" / "words.js").read_text("utf-8")
    (found,) = re.findall(rf"const {table} = {{(.*?)}};", text, re.DOTALL)
    return dict(re.findall(r'(\w+): "([^"]*)"', found))


def test_every_finding_is_explained_as_it_is() -> None:
    """Under the name that the page shows, with its side, and as a hint exactly if it is one."""
    rows = re.findall(r"^\| ([^|`]+) \| (strength|gap|note)(, hint)? \| ([^|]+) \|$", PAGE, re.MULTILINE)
    shown = names("FINDINGS")
    assert {(name, side, bool(hint)) for name, side, hint, _ in rows} == {
        (shown[kind], known.side.value, known.is_hint) for kind, known in KINDS.items()
    }
    assert len(rows) == len(KINDS)


def test_every_finding_has_its_rule() -> None:
    """One row names it, with the side that the table in the code gives it."""
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (strength|gap|note) \| \S", PAGE, re.MULTILINE)
    told = {name: side for names, side in rows for name in re.findall(r"\w+", names)}
    assert told == {kind.value: known.side.value for kind, known in KINDS.items()}


def test_every_question_and_setting_is_explained() -> None:
    """The four of a debrief, and what switches all of it."""
    assert all(f"| `{question}` |" in PAGE for question in Question)
    assert all(f"`analysis.{key}`" in PAGE for key in AnalysisSection.model_fields if key.startswith("practice"))


def test_every_technique_is_explained() -> None:
    """Under the name by which it is chosen."""
    html = (ROOT / "console" / "page" / "technique.html").read_text("utf-8")
    options = dict(re.findall(r'<option value="(\w+)">([^<]+)</option>', html))
    assert set(options) == {each.value for each in Technique}
    assert all(f"| {name} |" in PAGE for name in options.values())
    assert f"(at most {MOST_DAYS})" in PAGE
    assert FEWEST == 10
    assert "Of fewer than ten moments" in PAGE


def test_its_settings_exist() -> None:
    """Each setting that it names is one."""
    known: dict[str, type[BaseModel]] = {
        "console": ConsoleSettings,
        "analysis": AnalysisSection,
        "redis": RedisSettings,
        "load": LoadSection,
    }
    named = re.findall(r"`(console|analysis|redis|load)\.(\w+)", PAGE)
    assert named
    assert [(section, key) for section, key in named if key not in known[section].model_fields] == []


def test_the_signature_is_the_one_told() -> None:
    """The example's, for integrators to test their own code."""
    assert signature(KEY.encode(), CALL, 1_800_000_000) in PAGE


def opens(link: str, call_id: str) -> bool:
    """Whether a link leads to a call and is good for about an hour."""
    parts, now = urlsplit(link), time.time()
    assert unquote(parts.path) == f"/agent/{call_id}"
    return 3_500 < expiry(KEY.encode(), call_id, parts.query.encode(), now) - now <= 3_600


def test_the_shells_link_opens() -> None:
    """The block runs as it stands."""
    (block,) = blocks("sh")
    done = subprocess.run(["bash", "-eu", "-c", block], capture_output=True, text=True, check=True, timeout=30)
    assert opens(done.stdout.strip(), CALL)


def test_pythons_link_opens() -> None:
    """The block runs as it stands, for any id."""
    (block,) = blocks("python")
    for call_id in (CALL, "a/b c?\u00fc"):
        told = f"{block}\nprint(link({KEY!r}, {call_id!r}))"
        done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=30)
        assert opens(done.stdout.strip(), call_id)
