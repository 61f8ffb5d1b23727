"""From a file, `--set` and flags to a checked configuration, with errors that name their place."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from evals.config import RunConfig
from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["checked", "load", "load_config", "read_sets", "validate", "with_overrides"]

Lines = Mapping[str, int]
Config = TypeVar("Config", bound=RunConfig)
_COMPARING = frozenset({"strategies", "sweep"})


def load_config(path: Path | None, overrides: Mapping[str, Any]) -> RunConfig:
    """As `load`, for the configuration of a run. Says so where the file is that of a comparison."""
    if path and (keys := _COMPARING & read_yaml(path)[0].keys()):
        raise UsageError(f"{path} is a comparison, for it has the key {min(keys)!r}: rsa-eval compare {path}")
    return load(path, overrides, RunConfig)


def load(path: Path | None, overrides: Mapping[str, Any], model: type[Config]) -> Config:
    """The configuration of a file (or none) with dotted keys from the command line put over it.

    Raises `UsageError` that lists every mistake at once.
    """
    content, lines = read_yaml(path) if path else ({}, {})
    origins = {key: f"{path}, line {line}" for key, line in lines.items()}
    origins.update(dict.fromkeys(overrides, "command line"))
    return checked(with_overrides(content, overrides), origins, str(path or "command line"), model)


def with_overrides(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with values put over it by dotted key."""
    changed = dict(content)
    for key, value in overrides.items():
        _put(changed, key, value)
    return changed


def read_yaml(path: Path) -> tuple[dict[str, Any], Lines]:
    """A YAML mapping and the line of every dotted key in it. A key given twice is an error."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
        keys = list(_walk(root, "")) if isinstance(root, yaml.MappingNode) else []
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{path} cannot be read as YAML: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise UsageError(f"{path} must hold keys and values, such as 'task: aime25'")
    lines: dict[str, int] = {}
    for key, line in keys:
        if key in lines:
            raise UsageError(f"{path}, line {line}: {key} is given twice (first in line {lines[key]})")
        lines[key] = line
    return content, lines


def _walk(node: yaml.MappingNode, prefix: str) -> Iterator[tuple[str, int]]:
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        yield name, key.start_mark.line + 1
        if isinstance(value, yaml.MappingNode):
            yield from _walk(value, f"{name}.")


def read_sets(sets: Sequence[str]) -> dict[str, Any]:
    """`key=value` texts to dotted keys and YAML values. Raises `UsageError` for what is not one, or given twice."""
    overrides: dict[str, Any] = {}
    for text in sets:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise UsageError(f"--set {text!r} is not of the form key=value, such as --set sampling.top_p=0.95")
        try:
            parsed = yaml.safe_load(value)
        except (ValueError, RecursionError, yaml.YAMLError) as error:
            raise UsageError(f"--set {key}: the value {value!r} is not YAML: {error}") from error
        if key in overrides and overrides[key] != parsed:
            raise UsageError(f"--set {key} is given twice with different values")
        overrides[key] = parsed
    return overrides


def _put(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for name in sections:
        inner = content.get(name)
        if isinstance(inner, str):  # `task: aime25` in the file, `--limit` beside it
            inner = {"engine" if name == "serve" else "name": inner}
        content[name] = inner = dict(inner) if isinstance(inner, Mapping) else {}
        content = inner
    content[last] = value


def validate(content: Mapping[str, Any], origins: Mapping[str, str], source: str) -> RunConfig:
    """As `checked`, for the configuration of a run."""
    return checked(content, origins, source, RunConfig)


def checked(content: Mapping[str, Any], origins: Mapping[str, str], source: str, model: type[Config]) -> Config:
    """The checked configuration. `origins` says where each dotted key was given, `source` where all the rest was."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        messages = [_message(details, origins, source, model) for details in error.errors()]
    raise UsageError("\n".join(messages))


def _message(error: Any, origins: Mapping[str, str], source: str, config: type[RunConfig]) -> str:
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    prefixes = (".".join(location[:length]) for length in range(len(location), 0, -1))
    where = next((origins[prefix] for prefix in prefixes if prefix in origins), source)
    if error["type"] == "extra_forbidden":
        valid = _fields(config, location[:-1])
        return f"{where}: unknown key {key!r}{did_you_mean(location[-1], valid)}"
    if error["type"] == "missing":
        remedy = ": name one (rsa-eval tasks lists them), or give your own file with --data" if key == "task" else ""
        return f"{where}: {key} is missing{remedy}"
    message = str(error["msg"]).removeprefix("Value error, ")
    given = "" if isinstance(error["input"], Mapping | BaseModel) else f" (given: {error['input']!r})"
    return f"{where}: {key}: {message}{given}" if key else f"{where}: {message}"


def _fields(config: type[RunConfig], sections: Sequence[str]) -> list[str]:
    """The keys of the section at a place."""
    model: Any = config
    for name in sections:
        if name.isdigit():  # a place in a list, whose sections were found with the list
            continue
        field = model.model_fields.get(name)
        model = next(_models(field.annotation), None) if field else None
        if model is None:
            return []
    return list(model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
