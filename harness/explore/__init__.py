"""Looks for what nobody thought of: random fault schedules until a guarantee breaks, then the smallest that breaks it.

Pure: which schedules are drawn follows from the seed, and trials are played by whoever is handed in.
"""
