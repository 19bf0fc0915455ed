"""Judgements on the arms of a stored run: what a server cannot show, an arm's settings say."""

from __future__ import annotations

from harness.lint.facts import Limits
from harness.lint.finding import Finding, Point, Where
from harness.lint.stored import ArmCounts, StoredArm
from harness.model.values import Arm
from harness.model.words import AckPolicy, Checkpoint, Dedup, Mechanism, Primitive, Recovery, StartAt

NOT_COUNTED = "not counted: no trial of it was judged"
PUBSUB = "Pub/Sub keeps nothing"


def judge_arm(stored: StoredArm, limits: Limits) -> list[Finding]:
    """Every point that an arm's settings decide."""
    name = stored.arm.name
    return [
        judge_start(Where(Point.GROUP_START, name), stored),
        judge_acknowledgement(Where(Point.ACKNOWLEDGEMENT, name), stored),
        judge_pending(Where(Point.PENDING, name), stored),
        judge_consumers(Where(Point.CONSUMERS, name), stored),
        judge_retention(Where(Point.RETENTION, name), stored, limits),
        judge_memory(Where(Point.MEMORY, name), stored),
        judge_dead_letter(Where(Point.DEAD_LETTER, name), stored),
        judge_effects(Where(Point.IDEMPOTENT_EFFECTS, name), stored, limits),
    ]


def judge_start(here: Where, stored: StoredArm) -> Finding:
    """Where its groups, or its readers without a checkpoint, begin."""
    arm = stored.arm
    if arm.primitive is Primitive.PUBSUB:
        return here.does_not_apply(f"{PUBSUB}: a subscription always begins now")
    missed = _counted(stored.counts, "not_entitled", "messages were not owed to it")
    if arm.stream.start is StartAt.END:
        return here.fails(f"{_reader(arm)} begins at $; {missed}")
    return here.holds(f"{_reader(arm)} begins at {arm.stream.start}; {missed}")


def _reader(arm: Arm) -> str:
    return "a group" if arm.driver == "stream_group" else "a reader"


def _counted(counts: ArmCounts | None, name: str, what: str) -> str:
    return NOT_COUNTED if counts is None else f"{getattr(counts, name):,} {what} in {counts.trials} trials"


def judge_acknowledgement(here: Where, stored: StoredArm) -> Finding:
    """What is acknowledged, and when; for XREAD, whose reader keeps its own place, the checkpoint."""
    arm, counts = stored.arm, stored.counts
    if arm.primitive is Primitive.PUBSUB:
        lost = "" if counts is None else f" ({counts.lost:,} in {counts.trials} trials)"
        return here.fails(f"Pub/Sub has no acknowledgement: what a subscriber misses is gone{lost}")
    if arm.driver == "stream_read":
        return _checkpoint(here, arm.stream.checkpoint)
    lost = "" if counts is None else f"; {_lost_unacknowledged(counts):,} lost by it in {counts.trials} trials"
    match arm.stream.ack:
        case AckPolicy.AFTER_EFFECT:
            return here.holds("XACK after the effect: a crash leaves the entry pending")
        case AckPolicy.BEFORE_EFFECT:
            return here.fails(f"XACK before the effect: a crash in between loses the entry{lost}")
        case AckPolicy.NOACK:
            return here.fails(f"read with NOACK: what a consumer was handed when it crashed is lost{lost}")


def _lost_unacknowledged(counts: ArmCounts) -> int:
    return counts.because_of(Mechanism.NOACK, Mechanism.CRASH_BEFORE_EFFECT)


def _checkpoint(here: Where, checkpoint: Checkpoint) -> Finding:
    match checkpoint:
        case Checkpoint.AFTER_EFFECT:
            return here.holds("XREAD needs no XACK: the reader saves its place after the effect")
        case Checkpoint.BEFORE_EFFECT:
            return here.fails("the reader saves its place before the effect: a crash in between loses the entry")
        case Checkpoint.NONE:
            return here.fails("the reader saves its place nowhere: after a restart it does not know where it was")


def _keeps_pending(arm: Arm) -> bool:
    return arm.driver == "stream_group" and arm.stream.ack is not AckPolicy.NOACK


def judge_pending(here: Where, stored: StoredArm) -> Finding:
    """Whether its consumers come back to what is pending at all."""
    arm = stored.arm
    if not _keeps_pending(arm):
        return here.does_not_apply("nothing is ever pending")
    stuck = _counted(stored.counts, "stuck", "stuck")
    if stored.counts is not None and stored.counts.stuck:
        return here.fails(f"recovery {arm.stream.recovery}: {stuck}")
    if arm.stream.recovery is Recovery.NONE:
        return here.fails(
            f"nobody reads pending entries again: what a lost reply or a crash leaves stays there; {stuck}"
        )
    return here.holds(f"recovery {arm.stream.recovery}; {stuck}")


def judge_consumers(here: Where, stored: StoredArm) -> Finding:
    """Whether another consumer takes over what one left pending for good."""
    arm = stored.arm
    if not _keeps_pending(arm):
        return here.does_not_apply("nothing is ever pending")
    unclaimed = (
        NOT_COUNTED if stored.counts is None else f"{stored.counts.because_of(Mechanism.NO_CLAIMER):,} unclaimed"
    )
    match arm.stream.recovery:
        case Recovery.FULL | Recovery.CLAIM | Recovery.READ_CLAIM:
            return here.holds(f"claimed after {arm.stream.claim_min_idle_ms:,} ms; {unclaimed}")
        case Recovery.OWN_PENDING:
            return here.fails(f"only its own pending entries: those of a consumer that never returns stay; {unclaimed}")
        case Recovery.NONE:
            return here.fails(f"nobody claims; {unclaimed}")


def judge_retention(here: Where, stored: StoredArm, limits: Limits) -> Finding:
    """What XADD trims to, against rate × outage; what was trimmed before it was read fails without further ado."""
    arm, counts, rate = stored.arm, stored.counts, stored.rate_per_s
    if arm.primitive is Primitive.PUBSUB:
        return here.fails(f"{PUBSUB}: whoever is away for a moment has missed it")
    trimmed = 0 if counts is None else counts.because_of(Mechanism.TRIMMED_UNREAD, Mechanism.TRIMMED_PENDING)
    if trimmed:
        return here.fails(f"{trimmed:,} were trimmed unread or while pending in this run")
    kept = arm.retention
    if kept is None:
        return here.holds("XADD trims nothing: everything is kept, for however long an outage")
    if kept.max_age_ms is not None:
        seconds, asked = kept.max_age_ms / 1000, f"MINID keeps {kept.max_age_ms / 1000:g} s"
    else:
        assert kept.max_length is not None
        seconds = kept.max_length / rate
        asked = f"MAXLEN {kept.max_length:,} is {seconds:,.1f} s at {rate:g}/s"
    if seconds < limits.max_outage_s:
        return here.fails(f"{asked}: an outage of {limits.max_outage_s:g} s loses what is older")
    return here.holds(f"{asked}, {limits.max_outage_s:g} s are asked for")


def judge_memory(here: Where, stored: StoredArm) -> Finding:
    """Whether anything bounds its stream."""
    arm = stored.arm
    if arm.primitive is Primitive.PUBSUB:
        return here.does_not_apply(PUBSUB)
    if arm.retention is None:
        a_day = stored.rate_per_s * 86_400
        return here.fails(
            f"XADD trims nothing: at {stored.rate_per_s:g}/s the stream grows by {a_day:,.0f} entries a day"
        )
    return here.holds("XADD trims it")


def judge_dead_letter(here: Where, stored: StoredArm) -> Finding:
    """What becomes of an entry whose handling fails every time."""
    arm, counts = stored.arm, stored.counts
    if arm.driver != "stream_group":
        return here.does_not_apply("only a group counts deliveries")
    after = arm.stream.dead_letter_after
    failed = "" if counts is None else f"; {counts.failed_handlings:,} handlings failed in {counts.trials} trials"
    if after is None:
        return here.fails(f"an entry whose handling fails is delivered again and again, for ever{failed}")
    moved = "" if counts is None else f", {counts.dead_lettered:,} put aside"
    return here.holds(f"after {after} deliveries an entry is moved to a dead-letter stream{failed}{moved}")


def judge_effects(here: Where, stored: StoredArm, limits: Limits) -> Finding:
    """Whether an event that is delivered twice takes effect once; and never no effect at all."""
    arm, counts = stored.arm, stored.counts
    if counts is not None and (counts.duplicate_effects or counts.false_dedup):
        return here.fails(
            f"dedup {arm.dedup}: {counts.duplicate_effects:,} effects too many and {counts.false_dedup:,} suppressed "
            f"that never happened, in {counts.trials} trials"
        )
    match arm.dedup:
        case Dedup.NONE:
            return here.fails("no dedup: whatever is delivered again takes effect again")
        case Dedup.SET_NX:
            return here.fails("the mark is set before the effect: a crash in between suppresses the effect for good")
        case Dedup.WINDOW:
            return _window(here, arm, limits)
        case Dedup.LUA:
            return here.holds("mark and effect in one step (a script)")


def _window(here: Where, arm: Arm, limits: Limits) -> Finding:
    """A mark with an end: it is set before the effect, and it may be forgotten before the event comes again."""
    kept = f"the mark is forgotten after {arm.dedup_window_ms:,} ms"
    if arm.dedup_window_ms < limits.max_outage_s * 1000:
        return here.fails(f"{kept}: what an outage of {limits.max_outage_s:g} s delays takes effect again")
    return here.fails(f"{kept}, and set before the effect: a crash in between suppresses the effect until then")
