"""Whether all is well: what status, the page and the metrics tell, and what they tell it from.

verdict.py    what needs a person
senders.py    reports that are missing or odd
loads.py      what is remembered of loads; figures.py: rows per day, rate, latency
repairing.py  which command repairs a failed item
deaths.py     commands that were killed
next_run.py   when the next run is due
"""
