"""Reports as JUnit XML, as GitLab and Jenkins read it."""

import re
import xml.etree.ElementTree as ET

from focal_conformance.report import CANNOT_RUN, FAILED, KNOWN, NOT_CLAIMED, WRONG_USE, CheckResult, Diagnosis, Report
from focal_conformance.reports.words import evidence, first_line

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 admits in no form."""


def junit(reports: list[Report]) -> str:
    """One test suite a port and loss, one test a check."""
    root = ET.Element("testsuites", name="focal-ref")
    for report in reports:
        root.append(_suite(report))
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    root.set("time", f"{sum(report.seconds for report in reports):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def legal(text: str) -> str:
    """Text with the replacement character for what XML does not admit."""
    return ILLEGAL.sub("\ufffd", text)


def _suite(report: Report) -> ET.Element:
    suite = ET.Element("testsuite", name=legal(f"{report.port} {report.loss}"))
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report).items():
        ET.SubElement(properties, "property", name=legal(name), value=legal(value))
    for check in report.checks:
        suite.append(_case(report, check))
    if report.exit_code in (WRONG_USE, CANNOT_RUN):
        case = ET.SubElement(suite, "testcase", classname=_class(report), name="can be run", time="0.000")
        _told(case, "error", report.verdict, first_line(report.error), report.error)
    output = "\n".join([*report.notes, report.summary, *_diagnosis_lines(report.diagnosis)]).strip()
    if output:
        ET.SubElement(suite, "system-out").text = legal(output)
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite.set("tests", str(len(suite.findall("testcase"))))
    for count, kind in kinds.items():
        suite.set(count, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("time", f"{report.seconds:.3f}")
    return suite


def _properties(report: Report) -> dict[str, str]:
    seed = {} if report.seed is None else {"seed": str(report.seed)}
    about = {"level": report.level, "device": report.device, "verdict": report.verdict, "command": report.command}
    return {**report.versions, **about, **seed}


def _class(report: Report) -> str:
    """Readers take what stands before the last dot for a package: the port's own dots would divide it."""
    return legal(f"focal-ref.{report.port.replace('.', '_')}.{report.loss}")


def _case(report: Report, check: CheckResult) -> ET.Element:
    case = ET.Element("testcase", classname=_class(report), name=legal(check.check), time=f"{check.seconds:.3f}")
    if check.verdict == FAILED:
        _told(case, "failure", "does not conform", first_line(" ".join(check.failures[:1])), _failure_text(check))
    elif check.verdict == NOT_CLAIMED:
        _told(case, "skipped", "", f"not claimed: {'; '.join(check.failures[:2])}")
    elif check.verdict == KNOWN:
        _told(case, "skipped", "", f"known failure: {check.known}")
    return case


def _failure_text(check: CheckResult) -> str:
    return "\n".join([check.title, *check.failures, *([check.rerun] if check.rerun else [])])


def _told(case: ET.Element, tag: str, kind: str, message: str, text: str = "") -> None:
    element = ET.SubElement(case, tag, message=legal(message))
    if kind:
        element.set("type", kind)
    if text:
        element.text = legal(text)


def _diagnosis_lines(diagnosis: Diagnosis | None) -> list[str]:
    if diagnosis is None:
        return []
    lines = [f"diagnosis: {diagnosis.message}"]
    if diagnosis.smallest:
        lines.append(f"smallest failing input: {diagnosis.smallest}")
    for cause in diagnosis.causes[:1]:
        lines += [f"change: {cause.change}", evidence(diagnosis, cause), *cause.links]
    return lines
