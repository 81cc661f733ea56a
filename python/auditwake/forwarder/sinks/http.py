"""One HTTP client for every sink: what comes back is a response or a failure, never an exception and never a secret."""

import base64
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

from auditwake.errors import AuditwakeError, SinkError
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.sinks.connections import Connections
from auditwake.forwarder.sinks.outcome import Failure, Outcome, Response, classify
from auditwake.forwarder.sinks.tls import tls_context, tls_files

if TYPE_CHECKING:
    import httpx

    from auditwake.forwarder.config.model import HttpOptions

__all__ = ["Failure", "HeaderValue", "HttpClient", "Outcome", "Response", "classify"]

HeaderValue: TypeAlias = str | Secret | SecretFile

LARGEST_ANSWER = 32 << 20  # bytes; `_bulk` answers with an object for each event
KEPT_OPEN = 55.0  # seconds; load balancers close a quiet connection after 60
PORTS = {"http": 80, "https": 443}


class HttpClient:
    """Connections to one receiver, shared by all threads that send to it; made anew when a certificate is renewed.

    It follows no redirects (an audit log does not go where nobody sent it), retries nothing, and keeps what is secret
    in the one header that it belongs into.

    Attributes:
        url: The URL of the configuration.
        host: Its host.
        port: Its port.

    Raises:
        SinkError: A file of certificates cannot be used, or a URL is none.
        AuditwakeError: httpx is not installed.

    Example:
        >>> from auditwake.forwarder.config.model import HttpOptions
        >>> client = HttpClient(HttpOptions(url="http://127.0.0.1:9/v1"))
        >>> client.post(b"{}").reason, client.host, client.port
        ('connection', '127.0.0.1', 9)
        >>> client.close()
    """

    def __init__(self, options: "HttpOptions") -> None:
        self._httpx = _httpx()
        self._options = options
        self.url = options.url
        self.scheme, self.host, self.port = _place(options.url)
        name = f"connections to {self.host} on port {self.port}"
        self._connections = Connections(name, tls_files(options), lambda: _client(options))

    def post(
        self,
        body: bytes,
        headers: Mapping[str, HeaderValue] | None = None,
        *,
        url: str | None = None,
        encoded: bool = True,
    ) -> Outcome:
        """Send a body once.

        Args:
            body: The bytes.
            headers: Headers beside those of the configuration; secrets are revealed here and nowhere else.
            url: Where to, if not to the URL of the configuration.
            encoded: Whether the body is compressed as the configuration says; it sets `Content-Encoding`.

        Returns:
            What came back; of a body that is larger than 32 MiB, a failure.
        """
        compression = self._options.compression
        coding = {"Content-Encoding": compression} if encoded and compression != "none" else {}
        return self._ask("POST", url or self.url, body, {**coding, **(headers or {})})

    def get(self, url: str | None = None, headers: Mapping[str, HeaderValue] | None = None) -> Outcome:
        """Ask for something, as a check does."""
        return self._ask("GET", url or self.url, None, headers or {})

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def __repr__(self) -> str:
        return f"<auditwake.HttpClient: {self.host} on port {self.port}>"

    def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, HeaderValue]) -> Outcome:
        httpx = self._httpx
        try:
            said = self._headers(headers)
        except OSError as error:
            detail = f"{error.filename} cannot be read ({error.strerror}): put the key there"
            return Failure("credentials", detail, needs_a_person=True)
        except ValueError as error:
            return Failure("credentials", str(error), needs_a_person=True)
        until = time.monotonic() + 2 * self._options.timeout
        try:
            with self._connections.borrowed() as client:
                request = client.build_request(method, url, content=body, headers=said)
                with closing(client.send(request, stream=True)) as answer:
                    return Response(answer.status_code, dict(answer.headers), b"".join(_parts(answer, until)))
        except httpx.HTTPError as error:
            return Failure(_reason(httpx, error), type(error).__name__)
        except (_AnswerError, TimeoutError) as error:
            return Failure("protocol" if isinstance(error, _AnswerError) else "timeout", str(error))
        except (httpx.StreamError, RuntimeError, OSError) as error:
            # Also of a client that another thread has closed: as of a lost connection.
            return Failure("connection", type(error).__name__)

    def _headers(self, more: Mapping[str, HeaderValue]) -> dict[str, str]:
        options = self._options
        given: dict[str, HeaderValue] = dict(options.headers)
        if options.token is not None:
            given["Authorization"] = Secret(f"Bearer {_text('token', options.token)}")
        elif options.username or options.password is not None:
            password = "" if options.password is None else _text("password", options.password)
            pair = base64.b64encode(f"{options.username}:{password}".encode()).decode()
            given["Authorization"] = Secret(f"Basic {pair}")
        # Names of headers are alike whatever their case; what belongs to the sink's protocol counts.
        ours = {name.lower() for name in more}
        theirs = {name: value for name, value in given.items() if name.lower() not in ours}
        return {name: _text(name, value) for name, value in {**theirs, **more}.items()}


class _AnswerError(Exception):
    """An answer that is no answer."""


def _httpx() -> Any:  # noqa: ANN401  # the module
    try:
        import httpx
    except ImportError:
        message = 'this sink needs an HTTP client: pip install "auditwake[agent]"'
        raise AuditwakeError(message) from None
    return httpx


def _client(options: "HttpOptions") -> "httpx.Client":
    """Make a client, with the certificates as they are now."""
    library = _httpx()
    try:
        client: httpx.Client = library.Client(
            http2=options.http2,
            verify=tls_context(options),
            proxy=_proxy(library, options),
            trust_env=options.proxy is None,
            timeout=library.Timeout(options.timeout),
            limits=library.Limits(keepalive_expiry=KEPT_OPEN),
            follow_redirects=False,
        )
    except (ValueError, library.InvalidURL):
        message = "the URL of a sink's proxy is none; it looks like http://user:password@host:port"
        raise SinkError(message, needs_a_person=True) from None
    return client


def _proxy(httpx: Any, options: "HttpOptions") -> Any:  # noqa: ANN401  # the module, and its proxy
    """Give the proxy of the configuration, if it names one."""
    if not options.proxy:
        return None
    password = options.proxy_password
    credentials = (options.proxy_username, password.reveal() if password else "")
    return httpx.Proxy(options.proxy, auth=credentials if any(credentials) else None)


def _place(url: str) -> tuple[str, str, int]:
    """Take scheme, host and port out of a URL; it may hold secrets, and is not shown."""
    httpx = _httpx()
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in PORTS or not parsed.host:
        message = "the URL of a sink is none; it looks like https://host/path"
        raise SinkError(message, needs_a_person=True)
    return parsed.scheme, parsed.host, parsed.port or PORTS[parsed.scheme]


def _text(name: str, value: HeaderValue) -> str:
    """Reveal the value of a header."""
    secret = value.current() if isinstance(value, SecretFile) else value
    text = secret.reveal() if isinstance(secret, Secret) else secret
    if isinstance(value, SecretFile) and not text:
        message = f"{value.path} is empty: put the key there"
        raise ValueError(message)
    if text != text.strip() or not (text.isascii() and text.isprintable()):
        message = f"the value of {name} has characters that no header can have: correct it"
        raise ValueError(message)
    return text


def _parts(answer: "httpx.Response", until: float) -> Iterator[bytes]:
    read = 0
    for part in answer.iter_bytes():
        read += len(part)
        if read > LARGEST_ANSWER:
            message = f"the answer is longer than {LARGEST_ANSWER} bytes"
            raise _AnswerError(message)
        if time.monotonic() > until:
            message = "the answer does not end"
            raise TimeoutError(message)
        yield part


def _reason(httpx: Any, error: Exception) -> str:  # noqa: ANN401  # the module
    """Name in one word why there is no answer."""
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ProxyError):
        return "proxy"
    if isinstance(error, httpx.NetworkError):
        return "tls" if _is_tls(error) else "connection"
    # A connection that is closed instead of an answer is a `RemoteProtocolError` as well.
    closed = isinstance(error, httpx.RemoteProtocolError) and "disconnected" in str(error)
    return "connection" if closed else "protocol"


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
