"""The verbs: each stage composes the rooms below it and returns a report.

A file is a verb; what several verbs share lies in a folder named after what it is about.
"""

STAGES = ("fetch", "process", "load", "prune")
"""What one run does, in order."""
