"""Plays trials: the conductor, the producer and consumer processes, the schedule, the drain."""
