"""What a user demands, as a file that CI checks: read, located to the line, and set against what was measured.

::

    scenarios/guarantees.yaml ──► read ──► ContractFile ──► clauses ──► evaluate ◄── RunSummary
                                  (all errors at once,      (one per     (pure: the same contract and the same runs
                                  file:line)                demand)       give the same result)

Everything here is pure except reading the file. The smallest contract::

    version: 1
    scenarios:
      partition_consumers_drop:
        stream-group:
          required: [at-least-once]
"""
