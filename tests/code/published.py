"""Rows and files in the layout that LiveCodeBench publishes, with problems of our own."""

import base64
import json
import pickle
import zlib
from pathlib import Path


def packed(tests) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


def stdin_tests(*pairs):
    return [{"input": given, "output": wanted, "testtype": "stdin"} for given, wanted in pairs]


def stdin_row(name: str, day: str = "2025-01-04", public=None, private=None, **changes):
    """A problem whose program doubles a number. Tests that are given as text are put in as they are."""
    public = stdin_tests(("2\n", "4\n")) if public is None else public
    private = stdin_tests(("0\n", "0\n"), ("-5\n", "-10\n")) if private is None else private
    return {
        "question_title": f"Double {name}",
        "question_content": "Read n and print 2n.\n\nSample Input\n2\nSample Output\n4",
        "platform": "atcoder",
        "question_id": name,
        "contest_id": name.partition("_")[0],
        "contest_date": f"{day}T00:00:00",
        "starter_code": "",
        "difficulty": "easy",
        "public_test_cases": public if isinstance(public, str) else json.dumps(public),
        "private_test_cases": private if isinstance(private, str) else packed(private),
        "metadata": "{}",
        **changes,
    }


def functional_row(name: str, day: str = "2025-01-04", **changes):
    """A problem whose method adds two lists up and says whether the sums are equal."""
    public = [{"input": "[1, 2]\n[3]", "output": "true", "testtype": "functional"}]
    private = [{"input": '[]\n[1e3, "x"]', "output": '{"a": [null, 1.5]}', "testtype": "functional"}]
    row = {
        "question_title": "equal-sums",
        "question_content": "Are the sums equal?",
        "platform": "leetcode",
        "starter_code": "class Solution:\n    def equalSums(self, a: List[int], b: List[int]) -> bool:\n        ",
        "difficulty": "medium",
        "metadata": '{"func_name": "equalSums"}',
    }
    return stdin_row(name, day, public, private, **{**row, **changes})


def written(path: Path, rows) -> Path:
    path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    return path
