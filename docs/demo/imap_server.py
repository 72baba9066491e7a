"""The demo's IMAP server: pymap, which keeps its one mailbox in memory."""

from __future__ import annotations

import _strptime  # noqa: F401 - as root: imported late, and this Python may be root's alone
import gc
import os

from pymap.main import main

# On Python 3.13 the collector takes pymap's waiting tasks away, and its connections drop.
gc.disable()

if os.geteuid() == 0:
    os.setgroups([])  # pymap's --set-uid and --set-gid leave root's other groups in place

main()
