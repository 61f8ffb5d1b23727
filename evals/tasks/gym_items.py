"""Makes Reasoning Gym items: a request as JSON on stdin, the items as one line of JSON on stdout.

`python -m evals.tasks.gym_items` is started by `evals.tasks.gym` only.
"""

import json
import sys
from typing import Any

__all__: list[str] = []


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from reasoning_gym.factory import DATASETS, create_dataset  # noqa: PLC0415 - takes seconds to import

    categories: dict[str, list[str]] = {}
    for name, (dataset, _) in DATASETS.items():
        if name != "composite":  # it is made of others
            categories.setdefault(dataset.__module__.split(".")[1], []).append(name)
    datasets = [name for names in categories.values() for name in names]
    chosen: list[str] = []
    for name in request["names"]:
        if name not in categories and name not in datasets:
            return {"unknown": name, "valid": [*categories, *datasets]}
        # a name that is both, such as `arc`, would stand for the data set
        chosen += [each for each in ([name] if name in datasets else sorted(categories[name])) if each not in chosen]
    strangers = set(request["parameters"]) - set(chosen)
    if strangers:
        return {"refused": f"{min(strangers)} is not among the data sets {', '.join(chosen)}"}
    items = []
    for number, name in enumerate(chosen):
        size = (request["size"] + len(chosen) - 1 - number) // len(chosen)
        try:
            data = (
                create_dataset(name, size=size, seed=request["seed"], **request["parameters"].get(name, {})) if size else []
            )
        except (TypeError, AssertionError, ValueError) as error:
            return {"refused": f"{name}: {error}"}
        items += [{"dataset": name, "index": index, "entry": data[index]} for index in range(size)]
    return {"items": items}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_answer(json.load(sys.stdin))) + "\n")
