"""A token endpoint (RFC 6749) of the test's own, over TLS, that answers as it is told to."""

from __future__ import annotations

import json
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from ttcli.config import OAuthSettings, Secret

Form = Dict[str, str]
Answer = Tuple[int, Dict[str, str], Union[bytes, Dict[str, Any]]]
PATH = "/tenant/oauth2/v2.0/token"


class TokenEndpoint:
    """A server on a free port; use it in a `with` statement.

    Args:
        home: A folder with server.pem and server.key, as `fix_dovecot.make_certificates` makes it.
        answer: What to say to a form; by default a token for everybody.
        tls: Plain http without it.

    Attributes:
        forms: What it was sent, in order.
        about: What it says of itself (OpenID Connect Discovery 1.0).
    """

    def __init__(
        self, home: Path, answer: Optional[Callable[[Form], Answer]] = None, tls: bool = True
    ) -> None:
        self.forms: List[Form] = []
        self.answer = answer or (lambda _: granted())
        endpoint = self

        class Speaks(_Speaks):
            of = endpoint

        self._server = _Server(("127.0.0.1", 0), Speaks)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(home / "server.pem", home / "server.key")
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if tls else "http"
        self.base = f"{scheme}://localhost:{self._server.server_address[1]}"
        self.url = self.base + PATH
        about = {
            "issuer": self.base,
            "authorization_endpoint": self.url,
            "token_endpoint": self.url,
            "device_authorization_endpoint": self.url.replace("/token", "/devicecode"),
        }
        self.about: Answer = (200, {}, about)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> TokenEndpoint:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.socket.close()

    def settings(self, **overrides: Any) -> OAuthSettings:
        """Who asks here: an application with a secret, unless told otherwise."""
        given = {"token_url": self.url, "client_id": "app", "client_secret": Secret("geheim-app")}
        return OAuthSettings(**{**given, **overrides})


def granted(token: str = "good-me@example.org-xxx", **members: Any) -> Answer:
    """A token for me@example.org, as `test_login.py`'s introspection knows it."""
    return 200, {}, {"access_token": token, "token_type": "Bearer", "expires_in": 3600, **members}


def refused(error: str, description: str = "", status: int = 400, **headers: str) -> Answer:
    """An error response (RFC 6749, 5.2)."""
    return status, headers, {"error": error, "error_description": description}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what some tests are about."""


class _Speaks(BaseHTTPRequestHandler):
    of: TokenEndpoint

    def do_POST(self) -> None:
        """The token endpoint."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(body))
        self.of.forms.append(form)
        self._say(*self.of.answer(form))

    def do_GET(self) -> None:
        """What msal looks up first (OpenID Connect Discovery 1.0)."""
        self._say(*self.of.about)

    def _say(
        self, status: int, headers: Dict[str, str], body: Union[bytes, Dict[str, Any]]
    ) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        try:
            if "drip" in headers:
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.2)
            else:
                self.wfile.write(content)
        except OSError:
            pass  # the client has had enough

    def log_message(self, *_: Any) -> None:
        """Silence."""
