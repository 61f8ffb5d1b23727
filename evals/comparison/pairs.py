"""Whether two strategies differ on the same problems.

A problem is one observation, whatever number of repeats and chains it has. The interval is a paired bootstrap over problems
whose percentiles are widened to what Student's t asks of so few of them (Hesterberg 2015, "expanded percentile"); the
p-value is that of a sign-flip permutation test, exact where all flips can be counted.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["difference", "holm"]

_RESAMPLES = 4999
_NOTHING = 1e-12
_DIGITS = 6


def difference(ours: Mapping[str, float], theirs: Mapping[str, float]) -> tuple[dict[str, Any], float | None]:
    """The mean difference over the problems that both have, as an estimate, and its two-sided p-value.

    Both give each problem's accuracy. The interval and the p-value are None for fewer than two problems.
    """
    import numpy as np  # noqa: PLC0415 - with SciPy, a quarter of a second that most commands never need

    names = sorted(set(ours) & set(theirs))
    differences = np.array([ours[name] - theirs[name] for name in names])
    if not names:
        return {"mean": None, "se": None, "ci95": None}, None
    mean = round(float(differences.mean()), _DIGITS)
    if len(names) == 1:
        return {"mean": mean, "se": None, "ci95": None}, None
    error = round(float(differences.std(ddof=1)) / math.sqrt(len(names)), _DIGITS)
    same = np.ptp(differences) < _NOTHING  # for every problem: there is nothing to resample
    return {"mean": mean, "se": error, "ci95": [mean, mean] if same else _interval(differences)}, _p_value(differences)


def _interval(differences: Any) -> list[float]:
    import numpy as np  # noqa: PLC0415
    from scipy.special import ndtr, stdtrit  # noqa: PLC0415
    from scipy.stats import bootstrap  # noqa: PLC0415

    n = len(differences)
    tail = float(ndtr(-math.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.975)))
    found = bootstrap(
        (differences,),
        np.mean,
        n_resamples=_RESAMPLES,
        confidence_level=1 - 2 * tail,
        method="percentile",
        rng=_generator(differences, "bootstrap"),
    )
    return [round(float(bound), _DIGITS) for bound in found.confidence_interval]


def _p_value(differences: Any) -> float:
    import numpy as np  # noqa: PLC0415
    from scipy.stats import permutation_test  # noqa: PLC0415

    moved = differences[np.abs(differences) > _NOTHING]  # the sign of nothing cannot be flipped
    if len(moved) < 2:
        return 1.0
    found = permutation_test(
        (moved,),
        lambda values, axis: np.abs(values.mean(axis=axis)),
        permutation_type="samples",
        n_resamples=_RESAMPLES,
        alternative="greater",
        vectorized=True,
        rng=_generator(differences, "permutation"),
    )
    return round(float(found.pvalue), _DIGITS)


def _generator(differences: Any, purpose: str) -> Any:
    """The same data give the same numbers."""
    import numpy as np  # noqa: PLC0415

    digest = hashlib.blake2b(np.round(differences, 9).tobytes() + purpose.encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction for several tests; None stays None and does not count as a test."""
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        corrected[index] = round(largest, _DIGITS)
    return corrected
