"""Each check of the level is one test; what is not claimed is skipped with its reason."""

from focal_conformance.suite.case import Case


def test_conforms(focal_case: Case) -> None:
    focal_case.check()
