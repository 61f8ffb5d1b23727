"""Runs llama.cpp's OpenAI-compatible server in this process until it is ended.

usage: python -m rsa.serving.llamacpp_server SETTINGS, a JSON object with weights, name, port, threads, parallel, context
"""

import json
import signal
import sys
from pathlib import Path


def main(settings: str) -> None:
    """Serve on loopback. Sampling defaults are neutral, so that what a request does not say changes nothing."""
    import xllamacpp  # noqa: PLC0415

    wanted = json.loads(settings)
    params = xllamacpp.CommonParams()
    params.model.path = fetched(wanted["weights"])
    params.model_alias = {wanted["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = wanted["port"]
    params.n_parallel = wanted["parallel"]
    params.n_ctx = wanted["context"] * wanted["parallel"]
    params.cpuparams.n_threads = wanted["threads"]
    params.sampling.top_k = 0
    params.sampling.min_p = 0.0
    params.sampling.top_p = 1.0
    params.sampling.temp = 1.0
    _server = xllamacpp.Server(params)
    signal.pause()


def fetched(model: str) -> str:
    """The path of the weights; those of a hub repository are downloaded: the named file, else the 4-bit or the only one."""
    if Path(model).is_file():
        return model
    from huggingface_hub import HfApi, hf_hub_download  # noqa: PLC0415

    repository, _, wanted = model.partition(":")
    if not wanted:
        files = [name for name in HfApi().list_repo_files(repository) if name.endswith(".gguf")]
        wanted = pick_weights(repository, files)
    return str(hf_hub_download(repository, wanted))


def pick_weights(repository: str, files: list[str]) -> str:
    """The 4-bit file among the GGUF files of a repository, or the only one. Exits with a message if that is not clear."""
    likely = [name for name in files if "q4_k_m" in name.lower()] or files
    if len(likely) != 1:
        found = ", ".join(files) or "none"
        sys.exit(f"{repository} has several or no GGUF files to choose from ({found}): name one as {repository}:FILE")
    return likely[0]


if __name__ == "__main__":
    main(sys.argv[1])
