"""What is used of inspect_ai beyond its documented names, in one place. pyproject.toml says for which versions."""

from inspect_ai._util.error import PrerequisiteError
from inspect_ai._util.registry import registry_name
from inspect_ai.model._generate_config import active_generate_config
from inspect_ai.model._model import ModelGenerateError

__all__ = ["ModelGenerateError", "PrerequisiteError", "active_generate_config", "registry_name"]
