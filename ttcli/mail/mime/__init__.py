"""What a mail is made of (RFC 5322, RFC 2045).

tree.py       a message as its leaves (leaf.py)
headers.py    fields as people meant them
mending.py    what the standard library's parser stops at, made whole
hollow.py     long bodies left out, so that the structure fits into memory
decoding.py   transfer encodings (base64.py, uuencode.py)
content.py    bytes, in memory or in a file
"""
