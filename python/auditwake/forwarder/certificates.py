"""Certificates and keys into a TLS context, with errors that name the file."""

import re
import ssl
from pathlib import Path
from typing import Final

__all__ = ["CertificateError", "load_authority", "load_pair"]

PLACE: Final = re.compile(r"^\[SSL\] | \(_ssl\.c:\d+\)$")


class CertificateError(ValueError):
    """A file of certificates or of a key cannot be used; the text says which, and why."""


def load_authority(context: ssl.SSLContext, path: Path, name: str) -> None:
    """Trust those who stand in a file.

    Args:
        context: What is to trust them.
        path: PEM certificates.
        name: The key of the configuration that names the file.

    Raises:
        CertificateError: It cannot be read, or holds something else.

    Example:
        >>> load_authority(ssl.create_default_context(), Path("/none"), "ca_file")
        Traceback (most recent call last):
            ...
        auditwake.forwarder.certificates.CertificateError: ca_file /none cannot be used: ...
    """
    try:
        context.load_verify_locations(path)
    except OSError as error:  # ssl.SSLError is one
        message = f"{name} {path} cannot be used: {_why(error)}; it has PEM certificates"
        raise CertificateError(message) from None


def load_pair(context: ssl.SSLContext, cert: Path, key: Path | None, name: str) -> None:
    """Show a certificate to peers.

    Args:
        context: What shows it.
        cert: The certificate, with those between it and its authority.
        key: Its key; None where it stands in the same file.
        name: The key of the configuration that names the certificate.

    Raises:
        CertificateError: One of them cannot be read, or they do not belong together.
    """
    try:
        # Without a password: OpenSSL would ask the terminal for one.
        context.load_cert_chain(cert, key, password="")
    except OSError as error:
        message = (
            f"{name} {cert} and its key cannot be used: {_why(error)}; "
            "they are PEM files that belong together, the key without a password"
        )
        raise CertificateError(message) from None


def _why(error: OSError) -> str:
    """Give the reason that the system or OpenSSL has, without a place in its source."""
    reason: str = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return PLACE.sub("", reason)
