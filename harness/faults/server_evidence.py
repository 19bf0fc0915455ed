"""What pings and INFO prove about a fault of a server: pure functions, as strict as those for links.

All begin with what must be so for any of them: the server was seen before the injection and after the heal, and every
proof that the deeds brought along holds.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from harness.faults.base import CallTimes, Evidence
from harness.faults.evidence import duration, judge_down, judge_hold, window
from harness.faults.lookout import STALE_NS, Sight
from harness.faults.server_base import Deed, Seen
from harness.model.words import LinkRole, ProbeResult

_MASTER = "master"


def judge_died(seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
    """Its connection was closed, new ones were refused, and after the heal another life answers with its data."""
    trouble = _failed_proof(inject, heal)
    if trouble:
        return Evidence(None, None, trouble)
    found = judge_down(window(seen.probes, LinkRole.STRAIGHT, inject=inject.times, heal=heal.times))
    if found.observed_from_ns is None or found.observed_to_ns is None:
        return found
    before, after = _last_before(seen.sights, inject), _first_ready_since(seen.sights, heal.times.before_ns)
    if before is None or after is None:
        return Evidence(found.observed_from_ns, None, f"{found.sentence}; but INFO was not answered before and after")
    if before.run_id == after.run_id:
        return Evidence(None, None, f"not shown: the same life (run id {before.run_id[:8]}) answers after the heal")
    back = duration(after.answered_ns - heal.times.before_ns)
    sentence = f"{found.sentence}; another life of the server had its data {back} after the heal began"
    return Evidence(found.observed_from_ns, after.answered_ns, _with_proofs(sentence, inject, heal))


def judge_ended_itself(seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
    """The same as a death, by a server that went on for a while after the injection: it counts from its end."""
    closing = next(
        (
            p
            for p in seen.probes
            if p.result in (ProbeResult.CLOSED, ProbeResult.RESET)
            and inject.times.before_ns <= p.ended_ns <= heal.times.before_ns
        ),
        None,
    )
    if closing is None:
        return Evidence(None, None, "not shown: the open connection was neither closed nor reset before the heal")
    answers = (p.answered_ns for p in seen.probes if p.answered_ns is not None and p.answered_ns <= closing.ended_ns)
    last_answer = max(answers, default=inject.times.before_ns)
    # While its process ends, its listener may outlive its connections for a moment: who connects then is reset.
    refused = (p.sent_ns for p in seen.probes if p.result is ProbeResult.REFUSED and p.sent_ns >= closing.ended_ns)
    end = CallTimes(max(inject.times.before_ns, last_answer), min(refused, default=closing.ended_ns))
    return judge_died(seen, inject=Deed(end, inject.proofs), heal=heal)


def judge_paused(seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
    """Silent on a connection that stays open, late answers on the same one, and it is the same life."""
    trouble = _failed_proof(inject, heal)
    if trouble:
        return Evidence(None, None, trouble)
    found = judge_hold(window(seen.probes, LinkRole.STRAIGHT, inject=inject.times, heal=heal.times))
    before, after = _last_before(seen.sights, inject), _first_ready_since(seen.sights, heal.times.after_ns)
    if found.observed_to_ns is not None and (before is None or after is None or before.run_id != after.run_id):
        return Evidence(found.observed_from_ns, None, f"{found.sentence}; but it was not seen to be the same life")
    return Evidence(found.observed_from_ns, found.observed_to_ns, _with_proofs(found.sentence, inject, heal))


def judge_counter(
    seen: Seen, *, inject: Deed, heal: Deed, counter: Callable[[Sight], int], what: str, limit_bytes: bool = True
) -> Evidence:
    """A counter of the server stood still before, grew during the fault, and the server is as before afterwards.

    ``what`` names the events that are counted: "writes refused for want of memory". ``limit_bytes``: the server's
    memory limit has to be seen set, and lifted again.
    """
    trouble = _failed_proof(inject, heal)
    if trouble:
        return Evidence(None, None, trouble)
    before = _last_before(seen.sights, inject)
    if before is None:
        return Evidence(None, None, "not shown: INFO was not answered before the injection")
    during = [it for it in seen.sights if it.asked_ns >= inject.times.before_ns and it.run_id == before.run_id]
    grown = [it for it in during if it.asked_ns <= heal.times.before_ns and counter(it) > counter(before)]
    if not grown:
        return Evidence(None, None, f"not shown: no {what} while the fault should have been on")
    if limit_bytes and not any(it.maxmemory > 0 for it in during if it.asked_ns <= heal.times.before_ns):
        return Evidence(None, None, "not shown: the server was not seen to have a memory limit")
    count = counter(grown[-1]) - counter(before)
    after = next(
        (it for it in during if it.asked_ns >= heal.times.after_ns and not (limit_bytes and it.maxmemory > 0)), None
    )
    sentence = f"{count:,} {what}, the first of them at most {_after(grown[0], inject)} after the injection began"
    if after is None:
        return Evidence(grown[0].answered_ns, None, f"{sentence}; but the server was not seen to be mended")
    return Evidence(grown[0].answered_ns, after.answered_ns, _with_proofs(sentence, inject, heal))


def judge_aof_refused(seen: Seen, *, inject: Deed, heal: Deed) -> Evidence:
    """In one life the server said that it could not write its append-only file, and after the heal that it can."""
    trouble = _failed_proof(inject, heal)
    if trouble:
        return Evidence(None, None, trouble)
    before = _last_before(seen.sights, inject)
    if before is None or not before.aof_write_ok:
        return Evidence(None, None, "not shown: the append-only file was not seen in order before the injection")
    own = [it for it in seen.sights if it.run_id == before.run_id]
    failing = [
        it for it in own if inject.times.before_ns <= it.asked_ns <= heal.times.before_ns and not it.aof_write_ok
    ]
    if not failing:
        return Evidence(None, None, "not shown: the server did not report a failed write of its append-only file")
    refused = failing[-1].misconf_errors - before.misconf_errors
    sentence = (
        f"the server reported that its append-only file could not be written, at most {_after(failing[0], inject)} "
        f"after the injection began, and refused {refused:,} writes until the heal"
    )
    after = next((it for it in own if it.asked_ns >= heal.times.after_ns and it.aof_write_ok), None)
    if after is None:
        return Evidence(failing[0].answered_ns, None, f"{sentence}; but it was not seen to write again")
    return Evidence(failing[0].answered_ns, after.answered_ns, _with_proofs(sentence, inject, heal))


def judge_failover(
    seen: Seen, *, inject: Deed, heal: Deed, old_port: int, new_port: int, dies: bool, old_returns: bool
) -> Evidence:
    """One server said that it is the master before, the one that clients were led to does after, and nobody else.

    ``new_port``: where clients were led. That server must say that it is the master from some moment on, and still
    after the heal, all in one life; a second failover in between would make what is counted that of neither, and a
    restart what its files had kept. ``dies``: the old master must not answer from the injection to the heal as the same
    life; else (hung) it goes on afterwards. ``old_returns``: it must be seen as a replica in the end.
    """
    own = [it for it in seen.sights if it.port == old_port]
    new = [it for it in seen.sights if it.port == new_port]
    trouble = (
        _failed_proof(inject, heal)
        or _not_deposed(own, inject=inject, heal=heal, port=old_port)
        or _not_one_new_master(seen.sights, inject=inject, old_port=old_port, new_port=new_port)
    )
    if trouble:
        return Evidence(None, None, trouble)
    begin_ns, promoted = inject.times.after_ns, next(it for it in new if it.role == _MASTER)
    sentence = f"the server on port {new_port} said that it is the master {_moment(promoted, inject)}"
    still = next((it for it in new if it.asked_ns >= heal.times.after_ns and it.role == _MASTER), None)
    if still is None:
        return Evidence(begin_ns, None, f"{sentence}; but it was not seen as the master after the heal")
    if not old_returns:
        alive = next((it for it in own if it.asked_ns >= inject.times.after_ns), None)
        if dies and alive is not None:
            return Evidence(
                begin_ns, None, f"{sentence}; but the old one, dead for good, answered {_moment(alive, inject)}"
            )
        return Evidence(begin_ns, still.answered_ns, _with_proofs(sentence, inject, heal))
    before = _last_before(own, inject)
    back = next((it for it in own if it.asked_ns >= heal.times.before_ns and it.role == "slave"), None)
    if before is None or back is None or (back.run_id != before.run_id) is not dies:
        what = "was not seen as a replica" if back is None else "came back in another way than this fault's"
        return Evidence(begin_ns, None, f"{sentence}; but the old master {what}")
    since = [it for it in own if it.asked_ns >= heal.times.before_ns]
    if (anew := _started_anew(since)) is not None:
        return Evidence(begin_ns, None, f"{sentence}; but the old one was started anew {_moment(anew, inject)}")
    again = next((it for it in since if it.asked_ns > back.asked_ns and it.role == _MASTER), None)
    if again is not None:
        what = f"was the master again {_moment(again, inject)}: that is more than one failover"
        return Evidence(begin_ns, None, f"{sentence}; but the old one {what}")
    sentence = (
        f"{sentence}; the old one was a replica {duration(back.answered_ns - heal.times.before_ns)} after the heal"
    )
    end_ns = max(still.answered_ns, back.answered_ns)
    return Evidence(begin_ns, end_ns, _with_proofs(sentence, inject, heal))


def _not_deposed(own: Sequence[Sight], *, inject: Deed, heal: Deed, port: int) -> str:
    """Why the old master was not seen to be one and then to be silent; empty if it was."""
    before = _last_before(own, inject)
    if before is None or before.role != _MASTER:
        return f"not shown: the server on port {port} was not seen as the master before"
    if any(it.asked_ns >= inject.times.after_ns and it.answered_ns < heal.times.before_ns for it in own):
        return f"not shown: the master on port {port} answered INFO while it should not"
    return ""


def _not_one_new_master(sights: Sequence[Sight], *, inject: Deed, old_port: int, new_port: int) -> str:
    """Which server said when that it is the master, where that is not one failover to ``new_port``; empty if it is."""
    claims: dict[int, list[Sight]] = {}
    for it in sights:
        if it.port != old_port and it.role == _MASTER:
            claims.setdefault(it.port, []).append(it)
    if not claims:
        return "not shown: no other server said that it is the master"
    said = ", ".join(
        f"port {port} from {_moment(of[0], inject)} to {_moment(of[-1], inject)}" for port, of in claims.items()
    )
    led = f"clients were led to the server on port {new_port}"
    if new_port not in claims:
        return f"not shown: {led}, which did not say that it is the master; who said so: {said}"
    if len(claims) > 1:
        return f"not shown: there was more than one failover; who said that it is the master: {said}; {led}"
    first = claims[new_port][0]
    later = (it for it in sights if it.port == new_port and it.asked_ns > first.asked_ns)
    lapse = next((it for it in later if it.role != _MASTER), None)
    if lapse is not None:
        return f"not shown: {led}, which was the master no more {_moment(lapse, inject)}; who said so: {said}"
    if first.answered_ns < inject.times.before_ns:
        return f"not shown: {led}, which said that it is the master {_moment(first, inject)}"
    if (anew := _started_anew([it for it in sights if it.port == new_port])) is not None:
        return f"not shown: {led}, which was started anew {_moment(anew, inject)}: no failover alone"
    return ""


def _failed_proof(*deeds: Deed) -> str:
    """What a deed found wrong with itself; empty if nothing."""
    return next((f"not shown: {proof.sentence}" for deed in deeds for proof in deed.proofs if not proof.holds), "")


def _with_proofs(sentence: str, *deeds: Deed) -> str:
    return "; ".join([sentence, *(proof.sentence for deed in deeds for proof in deed.proofs)])


def _last_before(sights: Sequence[Sight], inject: Deed) -> Sight | None:
    """The last sight before the injection, unless it is so old that what it says may have changed by itself."""
    moment_ns = inject.times.before_ns
    last = next((it for it in reversed(sights) if it.answered_ns <= moment_ns), None)
    return last if last is not None and moment_ns - last.answered_ns <= STALE_NS else None


def _started_anew(sights: Sequence[Sight]) -> Sight | None:
    """The first sight of another life of one server."""
    return next((later for earlier, later in itertools.pairwise(sights) if later.run_id != earlier.run_id), None)


def _first_ready_since(sights: Sequence[Sight], since_ns: int) -> Sight | None:
    return next((it for it in sights if it.asked_ns >= since_ns and not it.loading), None)


def _after(sight: Sight, inject: Deed) -> str:
    return duration(sight.answered_ns - inject.times.before_ns)


def _moment(sight: Sight, inject: Deed) -> str:
    distance_ns = sight.answered_ns - inject.times.before_ns
    return f"{duration(abs(distance_ns))} {'after the injection began' if distance_ns >= 0 else 'before the injection'}"
