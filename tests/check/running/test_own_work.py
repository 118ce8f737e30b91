"""Other people's normalization is refused in a learner's check, by every way to it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import normlib
from normlib.check import EXERCISES, judge
from normlib.check.running.observing import Unusable
from normlib.check.running.own_work import own_work, without_normlib

KEY = "batch_norm.forward"
x = np.random.default_rng(0).normal(size=(4, 3))


def from_normlib(x, gamma, beta, eps=1e-5):
    return normlib.batch_norm(x, gamma, beta, eps=eps)[0]


def from_torch(x, gamma, beta, eps=1e-5):
    import torch

    x, gamma, beta = map(torch.tensor, (x, gamma, beta))
    return torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0.1, eps)


def in_a_thread(answer):
    def run(*args):
        found = []
        thread = threading.Thread(target=lambda: found.append(answer(*args)))
        thread.start()
        thread.join()
        return found[0]

    return run


def in_a_pool(answer):
    def run(*args):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(answer, *args).result()

    return run


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("answer", [from_normlib, from_torch])
@pytest.mark.parametrize("way", [lambda answer: answer, in_a_thread, in_a_pool])
def test_other_peoples_work_earns_nothing(answer, way):
    assert judge(KEY, way(answer), 0).points == 0


@pytest.mark.parametrize("answer", [from_normlib, from_torch])
def test_it_is_refused_in_one_kind_sentence(answer):
    report = str(judge(KEY, answer, 0))
    assert report.count("write it with mean, sum, sqrt and the like") == 1


@pytest.mark.parametrize(
    "use",
    [
        lambda: normlib.batch_norm(x, np.ones(3), np.zeros(3)),
        lambda: normlib.standardize(x, 0),
        lambda: normlib.StandardScaler().fit(x),
        lambda: normlib._core.moments(x, (0,)),
    ],
)
def test_all_of_the_library_is_out_of_reach_and_comes_back(use):
    use()
    with without_normlib(), pytest.raises(Unusable, match="calls normlib"):
        use()
    use()


def test_an_exception_inside_leaves_the_library_as_it_was():
    with pytest.raises(ZeroDivisionError), own_work():
        raise ZeroDivisionError
    assert normlib.standardize(x, 0).shape == x.shape


def test_a_right_answer_keeps_its_points():
    exercise = EXERCISES[KEY]
    assert judge(KEY, in_a_pool(exercise.answer), 0).points == exercise.points
