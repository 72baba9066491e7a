"""Who sent a mail, and answers to him.

addresses.py  whom a From field names
verdicts.py   what our own server found out about that: Authentication-Results
answerable.py whether an automatic answer may go to him
compose.py    the answer; submit.py: handing it to a mail server
"""
