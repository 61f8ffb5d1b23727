"""Runs llama.cpp's OpenAI-compatible server in this process until it is ended.

usage: python -m rsa.serving.llamacpp_server SETTINGS, a JSON object with weights, name, port, threads, parallel, context
"""

import json
import signal
import sys


def main(settings: str) -> None:
    """Serve on loopback. Sampling defaults are neutral, so that what a request does not say changes nothing."""
    import xllamacpp  # noqa: PLC0415

    wanted = json.loads(settings)
    params = xllamacpp.CommonParams()
    params.model.path = wanted["weights"]
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


if __name__ == "__main__":
    main(sys.argv[1])
