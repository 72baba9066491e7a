"""The verbs: each stage composes the rooms below it and returns a report."""

STAGES = ("fetch", "process", "load", "prune")
"""What one run does, in order."""
