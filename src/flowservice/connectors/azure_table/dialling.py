"""The HTTP client of everything that is dialled: at an address that the server's policy was asked about."""

from datetime import timedelta

from pyreqwest.client import SyncClientBuilder


def client(name: str, address: str, *, connect: timedelta, silence: timedelta) -> SyncClientBuilder:
    """A client that connects to `address` for the host `name`, whatever that name resolves to later.

    Certificates are those that the machine trusts; SSL_CERT_FILE names others.
    """
    builder = (
        SyncClientBuilder()
        .follow_redirects(False)  # a redirect would carry the signature to another host
        .no_proxy()  # a proxy would resolve the name itself
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .connect_timeout(connect)
        .read_timeout(silence)
        .user_agent("flowservice")
    )
    return builder if address == name else builder.resolve(name, address, 0)
