"""What came of the mutants, and what the deviations are, as text and Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from focal_conformance.deviations import CATALOGUE, CONDUCTS, FORMULA
from focal_conformance.deviations.deviation import BOTH, Deviation
from focal_conformance.mutants.selection import PAIR, RIGHT, SINGLE, UNUSUAL
from focal_conformance.mutants.trial import Result

ENOUGH = 0.95
"""Share of the mutants that the first answer must name."""
TITLES = {
    SINGLE: "Each deviation alone",
    UNUSUAL: "Parameters that are in no list",
    PAIR: "Two mistakes in one port",
}
SHOWN = 4
"""Checks that a table names."""


@dataclass(frozen=True)
class Totals:
    """How many."""

    mutants: int
    caught: int
    named: int
    right: int
    false_alarms: int

    @classmethod
    def of(cls, results: Sequence[Result]) -> "Totals":
        """Count them."""
        wrong = [result for result in results if result.trial.kind != RIGHT]
        right = [result for result in results if result.trial.kind == RIGHT]
        return cls(
            len(wrong),
            sum(bool(result.level) for result in wrong),
            sum(result.named for result in wrong),
            len(right),
            sum(not result.fine for result in right),
        )

    @property
    def proven(self) -> bool:
        """All caught, enough named, nothing right called wrong."""
        return self.caught == self.mutants and self.named >= ENOUGH * self.mutants and not self.false_alarms

    def lines(self) -> list[str]:
        """In words."""
        share = 100.0 * self.named / max(1, self.mutants)
        told = [
            f"{self.caught} of {self.mutants} mutants caught",
            f"{self.named} named by the first answer ({share:.1f} %)",
        ]
        if self.right:
            told.append(f"{self.false_alarms} false alarms on {self.right} right ports")
        return told


def line(result: Result) -> str:
    """One result."""
    name = f"{result.trial.name} {result.trial.loss}"
    if result.error:
        return f"{name}: cannot be run: {result.error}"
    answer = f"diagnosed as {', '.join(result.answer)}" if result.answer else "no answer of the diagnosis"
    if result.trial.kind == RIGHT:
        return f"{name}: conforms" if result.fine else f"{name}: FALSE ALARM by {_checks(result)}; {answer}"
    if not result.level:
        return f"{name}: NOT CAUGHT"
    verdict = "named" if result.named else f"NOT NAMED, {answer}"
    return f"{name}: caught at the {result.level} level by {_checks(result)}; {verdict} ({result.seconds:.1f} s)"


def report(results: Sequence[Result]) -> str:
    """The page of all mutants."""
    totals = Totals.of(results)
    text = [
        "# The suite is proven by mutants",
        "",
        "Written by `focal-ref mutants --markdown docs/mutants.md` (`make mutants`). Every entry of the",
        "[catalogue](deviations.md) is a port that has this one deviation and is right otherwise:",
        "`mutant:alpha_swapped`, `mutant:epsilon_in_log=1e-5`, two of them joined by a plus. `focal-ref verify` and",
        "`diagnose` take them as they take any port.",
        "",
        "A mutant is caught if a check fails on it that passes on the port it changes (`mutant:unchanged`): at the",
        "required level, or, where it violates the recommended level alone, there. It is named if the first answer of",
        "the diagnosis says this deviation and nothing else, with its parameter within 10 %.",
        "",
        *(f"- {told}" for told in totals.lines()),
        "",
    ]
    for kind, title in TITLES.items():
        mine = [result for result in results if result.trial.kind == kind]
        if mine:
            text += [f"## {title}", "", "| mutant | loss | caught | by | named |", "|---|---|---|---|---|"]
            text += [_row(result) for result in mine] + [""]
    right = [result for result in results if result.trial.kind == RIGHT]
    if right:
        text += ["## Right ports in other styles", "", "| port | loss | verdict |", "|---|---|---|"]
        text += [
            f"| `{result.trial.name}` | {result.trial.loss} | {'conforms' if result.fine else 'FALSE ALARM'} |"
            for result in right
        ] + [""]
    return "\n".join(text)


def _row(result: Result) -> str:
    by = ", ".join(f"`{name}`" for name in result.checks[:SHOWN])
    by += f" and {len(result.checks) - SHOWN} more" if len(result.checks) > SHOWN else ""
    named = "yes" if result.named else f"no: {', '.join(result.answer) or 'no answer'}"
    return f"| `{result.trial.name}` | {result.trial.loss} | {result.level or 'NO'} | {by} | {named} |"


def _checks(result: Result) -> str:
    more = len(result.checks) - SHOWN
    return ", ".join(result.checks[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def catalogue() -> str:
    """The page of all deviations."""
    count = len(CATALOGUE)
    text = [
        "# Known deviations",
        "",
        "Written by `focal-ref mutants --catalogue docs/deviations.md`. Ways in which public implementations of the",
        f"focal loss differ from [the specification](spec.md), or from what they document: {count} of them. On a port",
        "that does not conform `focal-ref diagnose PORT` names those that reproduce its outputs. Each is a port, too,",
        "`mutant:NAME`, that [the suite must catch](mutants.md). The links lead to where the mistake, or the other",
        "choice, was met.",
        "",
        "| topic | deviations |",
        "|---|---|",
    ]
    topics = dict.fromkeys(deviation.topic for deviation in CATALOGUE.values())
    text += [
        f"| [{topic}](#{topic.replace(' ', '-')}) | {sum(d.topic == topic for d in CATALOGUE.values())} |"
        for topic in topics
    ]
    for topic in topics:
        text += ["", f"## {topic[0].upper()}{topic[1:]}"]
        for deviation in CATALOGUE.values():
            if deviation.topic == topic:
                text += ["", *_entry(deviation)]
    return "\n".join([*text, ""])


def _entry(deviation: Deviation) -> list[str]:
    parameter = deviation.parameter
    sentence = deviation.sentence.replace("{value}", f"*{parameter.name}*" if parameter else "")
    text = [f"`{deviation.name}`: {sentence}."]
    text.append(f"- Instead: {_code(deviation.change)}.")
    if deviation.losses != BOTH:
        text.append(f"- Of `{'`, `'.join(deviation.losses)}` alone.")
    if parameter is not None:
        usual = ", ".join(f"{value:.4g}" for value in parameter.usual[:4])
        text.append(f"- *{parameter.name}* is estimated, {parameter.low:g} to {parameter.high:g}: often {usual}.")
    if deviation.name in CONDUCTS:
        text.append(f"- Seen by the check `{CONDUCTS[deviation.name].check}`.")
    elif deviation.name in FORMULA and deviation.style:
        text.append("- A style that is right where it does not round or overflow; others stand beside it.")
    for name, why in deviation.same.items():
        text.append(f"- No output tells it from `{name}`: {why}.")
    if deviation.links:
        text.append("- Met in " + ", ".join(f"<{link}>" for link in deviation.links) + ".")
    return [text[0], "", *text[1:]]


def _code(change: str) -> str:
    return f"`{change}`" if any(sign in change for sign in "=*()[]") and "`" not in change else change
