"""Runs the script on standard input as it is.

Packages that import torchvision do not import beside a torch that it was not built for: then a script meets their
single files, as the peers do.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT), str(ROOT / "adapters"), str(ROOT / "conformance_tests")]


def main():
    source = sys.stdin.read()
    if "torch" in source:
        _stand_in(source)
    # torch.compile reads the source again.
    from linecache import cache

    cache["<script>"] = (len(source), None, source.splitlines(keepends=True), "<script>")
    exec(compile(source, "<script>", "exec"), {"__name__": "__main__"})


def _stand_in(source):
    from migrate.migration_page import FROM_FILES, module_chain

    from focal_conformance.ports.peers import transformers
    from focal_conformance.ports.peers.alone import imported_or_alone

    rt_detr = "transformers.loss.loss_rt_detr"
    files = {
        **FROM_FILES,
        rt_detr: lambda: vars(imported_or_alone(rt_detr, transformers.OBJECT_DETECTION, stubs=transformers.STUBS)[0]),
    }
    stand_ins = {}
    # All are loaded before one is put in its place: packages look for each other.
    for name, load in files.items():
        if f"from {name} import" in source:
            chain = module_chain(name, load())
            stand_ins = {**chain, **stand_ins, name: chain[name]}
    sys.modules.update(stand_ins)


if __name__ == "__main__":
    main()
