"""What Prometheus is told: one registry a server, no globals."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rsa.chain import Usage
from rsa.gateway.runs import Run

__all__ = ["Meters"]

_BUCKETS = (0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800)


class Meters:
    """The numbers of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "rsa_requests", "Chat requests by what was done and how they ended.", ["plan", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "rsa_request_seconds", "Seconds from a request to its end.", ["plan"], buckets=_BUCKETS, registry=self.registry
        )
        self.tokens = Counter("rsa_tokens", "Tokens as the model server counted them.", ["kind"], registry=self.registry)
        self.chains = Counter("rsa_chains", "Chains by how they ended.", ["status"], registry=self.registry)
        self.calls = Counter("rsa_upstream_calls", "Calls to the model server for chains.", registry=self.registry)

    def gauge(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Have a number read whenever Prometheus asks."""
        Gauge(name, what, registry=self.registry).set_function(value)

    def run(self, run: Run) -> None:
        """Count what a run took, however it ended."""
        for chain in run.chains:
            self.chains.labels(chain.status.value).inc()
            self.calls.inc(chain.attempts)
            self.used(chain.usage)

    def used(self, usage: Usage) -> None:
        """Count tokens."""
        for kind in ("prompt", "cached", "completion"):
            self.tokens.labels(kind).inc(getattr(usage, kind) or 0)

    def page(self) -> bytes:
        """The page at `/metrics`."""
        return generate_latest(self.registry)
