"""``python -m benchmarks``: speed and memory, peers and ours side by side."""

from benchmarks.cli import main

raise SystemExit(main())
