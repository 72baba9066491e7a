"""The mailbox: an IMAP session, what is new in it, and the attachments of its mails.

session.py    `Session`: the way in
message.py    a `Mail`, as the session gives it; head.py: its header, whole.py: out of its bytes
cursor.py     up to where a folder was looked at
check.py      what `ttcli check` says of the mailbox
fetch/        which mails are wanted, and getting them
imap/         the protocol: a connection, its commands and their answers
oauth/        access tokens
connection/   TCP, TLS and HTTPS
attachments/  what is taken of a mail, out of archives and the like too
mime/         what a mail is made of
senders/      who sent a mail, whether that is true, and answers to him
"""
