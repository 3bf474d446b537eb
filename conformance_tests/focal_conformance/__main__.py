"""``python -m focal_conformance``: the command line from a bare checkout."""

from focal_conformance.cli import main

raise SystemExit(main())
