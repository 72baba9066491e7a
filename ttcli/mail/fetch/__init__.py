"""Which mails are wanted, and getting them in few commands.

looks.py      a mail from outside: subject, size and structure
subjects.py   by subject; gate.py: by sender
plan.py       which commands bring them
download.py   several commands on their way, and what comes of them
"""
