"""When writes, reads and backlog were back, on literal histories."""

from __future__ import annotations

from pathlib import Path

import pytest
from recovery_stories import STORIES, Chapter, told


@pytest.mark.parametrize("chapter", STORIES, ids=lambda chapter: chapter.about)
def test_how_soon_things_were_well_again(tmp_path: Path, chapter: Chapter) -> None:
    """To the millisecond, or not at all."""
    story = chapter.play(tmp_path)
    story.trial.finish()
    assert chapter.told == told(story.trial.result().recovery)
