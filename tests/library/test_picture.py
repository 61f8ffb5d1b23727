import re
from xml.etree import ElementTree

import rsa
from tests.fake_server import FakeServer, Trouble

HOSTILE = '<script>alert("1")</script>&'


def result(reply=None, trouble=None, **options) -> rsa.Result:
    with FakeServer() as server:
        server.reply = reply or server.reply
        server.trouble = trouble or server.trouble
        llm = rsa.Endpoint(server.url, retries=0, max_concurrency=1)
        return rsa.run("Q?", llm, rsa.RSA(3, 2, 2), **{"need": "population", **options})


def drawing(found: rsa.Result) -> ElementTree.Element:
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", found._repr_html_(), re.DOTALL)[0])


def test_a_result_prints_as_one_line_with_its_agreement():
    answers = iter(["1", "1", "2", "7", "$7$", "8"])
    found = result(lambda body: f"\\boxed{{{next(answers)}}}")
    assert found.votes == {"7": 2, "8": 1}
    agreeing = {"7": 2, "$7$": 2, "8": 1}[found.answer]
    assert str(found) == f"answer {found.answer}, {agreeing} of 3 agree; 6 chains, {found.usage.completion} new tokens"
    assert "answer" not in str(result(lambda body: "I do not know.")).replace("no answer", "")


def test_the_graph_has_every_chain_and_every_reading():
    found = result()
    nodes = [node for node in drawing(found).iter() if node.tag.endswith("title")]
    edges = [node for node in drawing(found).iter() if node.tag.endswith("path")]
    assert (len(nodes), len(edges)) == (6, sum(len(chain.parents) for chain in found.chains))
    assert {title.text.partition(":")[0] for title in nodes} == {f"step {s} slot {n}" for s in (1, 2) for n in range(3)}


def test_the_dead_are_told_apart():
    unlucky = rsa.RSA(3, 2, 2).plan(0, "Q?").key(1, 1, "generate").request_seed()
    found = result(trouble=lambda body: Trouble(500) if body["seed"] == unlucky else None)
    titles = [node.text for node in drawing(found).iter() if node.tag.endswith("title")]
    assert "step 1 slot 1: dead" in titles


def test_what_a_model_says_is_no_markup():
    page = result(lambda body: f"\\boxed{{{HOSTILE}}}", kind="general")._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_answer_alone_shows_what_it_descends_from():
    found = result(need="answer")
    assert len([node for node in drawing(found).iter() if node.tag.endswith("title")]) == len(found.chains)
