"""What an answer does besides returning: nothing of it may reach the notebook."""

import logging
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from normlib.check.running.observing import Unusable, observe


def call(implementation, inputs):
    return {"y": np.asarray(implementation(*inputs.values()))}


def observed(implementation, **inputs):
    return observe(call, implementation, inputs or {"x": np.arange(3.0)})


def test_outputs_come_back():
    seen = observed(lambda x: x + 1)
    np.testing.assert_array_equal(seen.outputs["y"], [1, 2, 3])
    assert not (seen.problem or seen.changed or seen.warned or seen.printed)


def test_an_unwritten_function_is_told_from_one_that_raises():
    def stub(x):
        raise NotImplementedError()

    seen = observed(stub)
    assert seen.unwritten and seen.outputs is None


def test_an_exception_is_described_by_its_last_line_in_the_answer():
    def answer(x):
        return np.linalg.inv(x)

    seen = observed(answer)
    assert seen.problem.startswith("raised LinAlgError: ")
    assert seen.problem.endswith("in the line `return np.linalg.inv(x)`")
    assert "Traceback" not in seen.problem and "\n" not in seen.problem


def test_leaving_the_program_is_a_problem_of_the_answer_only():
    assert observed(lambda x: sys.exit("bye")).problem.startswith("raised SystemExit")


def test_a_name_that_is_missing_is_data():
    seen = observed(lambda x: mean_of(x))  # noqa: F821
    assert (seen.kind, seen.lacking) == ("NameError", "mean_of")

    def answer(x):
        raise ValueError("name 'mean_of' is not defined")

    assert observed(answer).lacking == ""

    assert observed(lambda x: x).lacking == ""


def test_no_exception_gets_out():
    class Own(BaseException):
        pass

    def answer(x):
        raise Own("of my own")

    for raised in (answer, lambda x: exit(3), lambda x: (_ for _ in ()).throw(Own)):
        assert observed(raised).problem.startswith("raised ")
    assert observed(answer).kind == "Own"


def test_a_stream_that_an_answer_closes_is_open_again(capfd):
    def answer(x):
        print("heard")
        sys.stdout.close()
        os.close(1)
        os.close(2)
        return x + 1

    seen = observed(answer)
    np.testing.assert_array_equal(seen.outputs["y"], [1, 2, 3])
    assert seen.printed == "heard\n"
    os.write(1, b"one ")
    os.write(2, b"two ")
    assert capfd.readouterr() == ("one ", "two ")


def test_an_interrupt_gets_out():
    def endless(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        observed(endless)


def test_an_unusable_result_says_why():
    def run(implementation, inputs):
        raise Unusable("y should be an array")

    assert observe(run, None, {}).problem == "y should be an array"


def test_what_was_raised_comes_as_data_beside_the_sentence():
    def answer(x):
        raise ValueError("no, in the line `x`\nand more")

    seen = observed(answer)
    assert (seen.kind, seen.said) == ("ValueError", "no, in the line `x`")
    assert seen.outputs is None and seen.fails_like(seen)
    assert not seen.fails_like(observed(lambda x: x / "a"))
    right = observed(lambda x: x)
    assert (right.kind, right.problem) == ("", None) and not right.fails_like(right)


@pytest.mark.parametrize("text", ["", "\n", ", in the line `"])
def test_no_message_makes_a_problem_look_like_none(text):
    def answer(x):
        raise Unusable(text)

    seen = observed(answer)
    assert seen.outputs is None and seen.problem and seen.kind == "Unusable"


def test_writing_into_an_input_is_seen_and_does_not_reach_the_caller():
    def answer(x, gamma):
        x -= x.mean()
        return x * gamma

    inputs = {"x": np.array([1.0, 3.0]), "gamma": np.array([2.0, 2.0])}
    seen = observe(call, answer, inputs)
    assert seen.changed == ("x",)
    np.testing.assert_array_equal(inputs["x"], [1, 3])


def test_nan_in_an_input_is_not_mistaken_for_a_change():
    assert observed(lambda x: x, x=np.array([np.nan, 1.0])).changed == ()


def test_warnings_are_recorded_once_and_never_shown():
    def answer(x):
        warnings.warn("careful", stacklevel=1)
        warnings.warn("careful", stacklevel=1)
        return x / 0.0

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        seen = observed(answer)
    assert shown == []
    assert seen.warned[0] == "careful"
    assert any("divide by zero" in message for message in seen.warned[1:])


def test_prints_and_stderr_are_kept_from_the_notebook(capfd):
    handler = logging.StreamHandler()  # holds today's sys.stderr
    logger = logging.getLogger("learner")
    logger.addHandler(handler)

    def answer(x):
        print("shape", x.shape)
        print("to stderr", file=sys.stderr)
        logger.error("logged")
        os.write(2, b"from a library\n")
        subprocess.run([sys.executable, "-c", "raise SystemExit('child')"], check=False)
        return x

    try:
        seen = observed(answer)
    finally:
        logger.removeHandler(handler)
    assert "shape (3,)" in seen.printed
    assert seen.outputs is not None
    assert capfd.readouterr() == ("", "")


def test_stderr_works_again_afterwards(capfd):
    before = dict(vars(sys.stderr))
    observed(lambda x: x)
    assert vars(sys.stderr) == before
    os.write(2, b"after\n")
    print("after too", file=sys.stderr)
    assert capfd.readouterr().err == "after\nafter too\n"


class Stream:
    """A stream that is no terminal, as the one of a notebook's kernel."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_a_logger_that_holds_the_notebooks_stream_is_caught_too(monkeypatch):
    stream = Stream()
    monkeypatch.setattr(sys, "stderr", stream)
    handler = logging.StreamHandler()
    logger = logging.getLogger("learner")
    logger.addHandler(handler)
    try:
        seen = observed(lambda x: logger.error("logged") or x)
        assert (stream.text, seen.printed) == ("", "logged\n")
        logger.error("afterwards")
    finally:
        logger.removeHandler(handler)
    assert stream.text == "afterwards\n"


def test_a_stream_whose_write_was_replaced_before_keeps_that(monkeypatch):
    stream, heard = Stream(), []
    stream.write = heard.append
    monkeypatch.setattr(sys, "stderr", stream)
    observed(lambda x: print("here", file=stream) or x)
    print("afterwards", file=stream)
    assert heard == ["afterwards", "\n"]
