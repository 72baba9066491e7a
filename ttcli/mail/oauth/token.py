"""The access token for OAuth 2: asked for (`flows.py`), or from a command of the operator's choice.

The command is started without a shell and prints the token, and nothing else, on its standard
output. Exit code 77 (EX_NOPERM) means that the account must be authorised anew; any other failure
is taken for one that passes.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import Optional

from ttcli.config import MailboxSettings, Secret
from ttcli.errors import DENIED, AccessDenied, ConfigError, OutsideFault, Temporary
from ttcli.mail.oauth.access import TOKEN, Access, Rotations

_SECRET_LIKE = re.compile(r"[\w.~+/=-]{40,}")


def access_token(settings: MailboxSettings, rotations: Optional[Rotations] = None) -> Access:
    """An access token for the mailbox; raises what `flows.access` and `by_command` raise."""
    if settings.oauth:
        from ttcli.mail.oauth import flows

        return flows.access(settings, rotations)
    return Access(by_command(settings), "token command")


def by_command(settings: MailboxSettings) -> Secret:
    """What EMAIL_TOKEN_COMMAND prints.

    Raises:
        ConfigError: There is no such command, or what it prints is no token.
        AccessDenied: It ends with 77.
        Temporary: It fails otherwise, or takes longer than the timeout.
    """
    try:
        command = shlex.split(settings.token_command)
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=settings.timeout,
            check=False,
        )
    except (OSError, ValueError, IndexError) as error:
        raise ConfigError(
            f"EMAIL_TOKEN_COMMAND cannot be started: {getattr(error, 'strerror', None) or error}",
            "give a program by its full path, and its arguments",
        ) from None
    except subprocess.TimeoutExpired:
        took = f"EMAIL_TOKEN_COMMAND took longer than {settings.timeout} s"
        raise Temporary(took, "the next run tries again") from None
    if ended.returncode:
        raise _failed(ended)
    token = ended.stdout.decode("ascii", "replace").strip()
    if not TOKEN.match(token):
        raise ConfigError(
            "EMAIL_TOKEN_COMMAND prints something else than one token",
            "it must print the access token alone, on standard output",
        )
    return Secret(token)


def _failed(ended: subprocess.CompletedProcess[bytes]) -> OutsideFault:
    lines = ended.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
    last = _SECRET_LIKE.sub("…", lines[-1])[:200]
    text = f"EMAIL_TOKEN_COMMAND failed with exit code {ended.returncode}: {last}"
    if ended.returncode == DENIED:
        return AccessDenied(text, "authorise the account anew")
    return Temporary(text, "the next run tries again")
