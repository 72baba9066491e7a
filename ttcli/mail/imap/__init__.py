"""IMAP (RFC 3501).

client.py     imaplib2, with a reader of its own: receiving.py takes bytes, wire.py cuts them up
login.py      logging in (challenged.py: AUTHENTICATE)
commands.py   every command a session uses
answers.py    answers as Python values (structure.py: BODYSTRUCTURE)
folders.py    names of folders: modified UTF-7
actions.py    what is done to a mail at its end: flags, move, delete
waiting.py    IDLE
"""
