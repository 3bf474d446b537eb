"""Exact numbers from several processes at once: they are what a run waits for."""

import os
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context

from focal_conformance.fuzz.truth import Question, Truths, answered

WORTH_IT = 8
"""Questions from which on the start of the processes pays."""
AHEAD = 4
"""Questions in hand for each process."""

Answer = tuple[Question, Truths]


def all_answered(questions: Iterator[Question]) -> Iterator[Answer]:
    """Each question with its answer, in order."""
    first = list(islice(questions, WORTH_IT))
    processes = os.cpu_count() or 1
    if len(first) < WORTH_IT or processes == 1 or not _may_start_processes():
        for question in chain(first, questions):
            yield question, answered(question)
        return
    # Not forked: frameworks hold threads and locks.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: deque[tuple[Question, Future[Truths]]] = deque()
        rest = chain(first, questions)
        try:
            for question in rest:
                waiting.append((question, pool.submit(answered, question)))
                if len(waiting) >= AHEAD * processes:
                    asked, answer = waiting.popleft()
                    yield asked, answer.result()
            while waiting:
                asked, answer = waiting.popleft()
                yield asked, answer.result()
        finally:
            # Whoever reads this may have seen enough.
            for _, answer in waiting:
                answer.cancel()


def _may_start_processes() -> bool:
    """Whether the main module can be imported again: a script without a guard would start itself anew."""
    return getattr(sys.modules["__main__"], "__spec__", None) is not None
