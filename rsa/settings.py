"""Configurations: from a YAML file and what is put over it to a checked model, with errors that name their place."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rsa.errors import UsageError
from rsa.text import did_you_mean

__all__ = ["Lines", "Positive", "Section", "by_plain", "checked", "load", "one_of", "read_yaml", "with_overrides"]

Positive = Annotated[int, Field(ge=1)]
Lines = Mapping[str, int]
"""The line of every dotted key."""
ConfigT = TypeVar("ConfigT", bound=BaseModel)
_PLAIN_KEYS: Mapping[str, str] = MappingProxyType({"serve": "engine"})  # of a section for which a text may stand; else name


class Section(BaseModel):
    """A checked, immutable part of a configuration that takes no unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


def one_of(what: str, known: Mapping[str, Any]) -> AfterValidator:
    """Takes only names that are known."""

    def checked(name: str) -> str:
        if name not in known:
            raise ValueError(f"there is no {what} {name!r}{did_you_mean(name, known)}")
        return name

    return AfterValidator(checked)


def by_plain(key: str, section: Any) -> BeforeValidator:
    """Lets a plain text stand for a section of which it is the one key."""
    return BeforeValidator(
        lambda value: {key: value} if isinstance(value, str) else value, json_schema_input_type=section | str
    )


def load(
    path: Path | None,
    overrides: Mapping[str, Any],
    model: type[ConfigT],
    example: str,
    remedies: Mapping[str, str] = MappingProxyType({}),
) -> ConfigT:
    """The configuration of a file (or none) with dotted keys from the command line put over it.

    `example` is a line that such a file may hold, and `remedies` say by key what to do where it is missing. Raises
    `UsageError` that lists every mistake at once.
    """
    content, lines = read_yaml(path, example) if path else ({}, {})
    origins = {key: f"{path}, line {line}" for key, line in lines.items()}
    origins.update(dict.fromkeys(overrides, "command line"))
    return checked(with_overrides(content, overrides), origins, str(path or "command line"), model, remedies)


def with_overrides(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with values put over it by dotted key."""
    changed = dict(content)
    for key, value in overrides.items():
        _put(changed, key, value)
    return changed


def read_yaml(path: Path, example: str) -> tuple[dict[str, Any], Lines]:
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
        raise UsageError(f"{path} must hold keys and values, such as {example!r}")
    lines: dict[str, int] = {}
    for key, line in keys:
        if key in lines:
            raise UsageError(f"{path}, line {line}: {key} is given twice (first in line {lines[key]})")
        lines[key] = line
    return content, lines


def _walk(node: yaml.Node, prefix: str) -> Iterator[tuple[str, int]]:
    """The keys inside a node, also in lists, whose items are numbered."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _walk(item, f"{prefix}{number}.")
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            yield name, key.start_mark.line + 1
            yield from _walk(value, f"{name}.")


def _put(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for name in sections:
        inner = content.get(name)
        if isinstance(inner, str):  # `task: aime25` in the file, `--limit` beside it
            inner = {_PLAIN_KEYS.get(name, "name"): inner}
        content[name] = inner = dict(inner) if isinstance(inner, Mapping) else {}
        content = inner
    content[last] = value


def checked(
    content: Mapping[str, Any],
    origins: Mapping[str, str],
    source: str,
    model: type[ConfigT],
    remedies: Mapping[str, str] = MappingProxyType({}),
) -> ConfigT:
    """The checked configuration. `origins` says where each dotted key was given, `source` where all the rest was."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        messages = [_message(details, origins, source, model, remedies) for details in error.errors()]
    raise UsageError("\n".join(messages))


def _message(
    error: Any, origins: Mapping[str, str], source: str, config: type[BaseModel], remedies: Mapping[str, str]
) -> str:
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    prefixes = (".".join(location[:length]) for length in range(len(location), 0, -1))
    inside = (name for name in origins if name.startswith(f"{key}."))  # of a section that only --set names
    where = next((origins[name] for name in (*prefixes, *inside) if name in origins), source)
    if error["type"] == "extra_forbidden":
        valid = _fields(config, location[:-1])
        return f"{where}: unknown key {key!r}{did_you_mean(location[-1], valid)}"
    if error["type"] == "missing":
        return f"{where}: {key} is missing{f': {remedies[key]}' if key in remedies else ''}"
    message = str(error["msg"]).removeprefix("Value error, ")
    given = "" if isinstance(error["input"], Mapping | BaseModel) else f" (given: {error['input']!r})"
    return f"{where}: {key}: {message}{given}" if key else f"{where}: {message}"


def _fields(config: type[BaseModel], sections: Sequence[str]) -> list[str]:
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
