"""A run whose problems differ in what becomes of them, and ways to read the viewer's page."""

from rsa.chain import Status

__all__ = ["IDS", "PROBLEMS", "RSA", "chain", "focused", "head", "improving", "opened", "options"]

IDS = ["first/with slash & <b>", "second", "third"]
PROBLEMS = [{"id": name, "question": f"What is $x^2$ for {name}?", "answer": "4"} for name in IDS]
RSA = {"name": "rsa", "n": 6, "k": 2, "steps": 3}


def improving(problem, planned):
    """The first problem goes from wrong to right, the second from right to wrong, the third is never right."""
    step, slot = planned.place
    if problem == IDS[0] and planned.place == (2, 5):
        return {"status": Status.DEAD, "error": "the server said <no>", "finish_reason": "error"}
    right = {IDS[0]: slot < 2 * step - 1, IDS[1]: slot > step, IDS[2]: False}[problem]
    cut = {"status": Status.TRUNCATED, "finish_reason": "length"} if problem == IDS[2] and planned.place == (1, 0) else {}
    thinking = "<think>Hm, *well*.</think>" if slot % 2 else ""
    text = (
        f"{thinking}**Chain** {step}/{slot} of {problem}: $\\frac{{1}}{{2}}$, so \\boxed{{{4 if right else 7 + slot % 2}}}"
    )
    return {"text": text, **cut, **({"reasoning": "kept apart"} if slot == 2 else {})}


def options(page):
    return page.locator("[role=option] .viewer-id").all_inner_texts()


def head(page):
    return page.locator(".viewer-head").inner_text()


def chain(page, step, slot):
    return page.locator(f".chain-graph [data-key='{step}/{slot}']")


def opened(page, problem):
    page.locator(".viewer-title", has_text=problem).wait_for()


def focused(page):
    return page.evaluate("document.activeElement.getAttribute('aria-label')")
