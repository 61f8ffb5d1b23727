"""Assert tests, the candidate's half: runs the program, then answers calls of its functions until nobody asks any more."""

from collections.abc import Mapping
from typing import Any

from . import program, rpc
from .descriptors import ANSWERED, ASKED
from .encoding import decode, encode

__all__ = ["run"]


def run(source: bytes, tests: bytes, spaces: program.Globals) -> None:
    """Run the program and serve. An object that is not plain data stays here; the tester gets its number."""
    del tests  # they are the other half's
    program.open_streams()
    space = spaces.fresh("solution")
    try:
        exec(compile(source, program.FILE, "exec", dont_inherit=True), space)  # noqa: S102  (this is what the sandbox is for)
    except BaseException as failure:  # noqa: BLE001  (whatever a program raises is its own)
        rpc.send(ANSWERED, {"error": program.described(failure, source)})
        return
    own = [name for name, value in space.items() if isinstance(name, str) and spaces.names.get(name) is not value]
    rpc.send(ANSWERED, {"names": own})
    _Service(space, source).run()


class _Service:
    def __init__(self, space: dict[str, Any], source: bytes) -> None:
        self._space = space
        self._source = source
        self._objects: list[Any] = []

    def run(self) -> None:
        while True:
            try:
                question = rpc.receive(ASKED)
            except EOFError:
                return
            try:
                answer = {"value": encode(self._value(question), self._keep)}
            except BaseException as failure:  # noqa: BLE001  (whatever a program raises is its own)
                answer = {"error": program.described(failure, self._source), "type": type(failure).__name__}
            try:
                rpc.send(ANSWERED, answer)
            except ValueError as too_long:
                rpc.send(ANSWERED, {"error": ["other", str(too_long)]})

    def _value(self, question: Mapping[str, Any]) -> Any:
        target = self._space[question["name"]] if "name" in question else self._objects[question["object"]]
        if "attribute" in question:
            return getattr(target, question["attribute"])
        arguments = [decode(argument, self._kept) for argument in question["arguments"]]
        keywords = {name: decode(argument, self._kept) for name, argument in question["keywords"].items()}
        return target(*arguments, **keywords)

    def _keep(self, value: Any) -> Any:
        self._objects.append(value)
        return {"h": len(self._objects) - 1}

    def _kept(self, number: int) -> Any:
        return self._objects[number]
