"""The examples of docs/inspect.md, run one after the other."""

import re
from pathlib import Path

from rsa.inspect_solvers.options import Options
from tests.inspect.evals import QUIET, Mock, evaluated, only_sample, record_of, said

pytestmark = QUIET
PAGE = Path(__file__).parents[2] / "docs" / "inspect.md"


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    chain, reading = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    names = {}
    exec(chain, names)
    mock = Mock(lambda messages, config: said("ANSWER: 3"))
    done = only_sample(evaluated(tmp_path / "logs", names["solver"], model=mock.model()))
    assert mock.prompts[0].startswith("How many?\n\nEnd with")
    assert record_of(done)["strategy"] == "rsa(n=8,k=4,steps=10)"
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    exec(reading, names)
    assert capsys.readouterr().out.startswith("rsa(n=8,k=4,steps=10) 3 {'3': 1} ")


def test_every_option_is_in_the_table():
    told = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert set(Options.__annotations__) <= set(told)
