"""Reports: every format says what was found, escapes what a port says, and can be read back."""

import io
import json
import math
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from focal_conformance.console import print_table
from focal_conformance.ports import UsageError
from focal_conformance.records import recorded
from focal_conformance.report import FAILED, KNOWN, NOT_CLAIMED, PASSED, Cause, CheckResult, Curve, Diagnosis, Point
from focal_conformance.report import Report as Plain
from focal_conformance.reports import documents
from focal_conformance.reports.html import page
from focal_conformance.reports.junit import junit
from focal_conformance.reports.markdown import markdown
from focal_conformance.reports.scoreboard import as_html, as_markdown, collected
from focal_conformance.reports.words import printable
from focal_conformance.table import print_diagnosis, print_overview, print_report

ROOT = Path(__file__).parent.parent.parent
PATH = os.pathsep.join(str(ROOT / part) for part in ("", "adapters", "conformance_tests"))
NASTY = "<script>alert('x')</script> & | `code` ``` ]]> \x00\x1b[31m\u202e\udc80 é\nsecond line\n```\n<script>"


def check(name, verdict=PASSED, **fields):
    rerun = f"focal-ref verify peer:x --check {name}"
    return CheckResult(name, f"about {name}", "required", verdict, rerun=rerun, **fields)


def cause(**fields):
    return Cause(["epsilon_in_log"], "an epsilon of 1e-07 in the logarithm", "use log_sigmoid", **fields)


def failing_report(port="peer:wrong", text="value is 1 where 2 is exact", **fields):
    point = Point("sigmoid_focal/float32/alpha=0.25/gamma=2/special/1/value", 1.0, 0.0, 2.0, math.nan, math.inf)
    checks = [
        check("hard_values", FAILED, failures=[text, "another"], max_ulp=math.inf, worst=point, judged=7),
        check("hard_gradients", max_ulp=1.5, judged=7, seconds=0.25),
        check("weights", NOT_CLAIMED, failures=["it has no weight argument"]),
        check("saturation", KNOWN, failures=["nan"], known="accepted upstream (https://example.org/1)"),
    ]
    causes = [
        cause(parameters={"epsilon": 1e-7, "bound": math.inf}, explained=90, links=["https://example.org/2"]),
        Cause(["clipped"], "probabilities are clipped", "do not clip", explained=50),
    ]
    report = Plain(port, "sigmoid_focal", "required", "cpu", "torch", checks, {"wrong": "1.0", "python": "3"}, **fields)
    report.notes = ["dtypes: float32", "documentation and code differ: it says one thing"]
    report.summary, report.seconds, report.seed = "follows |x|", 1.5, 3
    report.diagnosis = Diagnosis("epsilon_in_log: an epsilon", causes, asked=100, right=40)
    return report.close()


def right_report(port="peer:right"):
    checks = [check("hard_values", max_ulp=0.5, judged=3), check("no_trace", judged=2)]
    return Plain(port, "sigmoid_focal", "required", "cpu", "jax", checks, {"right": "2.0"}).close()


def broken_report(port="py:x<script>.py:f"):
    return Plain(port, "sigmoid_focal", "required", "cpu", error=NASTY)


def curves():
    logits = [-10.0, 0.0, 10.0]
    return [
        Curve(dtype, quantity, gamma, target, logits, [0.5, 0.0, math.inf], [1e-8, 0.0, math.nan])
        for dtype in ("float32", "bfloat16")
        for gamma in (0.0, 2.0)
        for quantity in ("value", "gradient")
        for target in (0.0, 1.0)
    ]


ALL = [failing_report(), right_report(), broken_report()]


def valid(reports):
    jsonschema.Draft202012Validator(documents.schema()).validate(json.loads(documents.text(reports)))


# JSON


def test_the_schema_is_one_and_describes_its_fields():
    jsonschema.Draft202012Validator.check_schema(documents.schema())
    described = documents.schema()["$defs"]["report"]["properties"]
    assert all("description" in field or "$ref" in field or "items" in field for field in described.values())


def test_every_field_of_a_report_is_in_the_schema():
    report = failing_report()
    report.curves = curves()
    valid([report, right_report(), broken_report()])


def test_numbers_that_json_does_not_know_are_words_and_come_back(tmp_path):
    report = failing_report()
    report.curves = curves()
    file = tmp_path / "r.json"
    file.write_text(documents.text([report]))
    written = json.loads(file.read_text())["reports"][0]
    assert (written["checks"][0]["max_ulp"], written["checks"][0]["worst"]["got"]) == ("inf", "nan")
    (again,) = documents.read(file)
    assert math.isinf(again.checks[0].max_ulp)
    assert math.isnan(again.curves[0].relative[2])
    assert again.diagnosis.causes[0].parameters["bound"] == math.inf
    assert again.to_dict() == report.to_dict()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(format="focal-ref reports 9"), "focal-ref reports 9"),
        (lambda d: d["reports"][0].pop("port"), "'port' is a required property"),
        (lambda d: d["reports"][0]["checks"][0].update(verdict="perhaps"), "$.reports[0].checks[0].verdict"),
        (lambda d: d["reports"][0]["checks"][0].update(max_ulp="large"), "$.reports[0].checks[0].max_ulp"),
        (lambda d: d["reports"][0].update(extra=1), "extra"),
    ],
)
def test_a_document_that_departs_from_the_schema_is_refused(tmp_path, change, words):
    content = documents.document([right_report()])
    change(content)
    file = tmp_path / "r.json"
    file.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=re.escape(words)):
        documents.read(file)


# JUnit


def test_junit_has_a_suite_a_port_and_a_test_a_check():
    root = ET.fromstring(junit(ALL))
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == [f"{report.port} sigmoid_focal" for report in ALL]
    suite = root[0]
    assert [case.get("name") for case in suite.iter("testcase")] == [c.check for c in ALL[0].checks]
    assert {p.get("name"): p.get("value") for p in suite.iter("property")}["wrong"] == "1.0"
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert int(element.get("tests")) == len(cases)
        for count, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(element.get(count)) == sum(case.find(kind) is not None for case in cases)
        assert float(element.get("time")) >= 0
    assert root.get("failures") == "1"
    assert root.get("errors") == "1"


def test_junit_says_why():
    first, second, third, fourth = ET.fromstring(junit(ALL))[0].iter("testcase")
    failure = first.find("failure")
    assert failure.get("message") == "value is 1 where 2 is exact"
    assert "focal-ref verify peer:x --check hard_values" in failure.text
    assert list(second) == []
    assert second.get("time") == "0.250"
    assert third.find("skipped").get("message") == "not claimed: it has no weight argument"
    assert "accepted upstream" in fourth.find("skipped").get("message")


def test_junit_of_a_port_that_cannot_be_run_is_an_error():
    text = junit([broken_report()])
    error = ET.fromstring(text).find("testsuite/testcase/error")
    assert error.get("type") == "cannot be run"
    assert "second line" in error.text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", text)


# HTML


class Page(HTMLParser):
    VOID = ("meta", "br", "link", "img", "hr", "input")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.wrong, self.targets = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        self.targets += [values[key] for key in ("href", "src", "xlink:href") if key in values]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def whole_page():
    report = failing_report("py:x<script>.py:f", text=NASTY, command="focal-ref verify '<b>'")
    report.curves = curves()
    return page([report, right_report(), broken_report()])


def test_the_page_is_well_formed(whole_page):
    read = Page(whole_page)
    assert (read.open, read.wrong) == ([], [])
    assert len(read.ids) == len(set(read.ids))
    assert ("html", {"lang": "en"}) in read.tags
    assert "<title>1 of 3 conform</title>" in whole_page


def test_the_page_loads_nothing_and_runs_nothing(whole_page):
    read = Page(whole_page)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in read.tags}
    outside = [target for target in read.targets if not target.startswith("#")]
    assert outside == ["https://example.org/2"]
    assert not re.search(r"@import|url\((?!#)", whole_page)


def test_what_a_port_says_stays_text(whole_page):
    assert "<script" not in whole_page
    assert "<b>&#39;" not in whole_page
    assert "&lt;script&gt;alert" in whole_page
    assert printable(whole_page) == whole_page


def test_each_plot_is_described_and_takes_the_colours_of_the_page(whole_page):
    figures = [attributes for tag, attributes in Page(whole_page).tags if tag == "figure"]
    assert len(figures) == 4
    assert all(figure["role"] == "img" and "largest relative error" in figure["aria-label"] for figure in figures)
    assert "nan or infinite from |logit| = 10 on" in figures[0]["aria-label"]
    assert whole_page.count("var(--one)") > 4
    assert "#0000f" not in whole_page
    assert "prefers-color-scheme: dark" in whole_page


def test_the_page_says_all_that_was_found(whole_page):
    found = ("hard_values", "epsilon = 1e-07", "use log_sigmoid", "accepted upstream", "it has no weight argument")
    others = ("explains 90 of 100 results", "it says one thing", "seed", "does not conform", "cannot be run")
    for text in (*found, *others):
        assert text in whole_page


def test_a_link_that_is_no_address_is_text():
    report = failing_report()
    report.diagnosis.causes[0].links = ["javascript:alert(1)"]
    assert "javascript:alert(1)" not in Page(page([report])).targets


# Markdown


def test_markdown_of_one_port_leads_with_the_verdict():
    text = markdown([failing_report()])
    assert text.startswith("## ✗ `peer:wrong` sigmoid_focal: does not conform\n")
    order = ["value is 1 where 2", "--check hard_values", "epsilon_in_log", "use log_sigmoid", "accepted upstream",
             "<details>", "</details>"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_markdown_of_several_ports_has_a_row_each_and_details_of_what_fails():
    text = markdown(ALL)
    assert text.count("| sigmoid_focal |") == 3
    assert "## ✗ `peer:wrong`" in text
    assert "## ✓ `peer:right`" not in text


def test_the_overview_is_the_table_what_is_wrong_and_where_documentation_and_code_differ():
    text = markdown(ALL, overview=True)
    assert "<details>" not in text
    assert "## What is wrong" in text
    assert "## Where documentation and code differ\n\n- `peer:wrong`\n  - it says one thing\n" in text


def test_markdown_keeps_what_a_port_says_in_its_cell():
    text = markdown([failing_report(text=NASTY), broken_report()])
    outside = re.sub(r"(?ms)^ *(`{3,})\w*\n.*?^ *\1$", "", text)
    outside = re.sub(r"(`+).+?\1", "", outside)
    assert "<script" not in outside
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} <= {5, 7}
    assert printable(text) == text


# The terminal


def printed(printer, value, width=200, terminal=False):
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    printer(console, value)
    return console.file.getvalue()


def test_the_terminal_shows_the_diagnosis_after_what_fails():
    text = printed(print_report, failing_report())
    order = ["hard_values: value is 1", "--check hard_values", "diagnosis: epsilon_in_log", "change: use log_sigmoid",
             "estimated: epsilon = 1e-07", "evidence: explains 90 of 100 results; the specification explains 40",
             "met in https://example.org/2", "less likely: clipped"]  # fmt: skip
    places = [text.rindex(part) for part in order]
    assert places == sorted(places)


def test_where_nothing_fits_the_smallest_failing_input_is_shown():
    report = failing_report()
    report.diagnosis = Diagnosis("none of the 60 deviations reproduces it", smallest="value 3 at logit 0")
    for printer in (print_report, print_diagnosis):
        text = printed(printer, report)
        assert "none of the 60 deviations" in text
        assert "smallest failing input: value 3 at logit 0" in text


@pytest.mark.parametrize("width", [40, 80, 150, 10_000])
def test_commands_are_never_folded_and_lines_keep_the_width(width):
    report = failing_report()
    report.checks[0].rerun = "focal-ref show 'sigmoid_focal/float32/alpha=0.25/gamma=2/special/1/value' --port peer:w"
    lines = printed(print_report, report, width).splitlines()
    shown = [line for line in lines if "focal-ref show" in line]
    assert shown
    assert all(report.checks[0].rerun in line for line in shown)
    assert all(len(line) <= width for line in lines if "focal-ref show" not in line)
    assert width < 200 or all(line == line.rstrip() for line in lines)


def test_control_characters_do_not_reach_the_terminal():
    for printer, value in ((print_report, broken_report()), (print_overview, [broken_report(), right_report()])):
        assert "\x1b" not in printed(printer, value)
    assert "\x1b" not in printed(print_report, failing_report(text=NASTY))


def test_a_table_to_a_pipe_has_no_blanks_at_the_ends_of_its_lines():
    from rich.table import Table

    table = Table("a", box=None)
    table.add_row("b")
    # To a pipe the blanks at the ends of its lines are left out.
    assert printed(print_table, table) == " a\n b\n"
    assert printed(print_table, table, terminal=True) == " a \n b \n"


# The scoreboard


@pytest.fixture
def board_files(tmp_path):
    pairs = (("a.json", [failing_report(), right_report("adapter:torch")]), ("b.json", [right_report("peer:optax")]))
    for name, reports in pairs:
        (tmp_path / name).write_text(documents.text(reports))
    return [tmp_path / name for name, _ in pairs]


def test_the_scoreboard_has_every_peer_and_no_adapter(board_files):
    reports = collected(board_files)
    assert [report.port for report in reports] == ["peer:wrong", "peer:optax"]
    for text in (as_markdown(reports), as_html(reports)):
        for part in (
            "1 of 2 public",
            "peer:wrong",
            "wrong 1.0",
            "epsilon_in_log",
            "use log_sigmoid",
            "peer:torchvision",
        ):
            assert part in text
        assert "adapter:torch" not in text
    assert "| `peer:wrong` | ✗ | ✓ | ≈ |  |" in as_markdown(reports)
    assert "| `peer:optax` | ✓ |  |  | ✓ |" in as_markdown(reports)
    assert "| `peer:wrong` | inf | 1.50 |" in as_markdown(reports)
    read = Page(as_html(reports))
    assert (read.open, read.wrong) == ([], [])
    assert len(read.ids) == len(set(read.ids))


def test_reports_that_do_not_compare_make_no_scoreboard(board_files, tmp_path):
    with pytest.raises(UsageError, match="peer:wrong is in"):
        collected([board_files[0], board_files[0]])
    other = right_report("peer:optax")
    other.level = "recommended"
    (tmp_path / "c.json").write_text(documents.text([other]))
    with pytest.raises(UsageError, match="level recommended and required"):
        collected([board_files[0], tmp_path / "c.json"])
    (tmp_path / "d.json").write_text(documents.text([right_report("adapter:torch")]))
    with pytest.raises(UsageError, match="no report of a peer"):
        collected([tmp_path / "d.json"])


# The command line


def focal_ref(*arguments, cwd=ROOT, **environment):
    command = [sys.executable, "-m", "focal_conformance", *map(str, arguments)]
    env = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"PYTHONPATH": PATH, **environment}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def wrong_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    (folder / "it's wrong.py").write_text(
        "import focal_ref\n"
        "def loss(logits, targets, alpha=0.25, gamma=2.0):\n"
        "    if alpha is not None:\n"
        "        alpha = 1 - alpha\n"
        "    return focal_ref.sigmoid_focal_loss(logits, targets, alpha=alpha, gamma=gamma).astype(logits.dtype)\n"
    )
    arguments = ["verify", "py:it's wrong.py:loss", "--framework", "numpy", "--json", "-", "--html", "r.html",
                 "--junit", "r.xml", "--markdown", "r.md"]  # fmt: skip
    return focal_ref(*arguments, cwd=folder), folder


def test_json_to_standard_output_is_all_that_is_there(wrong_run):
    run, _ = wrong_run
    assert run.returncode == 1, run.stderr.decode()
    content = json.loads(run.stdout)
    jsonschema.Draft202012Validator(documents.schema()).validate(content)
    (report,) = content["reports"]
    assert shlex.split(report["command"])[:3] == ["focal-ref", "verify", "py:it's wrong.py:loss"]
    assert "threads" in report["versions"]
    assert {curve["dtype"] for curve in report["curves"]} >= {"float32", "float64"}
    assert b"does not conform" in run.stderr


def test_every_report_of_a_run_says_the_same(wrong_run):
    run, folder = wrong_run
    (report,) = json.loads(run.stdout)["reports"]
    failed = [entry["check"] for entry in report["checks"] if entry["verdict"] == "failed"]
    suite = ET.parse(folder / "r.xml").getroot()[0]
    assert [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None] == failed
    for name in ("r.html", "r.md"):
        text = (folder / name).read_text()
        assert all(check in text for check in failed)
        assert "does not conform" in text
    assert (folder / "r.html").stat().st_size < 1_500_000


def test_the_command_of_a_port_with_an_odd_name_can_be_copied(wrong_run):
    run, folder = wrong_run
    (report,) = json.loads(run.stdout)["reports"]
    line = next(entry["rerun"] for entry in report["checks"] if entry["verdict"] == "failed")
    again = focal_ref(*shlex.split(line)[1:], cwd=folder)
    assert again.returncode in (0, 1), again.stderr.decode()
    assert b"exact" in again.stdout


def test_columns_are_respected_in_a_pipe():
    arguments = ("verify", "adapter:array_api-numpy", "--loss", "sigmoid_focal", "--check", "hard_values")
    free = focal_ref(*arguments).stdout.decode()
    narrow = focal_ref(*arguments, COLUMNS="70").stdout.decode()
    assert any("exact" in line and "hard_values" in line for line in free.splitlines())
    assert all(len(line) <= 70 for line in narrow.splitlines())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "adapter:array_api", "--json", "-", "--junit", "-"], "only one report can go to standard output"),
        (["verify", "adapter:array_api", "--html", "/no/such/folder/r.html"], "cannot write /no/such/folder/r.html"),
        (["verify", "adapter:array_api", "--html", "/"], "it is a folder"),
        (["verify", "adapter:array_api", "--json", "r", "--junit", "./r"], "named for two reports"),
        (["scoreboard", "nofile.json", "--markdown", "-"], "cannot read nofile.json"),
        (["scoreboard", "pyproject.toml", "--markdown", "-"], "is no JSON"),
        (["scoreboard", "nofile.json", "--markdown", "/no/such/folder/b.md"], "cannot write"),
        (["scoreboard", "--markdown", "b.md"], "REPORTS"),
    ],
)
def test_wrong_use_is_answered_before_anything_is_run(arguments, words):
    run = focal_ref(*arguments)
    assert run.returncode == 2
    assert run.stdout == b""
    assert words in run.stderr.decode()
    assert b"Traceback" not in run.stderr


def test_the_scoreboard_in_docs_shows_recorded_verdicts():
    """Numbers come from a run of the peers; the verdicts of that run are the recorded ones."""
    rows = [line.split(" | ") for line in (ROOT / "docs/scoreboard.md").read_text().splitlines()]
    shown = {row[0].strip("| `"): row[3] for row in rows if len(row) == 6 and row[0].startswith("| `peer:")}
    kept = recorded()
    assert shown
    assert {port: kept[port]["verdict"] for port in shown} == shown
    assert all(f">{port}<" in (ROOT / "docs/scoreboard.html").read_text() for port in shown)
