"""Answers to senders: who had one (answered.py), and what is mailed back (reject_workbook.py)."""
