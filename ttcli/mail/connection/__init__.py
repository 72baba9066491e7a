"""Connections whose every wait has an end: dial.py opens one, tls.py reads it in large pieces.

trust.py      which certificates are trusted
https.py      one request and its answer
words.py      what a server's words mean: try later, access denied, a wrong setting
"""
