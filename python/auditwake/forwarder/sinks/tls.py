"""Whom we trust, and who we say that we are: the TLS side of the options."""

import ssl
from typing import TYPE_CHECKING

from auditwake.errors import SinkError

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import HttpOptions

__all__ = ["tls_context"]


def tls_context(options: "HttpOptions") -> ssl.SSLContext:
    """Make what a connection is secured with.

    Args:
        options: Their `ca_file`, `client_cert_file`, `client_key_file` and `verify`.

    Raises:
        SinkError: A file cannot be read, or holds something else.

    Example:
        >>> from auditwake.forwarder.config.model import HttpOptions
        >>> tls_context(HttpOptions(url="https://example.com")).verify_mode.name
        'CERT_REQUIRED'
    """
    context = ssl.create_default_context()
    if not options.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif not context.get_ca_certs() and ssl.get_default_verify_paths().capath is None:
        # A slim image and a Python of its own may have no store of the machine.
        import certifi

        context.load_verify_locations(certifi.where())
    if options.ca_file is not None:
        try:
            context.load_verify_locations(options.ca_file)
        except OSError as error:  # ssl.SSLError is one
            message = f"ca_file {options.ca_file} cannot be used: {_why(error)}; it has PEM certificates"
            raise SinkError(message, needs_a_person=True) from None
    if options.client_cert_file is not None:
        try:
            # Without a password: OpenSSL would ask the terminal for one.
            context.load_cert_chain(options.client_cert_file, options.client_key_file, password="")
        except OSError as error:
            message = (
                f"client_cert_file {options.client_cert_file} and its key cannot be used: {_why(error)}; "
                "they are PEM files that belong together, the key without a password"
            )
            raise SinkError(message, needs_a_person=True) from None
    return context


def _why(error: OSError) -> str:
    """Give the reason that the system or OpenSSL has, without a place in its source."""
    return getattr(error, "reason", None) or error.strerror or type(error).__name__
