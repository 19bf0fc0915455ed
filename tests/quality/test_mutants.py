"""The self-test is worth something: every rule of the checker that is broken on purpose makes it fail."""

from __future__ import annotations

import pytest
from mutants import MUTANTS, Mutant, examining

from harness.selftest.case import Prepared
from harness.selftest.cases import all_cases
from harness.selftest.examine import examine

pytestmark = pytest.mark.timeout(600)  # the first of them also writes all the histories


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> list[Prepared]:
    """The self-test's own histories, written once: what judges them is all that changes."""
    return [case.prepare(tmp_path_factory.mktemp("history")) for case in all_cases(seed=1, rounds=2)]


def test_the_checker_itself_survives(histories: list[Prepared]) -> None:
    """Nothing is found in the same histories while no rule is broken: so what kills a mutant is the mutation."""
    assert [] == [(one.name, problem) for one in histories for problem in examine(one).problems]


def test_everything_is_as_it_was_after_a_mutant(histories: list[Prepared]) -> None:
    """The broken module is used while it is wanted, and by nobody else."""
    with examining(MUTANTS[1]) as broken:
        assert broken.examine is not examine
    import harness.selftest.examine

    assert harness.selftest.examine.examine is examine
    assert () == examine(histories[0]).problems


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.module}: {mutant.name}")
def test_a_broken_rule_is_noticed(mutant: Mutant, histories: list[Prepared]) -> None:
    """Some history is not found to be as it was planted."""
    with examining(mutant) as broken:
        likely_first = sorted(histories, key=lambda one: one.name != mutant.by)
        assert any(broken.examine(one).problems for one in likely_first), f"survived: {mutant.name} ({mutant.module})"
