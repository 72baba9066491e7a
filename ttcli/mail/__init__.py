"""The mailbox: an IMAP session, what is new in it, and the attachments of its mails."""
