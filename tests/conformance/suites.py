"""Public suites for SCIM servers, against what `cargo run --example up -- run` has brought up.

Every check of every suite must pass: there is no list of exceptions. What does not is printed, and the
exit code is not zero.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from provider import Provider, provide

MODES = ["Compat", "Strict", "Ipsie"]


@dataclass
class Outcome:
    """What a suite said: how many checks there were, and the ones that did not pass."""

    checks: int
    complaints: list[str]


def scim2_tester(provider: Provider) -> Outcome:
    """Every result must be SUCCESS: what is skipped or merely acceptable counts as a failure, too."""
    done = subprocess.run(
        [installed("scim2"), "--url", provider.url, "test"],
        env=os.environ | {"SCIM_CLI_HEADERS": f"Authorization: Bearer {provider.token}"},
        capture_output=True,
        text=True,
    )
    # One line for each result, with its reason on an indented one below.
    results = re.findall(r"^([A-Z]+) (.+(?:\n  .+)*)", done.stdout, re.MULTILINE)
    complaints = [f"{status} {result}" for status, result in results if status != "SUCCESS"]
    if done.returncode != 0 and not complaints:
        complaints = [done.stdout + done.stderr]
    return Outcome(len(results), complaints)


def scim_sanity(provider: Provider) -> Outcome:
    """What it skips is about a draft's resource types, which it looks for in /ResourceTypes."""
    done = subprocess.run(
        [installed("scim-sanity"), "probe", provider.url, "--token", provider.token]
        + ["--i-accept-side-effects", "--json-output"],
        capture_output=True,
        text=True,
    )
    if not done.stdout:
        return Outcome(0, [done.stderr])
    results = [result for result in json.loads(done.stdout)["results"] if result["status"] != "skip"]
    failed = [result for result in results if result["status"] != "pass"]
    return Outcome(len(results), [f"{result['name']}: {result.get('message', '')}" for result in failed])


@dataclass
class Suite:
    """A suite, the modes that it must pass in, and a number of checks that it has at least: one that
    finds nothing to check proves nothing."""

    name: str
    play: Callable[[Provider], Outcome]
    modes: list[str]
    at_least: int


SUITES = [
    Suite("scim2-tester", scim2_tester, MODES, 130),
    # It adds a member whom nobody knows, which only Compat takes.
    Suite("scim-sanity", scim_sanity, ["Compat"], 28),
]


def installed(program: str) -> Path:
    return Path(sys.executable).with_name(program)


def main() -> int:
    failed = False
    print(f"{'suite':14} {'mode':8} {'checks':>6} {'passed':>6}", flush=True)
    for suite in SUITES:
        for mode in suite.modes:
            outcome = suite.play(provide(f"{suite.name}-{mode.lower()}", mode=mode))
            passed = outcome.checks - len(outcome.complaints)
            print(f"{suite.name:14} {mode:8} {outcome.checks:6} {passed:6}", flush=True)
            if outcome.checks < suite.at_least:
                outcome.complaints.append(f"only {outcome.checks} checks, not {suite.at_least} or more")
            for complaint in outcome.complaints:
                print(indent(complaint, "    "))
            failed |= bool(outcome.complaints)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
