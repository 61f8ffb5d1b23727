"""Test-time scaling with Recursive Self-Aggregation (arXiv 2509.26626) on any OpenAI-compatible endpoint,
or any model that an async function calls.

import rsa
llm = rsa.Endpoint("http://localhost:8000/v1", model="Qwen/Qwen3-4B-Instruct-2507")
result = rsa.run("How many ...?", llm, rsa.RSA(n=16, k=4, steps=10), seed=0)
print(result.answer)
"""

from rsa.budget import Budget, Prices
from rsa.chain import Chain, Status, Usage
from rsa.endpoint import (
    Adapter,
    CallableEndpoint,
    Completion,
    Endpoint,
    Message,
    Messages,
    Rate,
    Sampling,
)
from rsa.equivalence import Equivalence
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
    TryAgain,
    UsageError,
)
from rsa.inquiry import Outcome
from rsa.kinds import Kind
from rsa.library import Options, aaggregate, aggregate, arun, run
from rsa.plan import Plan, PlannedChain, Role
from rsa.result import Result
from rsa.session import LLM
from rsa.strategies import RSA, Majority, Rejection, Sample, SelfAggregation, SelfRefine, Strategy

__all__ = [
    "LLM",
    "RSA",
    "Adapter",
    "Budget",
    "BudgetSpent",
    "CallAbandoned",
    "CallFailed",
    "CallableEndpoint",
    "Chain",
    "Completion",
    "ContextOverflow",
    "Endpoint",
    "EndpointRefused",
    "EndpointUnreachable",
    "Equivalence",
    "Incomplete",
    "Kind",
    "Majority",
    "Message",
    "Messages",
    "Options",
    "Outcome",
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
    "TryAgain",
    "Usage",
    "UsageError",
    "aaggregate",
    "aggregate",
    "arun",
    "run",
]
