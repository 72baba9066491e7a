"""A Dovecot that lets in whoever brings a token `good-NAME-…`, and the endpoint it asks."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Iterator

from tests.fix_dovecot import Account, running_dovecot

NAME = "me@example.org"


class _Introspection(BaseHTTPRequestHandler):
    """Knows whose token `good-NAME-xxx…` is (RFC 7662)."""

    def do_GET(self) -> None:
        """Dovecot sends the token as its own authorisation."""
        token = self.headers.get("Authorization", "").replace("Bearer ", "")
        kind, _, rest = token.partition("-")
        known: Dict[str, Any] = {"active": kind == "good", "email": rest.split("-")[0]}
        body = json.dumps(known).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Silence."""


@contextlib.contextmanager
def _introspection() -> Iterator[int]:
    """The port of a running introspection endpoint."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Introspection) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


PASSDB = """
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = HOME/oauth2.conf
}
"""


@contextlib.contextmanager
def token_account(mechanisms: str) -> Iterator[Account]:
    """An account on a server of its own that takes tokens by these mechanisms."""
    running = running_dovecot(mechanisms, PASSDB)
    with _introspection() as port:
        (running.home / "oauth2.conf").write_text(
            f"introspection_mode = auth\nintrospection_url = http://127.0.0.1:{port}/\n"
            "username_attribute = email\nactive_attribute = active\nactive_value = true\n",
            encoding="ascii",
        )
        with running as server:
            account = Account(server, NAME)
            yield account
            account.close()
