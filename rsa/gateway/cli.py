"""The command `rsa-serve`."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

from rsa.errors import RSAError, UsageError

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "base_url": "upstream.base_url",
        "model": "upstream.model",
        "api_key_env": "upstream.api_key_env",
        "serve": "serve.engine",
        "strategy": "defaults.strategy",
        "n": "defaults.n",
        "k": "defaults.k",
        "steps": "defaults.steps",
        "max_tokens": "defaults.max_tokens",
        "unsupported": "unsupported",
        "keys_env": "keys.env",
        "keys_file": "keys.file",
        "host": "host",
        "port": "port",
    }
)


def main() -> None:
    """The entry point."""
    app(prog_name="rsa-serve")


@app.command()
def serve_requests(
    config: Annotated[Path | None, typer.Option(help="A YAML file; flags override it.")] = None,
    base_url: Annotated[str | None, typer.Option(help="URL of the model server, with /v1.")] = None,
    model: Annotated[str | None, typer.Option(help="Its model; with --serve a folder, file or hub id.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Environment variable with the key for the model server.")] = None,
    serve: Annotated[str | None, typer.Option(help="Start a model server: vllm or llamacpp.")] = None,
    strategy: Annotated[str | None, typer.Option(help="For requests that name none: rsa, majority, ...")] = None,
    n: Annotated[int | None, typer.Option(help="Population size N.")] = None,
    k: Annotated[int | None, typer.Option(help="Candidates a chain reads, K.")] = None,
    steps: Annotated[int | None, typer.Option(help="Populations T.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="New tokens a chain.")] = None,
    unsupported: Annotated[str | None, typer.Option(help="Tools and images: pass (without RSA) or refuse.")] = None,
    keys_env: Annotated[str | None, typer.Option(help="Environment variable with the keys that clients must have.")] = None,
    keys_file: Annotated[str | None, typer.Option(help="File with those keys, one a line.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; by default this machine alone.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, by default 8100; 0 for any free one.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of config files and end.")] = False,
) -> None:
    """Serve OpenAI's chat API with Recursive Self-Aggregation, in front of an OpenAI-compatible server."""
    given = dict(locals())
    options = {key: given[name] for name, key in _FLAGS.items() if given[name] is not None}
    try:
        _run(config, options, schema=schema)
    except RSAError as error:
        typer.echo(f"rsa-serve: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(1) from error


def _run(path: Path | None, options: Mapping[str, object], *, schema: bool) -> None:
    from rsa.gateway.config import GatewayConfig, load_config  # noqa: PLC0415 - nothing heavy before it is needed

    if schema:
        import json  # noqa: PLC0415

        typer.echo(json.dumps(GatewayConfig.model_json_schema(), indent=2))
        return
    config = load_config(path, options)
    logging.basicConfig(format="rsa-serve: %(message)s")
    try:
        from rsa.gateway.server import listen  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "prometheus_client"):
            raise
        message = f"{error.name} is not installed: pip install 'recursive-self-aggregation[serve]'"
        raise UsageError(message) from error
    asyncio.run(listen(config, lambda text: typer.echo(f"rsa-serve: {text}", err=True)))


if __name__ == "__main__":
    main()
