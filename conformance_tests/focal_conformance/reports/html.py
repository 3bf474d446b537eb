"""Reports as one self-contained page."""

from dataclasses import dataclass, field
from typing import Any

from focal_conformance.report import DIFFERENCE, NOT_CLAIMED, CheckResult, Report
from focal_conformance.reports.plots import Panel, panels
from focal_conformance.reports.words import (
    SIGNS,
    answer_name,
    counts,
    differences,
    estimates,
    evidence,
    failing,
    first_line,
    judgement,
    known,
    own_version,
    printable,
    ulp_text,
)
from focal_ref import LOSSES

CLASSES = {"✓": "passed", "✗": "failed", "·": "unclaimed", "≈": "known"}


@dataclass
class View:
    """A report, with what the page takes from it."""

    report: Report
    anchor: str
    plots: dict[str, list[Panel]]
    failing: list[CheckResult] = field(init=False)
    known: list[CheckResult] = field(init=False)
    judged: list[CheckResult] = field(init=False)
    unclaimed: list[CheckResult] = field(init=False)
    differences: list[str] = field(init=False)
    notes: list[str] = field(init=False)

    def __post_init__(self) -> None:
        report = self.report
        self.failing, self.known, self.differences = failing(report), known(report), differences(report)
        self.judged = [check for check in report.checks if check.verdict != NOT_CLAIMED]
        self.unclaimed = [check for check in report.checks if check.verdict == NOT_CLAIMED]
        told = set(self.differences)
        self.notes = [note for note in report.notes if note.removeprefix(DIFFERENCE) not in told]

    @property
    def version(self) -> str:
        """Of the port's own package."""
        return own_version(self.report)

    @property
    def counts(self) -> str:
        """How many checks of each verdict."""
        return counts(self.report)

    @property
    def rows(self) -> bool:
        """Whether the loss is one of class rows."""
        loss = LOSSES.get(self.report.loss)
        return loss is not None and loss.consumes_classes


def page(reports: list[Report]) -> str:
    """HTML with tables, plots and diagnosis; nothing is loaded from elsewhere."""
    views = [View(report, f"port-{i}", _plots(report, f"p{i}")) for i, report in enumerate(reports, 1)]
    command = next((report.command for report in reports if report.command), "")
    return render("page.html.jinja", views=views, headline=headline(reports), command=command)


def headline(reports: list[Report]) -> str:
    """The verdict in one line."""
    if len(reports) == 1:
        return f"{reports[0].port}, {reports[0].loss}: {reports[0].verdict}"
    right = sum(report.exit_code == 0 for report in reports)
    return f"{right} of {len(reports)} conform"


def render(template: str, **values: Any) -> str:
    """A template of this package; whatever it is given is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("focal_conformance.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finished,
    )
    words = (answer_name, estimates, evidence, first_line, judgement, ulp_text)
    environment.globals.update({word.__name__: word for word in words})
    environment.globals.update(signs=SIGNS, classes={verdict: CLASSES[sign] for verdict, sign in SIGNS.items()})
    return environment.get_template(template).render(**values)


def _finished(value: Any) -> Any:
    """Whatever is put into a template: a picture or a macro's text is as it shall be."""
    return printable(value) if type(value) is str else value


def _plots(report: Report, name: str) -> dict[str, list[Panel]]:
    """Pictures by dtype, in the order in which the port was asked."""
    found: dict[str, list[Panel]] = {}
    for panel in panels(report.curves, name):
        found.setdefault(panel.dtype, []).append(panel)
    return found
