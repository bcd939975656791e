"""Reading a configuration: TOML or a run's JSON, a base file below it, overrides on top."""

from __future__ import annotations

import ast
import dataclasses
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from training.config import TrainConfig, check_config
from training.errors import ConfigError

BASE = "base"  # a file's key that names the file whose settings it changes
T = TypeVar("T")


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a configuration and apply overrides such as `losses.color=2` or `steps=100`.

    path: TOML, or the config.json of a run. A file may name another with `base`, relative to
    itself, and then says only what differs. Raises ConfigError.
    """
    data = _read(path, ())
    for override in overrides:
        key, separator, text = override.partition("=")
        if not separator:
            raise ConfigError(f"{override!r} is no override; write it as key=value.")
        *parents, last = key.split(".")
        table = data
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise ConfigError(f"There is no setting {key}.")
        table[last] = _value(text)
    config = _build(TrainConfig, data, "")
    check_config(config)
    return config


def _read(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:  # both decoders raise kinds of ValueError
        raise ConfigError(f"{path} is no readable configuration: {error}") from error
    base = data.pop(BASE, None)
    if base is None:
        return data
    below = (path.parent / base).resolve()
    if below in above:
        raise ConfigError(f"{path} is based on itself; remove `{BASE}` from one of the files.")
    return _merge(_read(below, (*above, path.resolve())), data)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _value(text: str) -> Any:
    try:
        return ast.literal_eval({"true": "True", "false": "False"}.get(text, text))
    except (ValueError, SyntaxError):
        return text


def _build(kind: type[T], data: dict[str, Any], where: str) -> T:
    hints = get_type_hints(kind)
    settings = {}
    for key, value in data.items():
        if key not in hints:
            raise ConfigError(f"There is no setting {where}{key}.")
        settings[key] = _fit(value, hints[key], f"{where}{key}")
    return kind(**settings)


def _fit(value: Any, hint: Any, name: str) -> Any:
    """The value in the form that the setting's type asks for."""
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{name} is a group of settings; write {name}.KEY=VALUE.")
        return _build(hint, value, f"{name}.")  # type: ignore[arg-type]
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ConfigError(f"{name} is one of {', '.join(get_args(hint))}, not {value!r}.")
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{name} is a list, not {value!r}.")
        return tuple(_fit(item, get_args(hint)[0], name) for item in value)
    if hint is str:
        return str(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and number:
        return float(value)
    if isinstance(value, hint) and (hint is bool or number):
        return value
    raise ConfigError(f"{name} is of type {hint.__name__}, not {value!r}.")
