"""Whom we trust, and who we say that we are: the TLS side of the options."""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from auditwake.errors import SinkError
from auditwake.forwarder.certificates import CertificateError, load_authority, load_pair

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import HttpOptions

__all__ = ["tls_context", "tls_files"]


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
    try:
        if options.ca_file is not None:
            load_authority(context, options.ca_file, "ca_file")
        if options.client_cert_file is not None:
            load_pair(context, options.client_cert_file, options.client_key_file, "client_cert_file")
    except CertificateError as error:
        raise SinkError(str(error), needs_a_person=True) from None
    return context


def tls_files(options: "HttpOptions") -> tuple[Path | None, ...]:
    """Give the files that `tls_context` reads; None for each that is not named."""
    store = ssl.get_default_verify_paths().cafile if options.verify else None
    return options.ca_file, options.client_cert_file, options.client_key_file, Path(store) if store else None
