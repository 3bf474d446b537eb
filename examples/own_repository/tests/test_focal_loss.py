from focal_conformance import parametrize_with_cases

from mypackage.losses import focal_loss


@parametrize_with_cases(focal_loss, expected_failures="known_failures.txt")
def test_focal_loss(case):
    case.check()
