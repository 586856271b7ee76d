"""config/callvane.toml, the reference of every setting."""

from __future__ import annotations

import re
import tomllib
from typing import get_args

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

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


NUMBERS = [
    pytest.param(name, key, field, id=f"{name}.{key}")
    for name, (model, _) in SECTIONS.items()
    for key, field in model.model_fields.items()
    if {int, float} & {field.annotation, *get_args(field.annotation)}
]


@pytest.mark.parametrize(("section", "key", "field"), NUMBERS)
def test_every_number_has_bounds(section: str, key: str, field: FieldInfo) -> None:
    """Whatever no clock, counter or memory can hold is refused at the start."""
    bounds = [bound for limit in field.metadata for bound in (getattr(limit, "le", None), getattr(limit, "lt", None))]
    assert any(isinstance(bound, int | float) for bound in bounds)
    for wrong in (float("inf"), float("-inf"), float("nan"), 1e300, -1e300):
        with pytest.raises(ValidationError) as raised:
            SECTIONS[section][0].model_validate({key: wrong})
        assert [fault["loc"] for fault in raised.value.errors()] == [(key,)]
