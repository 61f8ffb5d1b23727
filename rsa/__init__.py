"""Test-time scaling with Recursive Self-Aggregation (arXiv 2509.26626) on any OpenAI-compatible endpoint.

import rsa
llm = rsa.Endpoint("http://localhost:8000/v1", model="Qwen/Qwen3-4B-Instruct-2507")
result = rsa.run("How many ...?", llm, rsa.RSA(n=16, k=4, steps=10), seed=0)
print(result.answer)
"""

from rsa.budget import Budget, Prices
from rsa.chain import Chain, Status, Usage
from rsa.endpoint import Endpoint, Rate, Sampling
from rsa.errors import (
    BudgetSpent,
    CallAbandoned,
    CallFailed,
    ContextOverflow,
    EndpointRefused,
    EndpointUnreachable,
    Incomplete,
    RSAError,
    RunFailed,
    ServerFailed,
    UsageError,
)
from rsa.library import Result, aaggregate, aggregate, arun, run
from rsa.plan import Plan, PlannedChain, Role
from rsa.strategies import RSA, Majority, Rejection, Sample, SelfAggregation, SelfRefine, Strategy

__all__ = [
    "RSA",
    "Budget",
    "BudgetSpent",
    "CallAbandoned",
    "CallFailed",
    "Chain",
    "ContextOverflow",
    "Endpoint",
    "EndpointRefused",
    "EndpointUnreachable",
    "Incomplete",
    "Majority",
    "Plan",
    "PlannedChain",
    "Prices",
    "RSAError",
    "Rate",
    "Rejection",
    "Result",
    "Role",
    "RunFailed",
    "Sample",
    "Sampling",
    "SelfAggregation",
    "SelfRefine",
    "ServerFailed",
    "Status",
    "Strategy",
    "Usage",
    "UsageError",
    "aaggregate",
    "aggregate",
    "arun",
    "run",
]
