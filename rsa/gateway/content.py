"""What of a request can be aggregated: texts. Everything else is told apart here, so that nothing is dropped silently."""

from collections.abc import Mapping, Sequence
from typing import Any

from rsa.gateway.problems import ApiError
from rsa.gateway.wire import ChatRequest

__all__ = ["asks_for_more", "conversation", "foreign_fields", "unknown_fields"]

_SAMPLING = frozenset(
    {"frequency_penalty", "presence_penalty", "logit_bias", "top_k", "min_p", "repetition_penalty", "reasoning_effort"}
)
"""Fields that change how each chain is sampled, and nothing else."""
_ACCOUNTING = frozenset({"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "verbosity"})
_NEUTRAL: Mapping[str, Any] = {
    "logprobs": False,
    "modalities": ["text"],
    "tools": [],
    "functions": [],
    "tool_choice": "none",
}
_SHAPING = frozenset(
    {
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "logprobs",
        "top_logprobs",
        "modalities",
        "audio",
        "prediction",
        "web_search_options",
    }
)
"""Fields that make replies of another shape than a text."""
_ROLES = frozenset({"system", "developer", "user", "assistant"})
_TOOL_KEYS = ("tool_calls", "function_call", "tool_call_id", "audio")


def foreign_fields(request: ChatRequest) -> dict[str, Any]:
    """The fields that every call of a chain has besides those that are understood."""
    return {name: value for name, value in request.others.items() if name not in _SHAPING}


def asks_for_more(request: ChatRequest) -> tuple[str, str] | None:
    """The first place that asks for more than texts, and why that cannot be aggregated; None if there is none."""
    for name, value in request.others.items():
        if name in _SHAPING and value != _NEUTRAL.get(name, ...):
            return name, f"{name} cannot be aggregated"
    for number, message in enumerate(request.messages):
        place = f"messages.{number}"
        if message.get("role") in ("tool", "function") or any(message.get(key) for key in _TOOL_KEYS):
            return place, f"{place}: tool calls cannot be aggregated"
        content = message.get("content")
        if isinstance(content, list) and any(_part_type(part) != "text" for part in content):
            return f"{place}.content", f"{place}.content: images and other parts than text cannot be aggregated"
    return None


def unknown_fields(request: ChatRequest) -> list[str]:
    """The fields of which it is not known what they do."""
    return sorted(set(request.others) - _SHAPING - _SAMPLING - _ACCOUNTING)


def _part_type(part: Any) -> Any:
    return part.get("type") if isinstance(part, Mapping) else None


def conversation(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages with texts as contents. Raises an `ApiError` if they do not end with the user's turn."""
    turns = [_turn(number, message) for number, message in enumerate(messages)]
    if not any(turn["role"] == "user" for turn in turns):
        raise ApiError(400, "messages has no turn of the user: add the question", "no_user_turn", param="messages")
    last = turns[-1]
    if last["role"] != "user":
        message = f"the last message is of the {last['role']}: it must be the user's, for that is the question"
        raise ApiError(400, message, "no_user_turn", param=f"messages.{len(turns) - 1}.role")
    if not last["content"].strip():
        place = f"messages.{len(turns) - 1}.content"
        raise ApiError(400, f"{place} is empty: ask something", "empty_messages", param=place)
    return turns


def _turn(number: int, message: Mapping[str, Any]) -> dict[str, Any]:
    place, role, content = f"messages.{number}", message.get("role"), message.get("content")
    if not isinstance(role, str) or role not in _ROLES:
        told = f"{place}.role must be system, developer, user or assistant (given: {role!r:.100})"
        raise ApiError(400, told, "invalid_value", param=f"{place}.role")
    if isinstance(content, list):
        texts = [part.get("text") for part in content]
        content = "\n".join(texts) if all(isinstance(text, str) for text in texts) else None
    if not isinstance(content, str):
        raise ApiError(400, f"{place}.content must be a text", "invalid_value", param=f"{place}.content")
    return {**{key: value for key, value in message.items() if value is not None}, "content": content}
