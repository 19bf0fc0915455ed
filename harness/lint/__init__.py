"""The production checklist of the source tutorial as a lint: facts of a server, or of a stored run, and judgements.

Reading (`reading`, `walking`, `stored`) is apart from judging (`persistence`, `groups`, `retention` …), which is pure:
literal facts in, findings out. `checklist` holds the points and the scenario that shows what happens otherwise.
"""
