"""Two gloo processes on this machine, each with its own rank."""

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

RANKS = 2


def on_every_rank(function, *arguments, ranks=RANKS):
    """What the function returns on each rank, in the order of ranks; its error, if one has any."""
    with mp.Manager() as manager:
        results = manager.dict()
        store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        mp.spawn(_run, (ranks, store.port, results, function, arguments), nprocs=ranks)
        return [results[rank] for rank in range(ranks)]


def _run(rank, ranks, port, results, function, arguments):
    torch.set_num_threads(1)
    store = dist.TCPStore("127.0.0.1", port, is_master=False)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=ranks)
    try:
        results[rank] = function(rank, *arguments)
    finally:
        dist.destroy_process_group()
