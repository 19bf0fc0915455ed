"""PUBLISH's answers set against what arrived.

PUBLISH answers to how many connections the message was queued on that server: a number that promises nothing about
arrival. The audit shows how far it was off, in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.check.ledger import Messages, ScopeLedger
from harness.model.accounts import PublishAudit


def audit_publish(messages: Messages, scopes: Sequence[ScopeLedger]) -> PublishAudit | None:
    """The audit of an arm; ``None`` for Streams, whose XADD answers with an id."""
    if messages.publish_answer is None:
        return None
    answered = messages.publish_answer >= 0
    answers = messages.publish_answer[answered].astype(np.int64)
    recipients = np.zeros(len(answers), dtype=np.int64)
    for scope in scopes:
        recipients += scope.received[answered]
    return PublishAudit(
        answers_sum=int(answers.sum()),
        received_sum=int(recipients.sum()),
        no_receiver=int(np.count_nonzero(answers == 0)),
        overstated=int(np.count_nonzero(answers > recipients)),
    )
