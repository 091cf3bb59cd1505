"""A network of the test's own in which every address leads to one observer, and names resolve as the test says.

A network namespace whose local routing table takes all addresses for its own (`local 0.0.0.0/0 dev lo`): whatever is
dialled arrives here, metadata services and the whole internet included, and nothing leaves the machine.
"""

import ctypes
import fcntl
import os
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

PORTS: Final = (80, 443, 8888, 10002)

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
# linux/rtnetlink.h
_NEW_ROUTE, _REQUEST_ACK_CREATE = 24, 0x1 | 0x4 | 0x400
_TABLE_LOCAL, _BOOT, _SCOPE_HOST, _TYPE_LOCAL, _OIF = 255, 3, 254, 2, 4


def enter() -> None:
    """Move this process into such a network. Raises OSError where the kernel allows no user namespaces.

    Some distributions keep them from all but root: sysctl kernel.apparmor_restrict_unprivileged_userns=0 lets them.
    """
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_NET):
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
    for family in (socket.AF_INET, socket.AF_INET6):
        _take_all(family)


def _take_all(family: int) -> None:
    route = struct.pack("BBBBBBBBI", family, 0, 0, 0, _TABLE_LOCAL, _BOOT, _SCOPE_HOST, _TYPE_LOCAL, 0)
    through = struct.pack("HHI", 8, _OIF, socket.if_nametoindex("lo"))
    length = 16 + len(route) + len(through)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.send(struct.pack("IHHII", length, _NEW_ROUTE, _REQUEST_ACK_CREATE, 1, 0) + route + through)
        (error,) = struct.unpack("i", link.recv(4096)[16:20])
    if error:
        raise OSError(-error, "route")


@dataclass
class Observer:
    """Accepts every connection, notes the address that was dialled, and answers as a table service or redirects."""

    location: str | None = None
    dialled: "Counter[str]" = field(default_factory=Counter)

    def start(self) -> None:
        """Listen on all addresses."""
        for port in PORTS:
            listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def seen(self) -> list[str]:
        """The addresses dialled since the last call, once what is under way has arrived."""
        time.sleep(0.02)
        found, self.dialled = self.dialled, Counter()
        return sorted(found.elements())

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            address = ip_address(connection.getsockname()[0])
            mapped = getattr(address, "ipv4_mapped", None)
            self.dialled[str(mapped or address)] += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                while b"\r\n\r\n" not in (received := connection.recv(65_536)) and received:
                    pass
                body = b'{"value":[]}'
                head = (
                    "HTTP/1.1 200 OK" if self.location is None else f"HTTP/1.1 302 Found\r\nLocation: {self.location}"
                )
                connection.sendall(
                    f"{head}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                    "Connection: close\r\n\r\n".encode()
                    + body
                )
            except OSError:
                return


@dataclass
class NameServer:
    """A DNS server for A and AAAA (RFC 1035) that changes its mind: each look-up takes a name's next answer."""

    records: Mapping[str, Sequence[Sequence[str]]]
    asked: "Counter[tuple[str, int]]" = field(default_factory=Counter)

    def start(self) -> None:
        """Serve at the address of the first name server that the system knows."""
        known = [line.split()[1] for line in Path("/etc/resolv.conf").read_text().splitlines() if "nameserver" in line]
        address = known[0] if known else "127.0.0.1"
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = socket.socket(family, socket.SOCK_DGRAM)
        server.bind((address, 53))
        threading.Thread(target=self._serve, args=(server,), daemon=True).start()

    def _serve(self, server: socket.socket) -> None:
        while True:
            query, sender = server.recvfrom(4096)
            server.sendto(self._answered(query), sender)

    def _answered(self, query: bytes) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1").lower())
            at += 1 + query[at]
        name, question = ".".join(labels), query[12 : at + 5]
        (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
        answers = self.records.get(name)
        found = [] if answers is None else answers[min(self.asked[name, kind], len(answers) - 1)]
        self.asked[name, kind] += 1
        wanted = [ip_address(text).packed for text in found if (4 if kind == 1 else 6) == ip_address(text).version]
        missing = 0 if answers is not None else 3
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | missing, 1, len(wanted), 0, 0)
        # A time to live of 0: ask again for every connection.
        records = [struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(packed)) + packed for packed in wanted]
        return head + question + b"".join(records)
