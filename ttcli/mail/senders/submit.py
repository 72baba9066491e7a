"""Handing a mail to a mail server: a local sendmail, or SMTP.

Every way to fail is one of two: the server has certainly not taken the mail (an exception), or
nobody can tell (`UNSURE`), which counts as taken, for a sender must not be answered twice.
"""

from __future__ import annotations

import smtplib
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple, Optional, Union

from ttcli.config import Secret
from ttcli.errors import AccessDenied, BadItem, ConfigError, Temporary
from ttcli.mail.connection.trust import trusting

SENT, UNSURE = "sent", "unsure"
_SECONDS = 60
_NULL_PATH = "<>"  # RFC 3834, 3.3: what cannot be delivered comes back to nobody


class Route(NamedTuple):
    """Which way a mail goes.

    Attributes:
        sendmail: The program, used where there is no `host`.
        security: `tls`, `starttls` or `none`.
        sender: The address that an SMTP server which asks for a login wants to see.
    """

    sendmail: Path
    host: str = ""
    port: int = 587
    security: str = "starttls"
    username: str = ""
    password: Optional[Secret] = None
    ca_file: Optional[Path] = None
    sender: str = ""


def submit(route: Route, to: str, mail: bytes) -> str:
    """Hands the mail over once; `SENT` or `UNSURE`.

    Raises:
        Temporary, AccessDenied, ConfigError: It was not taken, and may be next time.
        BadItem: It was refused for good.
    """
    return _by_smtp(route, to, mail) if route.host else _by_sendmail(route, to, mail)


def reach(route: Route) -> str:
    """Which way it is, tried up to the login; nothing is sent.

    Raises:
        Temporary, AccessDenied, ConfigError: No mail would be taken.
    """
    if not route.host:
        return str(route.sendmail)
    server = _connected(route)
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()
    login = f" as {route.username}" if route.username else ""
    return f"{route.host}:{route.port}, {route.security}{login}"


def _by_sendmail(route: Route, to: str, mail: bytes) -> str:
    # -i: a line of one dot ends nothing; --: an address is no option
    command = [str(route.sendmail), "-i", "-f", _NULL_PATH, "--", to]
    try:
        done = subprocess.run(
            command,
            input=mail.replace(b"\r\n", b"\n"),
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},  # none of our secrets
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return UNSURE
    except OSError as error:
        raise ConfigError(
            f"{route.sendmail}: {error.strerror}", "set REPLY_SENDMAIL, or REPLY_SMTP_HOST"
        ) from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()[-300:]
        raise Temporary(f"{route.sendmail} ended with {done.returncode}: {said}", "see its log")
    return SENT


def _by_smtp(route: Route, to: str, mail: bytes) -> str:
    server = _connected(route)
    try:
        server.sendmail(route.sender if route.username else "", [to], mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = error.recipients[to]
        raise _refusal(code, said) from error
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError):
        return UNSURE
    finally:
        server.close()
    return SENT


def _connected(route: Route) -> smtplib.SMTP:
    where = f"SMTP server {route.host}:{route.port}"
    context = trusting(route.ca_file, "REPLY_SMTP_CA_FILE")
    server: Optional[smtplib.SMTP] = None
    try:
        if route.security == "tls":
            server = smtplib.SMTP_SSL(route.host, route.port, timeout=_SECONDS, context=context)
        else:
            server = smtplib.SMTP(route.host, route.port, timeout=_SECONDS)
        if route.security == "starttls":
            server.starttls(context=context)
        if route.username and route.password:
            server.login(route.username, route.password.reveal())
    except smtplib.SMTPAuthenticationError as error:
        _close(server)
        raise AccessDenied(
            f"{where} refuses the login", "set REPLY_SMTP_USERNAME and REPLY_SMTP_PASSWORD"
        ) from error
    except ssl.SSLCertVerificationError as error:
        _close(server)
        hint = "REPLY_SMTP_CA_FILE names the certificates to trust"
        raise ConfigError(f"{where}: {error.verify_message}", hint) from error
    except (smtplib.SMTPException, OSError) as error:
        _close(server)
        raise Temporary(f"{where}: {error}", "the next run tries again") from error
    return server


def _close(server: Optional[smtplib.SMTP]) -> None:
    if server is not None:
        server.close()


def _refusal(code: int, said: Union[bytes, str]) -> Exception:
    words = said if isinstance(said, str) else said.decode("utf-8", "replace")
    text = f"{code} {words[:300]}"
    return BadItem(text) if code >= 500 else Temporary(text, "the next run tries again")
