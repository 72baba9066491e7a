"""Looking back: brought.py finds who brought a key, story.py tells what each did to its row.

reaching.py asks the database, which may be away.
"""
