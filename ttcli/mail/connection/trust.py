"""Which certificates are trusted: the system's, and those of a file that the operator names."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Optional

from ttcli.errors import ConfigError


def trusting(ca_file: Optional[Path], variable: str, beside: bool = False) -> ssl.SSLContext:
    """A context that checks the certificate's chain and host name.

    Args:
        ca_file: CA certificates in PEM form; None for the system's.
        variable: That names the file.
        beside: Whether the system's are trusted too, where there is a file.

    Raises:
        ConfigError: The file cannot be read, or holds no certificates.
    """
    if ca_file is None:
        return ssl.create_default_context()
    try:
        if beside:
            context = ssl.create_default_context()
            context.load_verify_locations(str(ca_file))
        else:
            context = ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"{variable}={ca_file} cannot be used: {error.strerror or error}",
            "give a readable file of CA certificates in PEM form",
        ) from error
    # Python 3.13 began to refuse CA certificates without every field of RFC 5280; companies'
    # own CAs lack some, and an upgrade of Python must not shut the mailbox
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
