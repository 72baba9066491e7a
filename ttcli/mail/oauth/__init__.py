"""Access tokens (OAuth 2).

token.py      the way in: by a flow, or from a command of the operator's choice
flows.py      client credentials, refresh token, key (signed.py)
device.py     the first refresh token, by a person with a browser
grants.py     the token endpoint
access.py     a token, and what keeps refresh tokens
"""
