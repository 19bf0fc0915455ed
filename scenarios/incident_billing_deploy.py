"""The billing service is down for a release, and its invoices are never written.

The tutorial's third story. All consumers are gone at once and come back with the new version. With a stream the orders
wait, provided that the group already exists: a release that creates its group anew at `$` forgets them as Pub/Sub does.

Prediction: Pub/Sub misses every invoice of the release; a group that exists misses none, whether it was made at 0 or at
`$`.
"""

from harness import (
    FaultModel,
    FaultPlan,
    Guarantee,
    Mechanism,
    SourceClaim,
    Timeline,
    Verdict,
    WorkerRole,
    breaks,
    fault_scenario,
    holds,
    run_script,
    select_arms,
)

SCENARIO = fault_scenario(
    name="incident_billing_deploy",
    family="incident",
    story=__doc__ or "",
    question="Which invoices are missing after a release during which no consumer ran?",
    mechanism="SIGKILL of every consumer; their successors are started at the heal",
    arms=select_arms("pubsub", "stream-group", "stream-group-at-end", scopes=1),
    faults=[FaultPlan(model=FaultModel.KILL, worker=WorkerRole.CONSUMER)],
    statements=[
        breaks("pubsub", Guarantee.AT_LEAST_ONCE, "nobody is subscribed", Mechanism.NOT_CONNECTED),
        holds("stream-group", Guarantee.AT_LEAST_ONCE, "the group waits"),
        holds("stream-group-at-end", Guarantee.AT_LEAST_ONCE, "the group exists, wherever it was created"),
    ],
    timeline=Timeline(warm_up_s=1.0, steady_s=1.5, outage_s=4.0, recovery_s=2.5),
    claims=[
        SourceClaim(
            row="incident: billing deploy",
            text="invoices were missed during the release with Pub/Sub",
            arm="pubsub",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.VIOLATED,
        ),
        SourceClaim(
            row="incident: billing deploy",
            text="with a consumer group none is missed",
            arm="stream-group",
            guarantee=Guarantee.AT_LEAST_ONCE,
            holds_when=Verdict.HELD,
            claimed_loss=0,
        ),
    ],
)

if __name__ == "__main__":
    run_script(__file__)
