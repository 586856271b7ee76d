"""config/callvane.toml, the reference of every setting."""

from __future__ import annotations

import re
import tomllib

from callbus.redis.settings import RedisSettings
from tools.settings_reference import FILE, SECTIONS, reference


def test_file_says_what_the_settings_are() -> None:
    """The file is the one that `python -m tools.settings_reference` writes from the settings' definitions."""
    assert FILE.read_text(encoding="utf-8") == reference()


def test_every_setting_is_explained() -> None:
    """Each key but those whose name says all has its reason above it."""
    text = FILE.read_text(encoding="utf-8")
    bare = re.findall(r"\n\n#?(\w+) =", text)
    assert set(bare) <= {"rtp_port_min", "level"}


def test_file_as_it_stands_sets_nothing() -> None:
    """Every key is commented out, so that a copy of the file means the defaults."""
    assert tomllib.loads(FILE.read_text(encoding="utf-8")) == {name: {} for name in SECTIONS}


def test_uncommented_file_is_the_defaults() -> None:
    """Uncommenting every line that has a value changes nothing."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(re.sub(r"^#(\w+ = .+)$", r"\1", line) for line in lines)
    for name, values in tomllib.loads(text).items():
        model, _ = SECTIONS[name]
        assert model.model_validate(values) == model()
    assert tomllib.loads(text)["redis"]["url"] == RedisSettings().url
