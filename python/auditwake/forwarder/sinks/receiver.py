"""What the sinks that speak HTTP have in common."""

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import HttpOptions

__all__ = ["agent", "gzip_only", "shown", "with_path"]

BEST_GZIP = 9


def agent() -> dict[str, str]:
    """Give the header that says who sends."""
    from auditwake._core import __version__

    return {"User-Agent": f"auditwake/{__version__}"}


def gzip_only(options: "HttpOptions") -> "HttpOptions":
    """Give options whose compression every receiver of a protocol takes that knows gzip and nothing else.

    Example:
        >>> from auditwake.forwarder.config.model import HttpOptions
        >>> gzip_only(HttpOptions(url="http://localhost", compression="zstd", compression_level=19)).compression
        'gzip'
    """
    if options.compression == "none":
        return options
    return replace(options, compression="gzip", compression_level=min(max(options.compression_level, 1), BEST_GZIP))


def with_path(url: str, path: str) -> str:
    """Put a path in the place of the one of a URL, without a query.

    Args:
        url: The URL.
        path: The path. Where the one of the URL has its first two parts, what stands in front of them stays.

    Example:
        >>> with_path("https://proxy/splunk/services/collector/event?x=1", "/services/collector/ack")
        'https://proxy/splunk/services/collector/ack'
        >>> with_path("https://splunk:8088/in", "/services/collector/ack")
        'https://splunk:8088/services/collector/ack'
    """
    parts = urlsplit(url)
    front, found, _ = parts.path.partition("/".join(path.split("/")[:3]))
    return urlunsplit((parts.scheme, parts.netloc, (front if found else "") + path, "", ""))


def shown(options: "HttpOptions") -> str:
    """Give a URL without what may be a key in it (name and password, query), and the compression.

    Example:
        >>> from auditwake.forwarder.config.model import HttpOptions
        >>> shown(HttpOptions(url="https://me:key@host:8443/in?token=key"))
        'https://host:8443/in (gzip)'
    """
    parts = urlsplit(options.url)
    url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return f"{url} ({'uncompressed' if options.compression == 'none' else options.compression})"
