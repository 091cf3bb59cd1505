"""Where a connector may connect to. Callers of the API choose hosts, so each is checked at the very address dialled.

A connector takes the host out of its configuration with `host_of`, asks `Egress.addresses` for it, and connects to one
of the addresses that it gets: never by name, which may resolve to something else a moment later. It follows no redirect
without asking again, and uses no proxy of the environment, which would resolve the name itself.
"""

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from flowservice.errors import BadField, DestinationRefused, Unreachable

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver: TypeAlias = Callable[[str], Sequence[str]]
"""The addresses of a name. Raises OSError."""

# A look-up that takes too long cannot be ended, only left to itself: as many as these may be on their way.
_LOOKUPS: Final = 256
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# A host whose last label looks like a number is an IPv4 address to URL parsers (url.spec.whatwg.org, host parsing).
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")

_NEVER: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host on this network: connects to loopback
        "169.254.0.0/16",  # link-local, with the metadata services of most clouds
        "100.100.100.200/32",  # metadata service of Alibaba Cloud
        "168.63.129.16/32",  # platform service of Azure virtual machines
        "192.0.0.0/24",  # protocol assignments, with the metadata service of Oracle Cloud
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/128",
        "64:ff9b:1::/48",  # translation for local use: what it leads to, only its network knows
        "fe80::/10",
        "fec0::/10",  # site-local, given up
        "fd00:ec2::/32",  # metadata service of Amazon EC2
        "fd20:ce::/32",  # metadata service of Google Cloud
        "ff00::/8",
    )
)
_EMBEDDING: Final = (
    # (network, how many low bits lie right of the IPv4 address in it)
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)


@dataclass(frozen=True, slots=True)
class Destinations:
    """Networks and host names, as an operator lists them: `10.1.0.0/16`, `db.example.com`, `*.example.com`, `*`."""

    networks: tuple[Network, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Destinations":
        """Raises BadField for what is neither a network nor a host name."""
        networks: list[Network] = []
        names: list[str] = []
        for text in texts:
            word = text.strip().lower().rstrip(".")
            try:
                networks.append(ipaddress.ip_network(word, strict=False))
            except ValueError:
                if word != "*" and not _is_name(word.removeprefix("*.")):
                    raise BadField(
                        f"{text[:80]!r} is neither a network nor a host name",
                        advice="Write 10.1.0.0/16, db.example.com or *.example.com.",
                    ) from None
                names.append(word)
        return cls(tuple(networks), tuple(names))

    def hold(self, host: str, address: Address) -> bool:
        """Whether the destination is one of them, by its name or by its address."""
        if any(name in {"*", host} or (name[:2] == "*." and host.endswith(name[1:])) for name in self.names):
            return True
        return any(address.version == network.version and address in network for network in self.networks)


def system_addresses(name: str) -> Sequence[str]:
    """What the system's resolver says, in its order."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """The policy. Denied beats allowed; link-local, metadata and multicast addresses are refused in any case."""

    local: bool = False
    """Whether loopback and private addresses may be reached without being allowed one by one."""
    allowed: Destinations = Destinations()
    denied: Destinations = Destinations()
    only_allowed: bool = False
    """Whether what is not allowed by name or network is refused, public addresses too."""
    host_identity: bool = False
    """Whether connections may sign in as the machine that the server runs on. Its token comes from where the machine's
    own configuration says, such as the metadata address: no caller chooses that."""
    resolve: Resolver = system_addresses
    lookup_s: float = 4.0
    """How long a name is looked up at most. The system's resolver may take minutes; a check answers within 10 s."""
    lookups: threading.Semaphore = field(
        default_factory=lambda: threading.Semaphore(_LOOKUPS), repr=False, compare=False
    )
    """Places for look-ups under way, those that nobody waits for any more among them."""

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of `host` to connect to, in order of preference.

        One refused address among them refuses the host: it is a name that somebody tries things with. Raises BadField
        for a host in an odd form, DestinationRefused, Unreachable for a name without address.
        """
        found = self.find(host)
        self.allow(host, found)
        return tuple(str(address) for address in found)

    def find(self, host: str) -> tuple[Address, ...]:
        """The addresses that `host` has, whether or not they may be reached. Raises BadField, Unreachable."""
        name = _named(host)
        literal = _literal(name)
        return (literal,) if literal is not None else tuple(self._resolved(name))

    def allow(self, host: str, found: Sequence[Address]) -> None:
        """Return if all addresses that were found for `host` may be connected to. Raises DestinationRefused."""
        name = _named(host)
        if not all(self._may_reach(name, address) for address in found):
            raise DestinationRefused(
                f"this server may not connect to {name[:100]}",
                advice="Only its operator can allow that: see the settings egress_allowed, egress_denied and "
                "egress_local. Link-local and metadata addresses are never allowed.",
            )

    def may_use_host_identity(self) -> None:
        """Return if connections may sign in as this machine. Raises DestinationRefused."""
        if not self.host_identity:
            raise DestinationRefused(
                "connections of this server may not sign in with its managed identity",
                advice="Only its operator can allow that, by the setting managed_identity; or sign in otherwise.",
            )

    def _resolved(self, name: str) -> list[Address]:
        until = time.monotonic() + self.lookup_s
        if not self.lookups.acquire(timeout=self.lookup_s):
            raise Unreachable(
                f"{name[:100]} cannot be reached: too many names are being looked up at once",
                advice="Try again; if it stays so, look at the name server: it answers slowly or not at all.",
            )
        texts: list[str] = []
        failed: list[Exception] = []

        def look_up() -> None:
            try:
                texts.extend(self.resolve(name))
            except (OSError, UnicodeError) as error:
                failed.append(error)
            finally:
                self.lookups.release()

        looking = threading.Thread(target=look_up, daemon=True, name="resolver")
        try:
            looking.start()
        except RuntimeError:  # the system gives no more threads
            self.lookups.release()
            raise
        looking.join(max(0.0, until - time.monotonic()))
        if looking.is_alive() or failed or not texts:
            raise Unreachable(
                f"{name[:100]} cannot be reached: the name is unknown",
                advice="Check the spelling, and the name server.",
            )
        return [ipaddress.ip_address(text.partition("%")[0]) for text in texts]

    def _may_reach(self, host: str, address: Address) -> bool:
        faces = [address, *_embedded(address)]
        if any(face.version == network.version and face in network for face in faces for network in _NEVER):
            return False
        if any(self.denied.hold(host, face) for face in faces):
            return False
        return self._passes(host, address)

    def _passes(self, host: str, address: Address) -> bool:
        """Whether what is not denied may be reached: an address that stands for others, if all of those may."""
        if self.allowed.hold(host, address):
            return True
        embedded = _embedded(address)
        if embedded:
            # A Teredo address leads to its client, which is whoever wrote it says: an allowed server is not enough.
            return all(self._passes(host, face) for face in embedded)
        return not self.only_allowed and (self.local or address.is_global)


def host_of(url: str) -> str:
    """The host of an http or https URL. Raises BadField for a URL that parsers read in different ways."""
    if not url.isascii() or any(ord(char) <= 32 or char in '\\"<>^`{|}' for char in url):
        raise BadField("an address holds characters that no address has", advice="Write it in plain ASCII.")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadField("an address is not a valid http or https address", advice="Check host and port.") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise BadField("an address is not a valid http or https address", advice="Write http:// or https:// in full.")
    if "@" in parts.netloc:
        raise BadField("an address may not hold a user name or password", advice="Leave out what stands before the @.")
    return canonical(f"[{host}]" if ":" in host else host)


def canonical(host: str) -> str:
    """`host` in lower case: a name, an IPv4 address in four plain numbers, or an IPv6 address without its brackets.

    Raises BadField for any other way to write one: what another parser takes for 127.0.0.1 may look like a name here.
    """
    word = host.lower() if host.isascii() else ""
    try:
        if word.startswith("[") and word.endswith("]"):
            address = ipaddress.IPv6Address(word[1:-1])
            if address.scope_id is None:
                return str(address)
        elif _NUMBER.fullmatch(word.rpartition(".")[2]):
            return str(ipaddress.IPv4Address(word))
        elif _is_name(word):
            return word
    except ValueError:
        pass
    raise BadField(
        "the host is neither a host name nor an address in its usual form",
        advice="Write a name in ASCII letters, an IPv4 address as four decimal numbers, an IPv6 address in brackets.",
    )


def _is_name(word: str) -> bool:
    return 0 < len(word) <= 253 and all(_LABEL.fullmatch(label) for label in word.split("."))


def _named(host: str) -> str:
    return host if ":" in host else canonical(host)


def _literal(name: str) -> Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _embedded(address: Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, translated or tunnelled."""
    if isinstance(address, ipaddress.IPv4Address) or address.is_loopback:
        return []
    number = int(address)
    found = [ipaddress.IPv4Address(number >> shift & 0xFFFFFFFF) for network, shift in _EMBEDDING if address in network]
    return found + list(address.teredo or ())
