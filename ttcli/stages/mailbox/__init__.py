"""The mailbox, as fetch, acknowledge, watch and login meet it.

session.py    a session, as every stage opens one; several.py: one mailbox after the other
rotations.py  refresh tokens that a provider has replaced
patience.py   a server that asked to be left alone is left alone
owed.py       what mails are owed; refused.py: whose mails were left alone
"""
