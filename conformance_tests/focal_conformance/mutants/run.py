"""All trials in a few processes."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from focal_conformance.mutants.selection import Trial
from focal_conformance.mutants.trial import Result, tried


def run(trials: Sequence[Trial], jobs: int, progress: Callable[[Result], None]) -> list[Result]:
    """Results in the order of the trials; a crash of a process ends everything."""
    # Side by side, one thread each: BLAS and torch would fight for the cores.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    found: dict[Trial, Result] = {}
    with ProcessPoolExecutor(max_workers=jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            for future in as_completed([pool.submit(tried, trial) for trial in trials]):
                result = future.result()
                found[result.trial] = result
                progress(result)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[trial] for trial in trials]
