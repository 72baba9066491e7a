"""The verbs: each stage composes the rooms below it and returns a report."""
