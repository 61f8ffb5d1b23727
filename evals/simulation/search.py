"""The smallest number of replicas that is done in time."""

from collections.abc import Callable
from math import ceil

__all__ = ["smallest"]


def smallest(seconds: Callable[[int], float], within: float, most: int) -> int | None:
    """The smallest number, up to `most`, that takes at most `within` seconds; None if there is none.

    `seconds` is asked for as few numbers as may be, and should not grow with them. The first guess is that twice as many
    take half as long.
    """
    failed, enough, guess = 0, None, 1
    while enough is None or enough - failed > 1:
        took = seconds(guess)
        if took <= within:
            enough = guess
        elif guess == most:
            return None
        else:
            failed = guess
        proportional = ceil(guess * took / within)
        guess = min(most, max(failed + 1, min(proportional, (enough or most + 1) - 1)))
    return enough
