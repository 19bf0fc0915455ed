"""One worker of three is stopped for longer than the others wait, and comes back as a zombie.

A long garbage collection, a swapped-out machine, a debugger: the process is stopped and does not know it. The server
handed it an entry on its way to sleep; after a second the others claim that entry and do its effect. Then the stopped
worker wakes up, reads what its socket held all the while, and does the effect again. Its only hint is an XACK that
answers 0, and by then it is too late.

Prediction: nothing is lost; without dedup some effects are done twice; with SET NX or Lua none is.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    Members,
    Verdict,
    WorkerRole,
    breaks,
    fault_scenario,
    guess,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="crash_pause",
    family="crash",
    story=__doc__ or "",
    question="What does a worker do that was stopped, declared dead by the others, and wakes up?",
    mechanism="SIGSTOP of one of three workers for longer than min-idle-time, then SIGCONT",
    arms=select_arms("stream-queue", "stream-queue-set-nx", "stream-queue-lua", "stream-queue-no-recovery"),
    faults=[FaultPlan(model=FaultModel.PAUSE, worker=WorkerRole.CONSUMER, members=Members.FIRST)],
    statements=[
        holds("stream-queue", Guarantee.AT_LEAST_ONCE, "the others claim what it had"),
        breaks("stream-queue", Guarantee.EFFECTIVELY_ONCE, "the zombie does what the others did meanwhile"),
        holds("stream-queue-set-nx", Guarantee.EFFECTIVELY_ONCE, "the zombie finds the mark"),
        holds("stream-queue-lua", Guarantee.EFFECTIVELY_ONCE, "the zombie finds the mark"),
        guess(
            "stream-queue-no-recovery",
            Guarantee.EFFECTIVELY_ONCE,
            Verdict.HELD,
            "nobody claims, so the sleeper's entries wait for it",
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
