"""The mail room, against a real Dovecot and against servers that misbehave on purpose."""
