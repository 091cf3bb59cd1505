"""Where a server lets its connectors connect to."""

import threading
import time
from collections.abc import Sequence

import pytest

from flowservice.errors import BadField, DestinationRefused, Unreachable
from flowservice.sdk import Destinations, Egress, canonical, host_of

LOOPBACK = ("127.0.0.1", "::1", "127.8.9.10")
PRIVATE = ("10.0.0.1", "172.16.5.5", "192.168.1.1", "100.64.0.9", "fd12::1", "fc00::1")
NEVER = ("169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "fd00:ec2::254",
         "168.63.129.16", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::")  # fmt: skip
PUBLIC = ("93.184.216.34", "2606:2800:220:1::1", "20.60.1.1")


def answering(*addresses: str) -> Egress:
    """A policy whose resolver answers so."""
    return Egress(resolve=lambda _: addresses)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address: str) -> None:
    assert answering(address).addresses("account.example") == (address,)


@pytest.mark.parametrize("address", [*LOOPBACK, *PRIVATE, *NEVER])
def test_others_may_not(address: str) -> None:
    with pytest.raises(DestinationRefused, match=r"account\.example"):
        answering(address).addresses("account.example")
    with pytest.raises(DestinationRefused):
        answering(PUBLIC[0], address).addresses("account.example")


@pytest.mark.parametrize("address", [*LOOPBACK, *PRIVATE])
def test_on_a_laptop_loopback_and_private_addresses_may_be_reached(address: str) -> None:
    assert Egress(local=True, resolve=lambda _: [address]).addresses("host.example") == (address,)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_link_local_addresses_never_may(address: str) -> None:
    everything = Destinations.of(["*", "0.0.0.0/0", "::/0", address])
    with pytest.raises(DestinationRefused):
        Egress(local=True, allowed=everything, resolve=lambda _: [address]).addresses("host.example")


def test_an_operator_allows_by_network_and_by_name() -> None:
    allowed = Destinations.of(["10.1.0.0/16", "*.internal.example", "db.example"])
    policy = Egress(allowed=allowed, resolve=lambda _: ["10.2.0.1"])
    assert policy.addresses("a.internal.example") == ("10.2.0.1",)
    assert policy.addresses("db.example") == ("10.2.0.1",)
    assert policy.addresses("10.1.2.3") == ("10.1.2.3",)
    for refused in ("internal.example", "xinternal.example", "db.example.com", "10.2.0.1"):
        with pytest.raises(DestinationRefused):
            policy.addresses(refused)


def test_denied_beats_allowed() -> None:
    some = Destinations.of(["93.184.216.0/24", "a.example"])
    policy = Egress(allowed=Destinations.of(["*"]), denied=some, resolve=lambda _: ["20.60.1.1"])
    assert policy.addresses("b.example") == ("20.60.1.1",)
    for refused in ("a.example", "93.184.216.34"):
        with pytest.raises(DestinationRefused):
            policy.addresses(refused)


def test_only_what_is_allowed_if_the_operator_says_so() -> None:
    policy = Egress(local=True, allowed=Destinations.of(["20.60.0.0/16"]), only_allowed=True)
    assert policy.addresses("20.60.1.1") == ("20.60.1.1",)
    for refused in ("93.184.216.34", "127.0.0.1"):
        with pytest.raises(DestinationRefused):
            policy.addresses(refused)


TEREDO = "2001:0:808:808::f5ff:fffe"
"""Of the server 8.8.8.8 and the client 10.0.0.1 (RFC 4380, section 4: the client's bits are inverted)."""


@pytest.mark.parametrize("local", [True, False])
def test_a_tunnel_through_an_allowed_server_does_not_lead_to_others(local: bool) -> None:
    server = Destinations.of(["8.8.8.0/24"])
    for policy in (Egress(allowed=server), Egress(allowed=server, only_allowed=True, local=local)):
        with pytest.raises(DestinationRefused):
            policy.addresses(TEREDO)
    assert Egress(allowed=Destinations.of(["8.8.8.0/24", "10.0.0.0/8"]), only_allowed=True).addresses(TEREDO)
    assert Egress(allowed=Destinations.of(["10.0.0.0/8"])).addresses(TEREDO)
    assert Egress(allowed=Destinations.of(["2001::/32"]), only_allowed=True).addresses(TEREDO)


@pytest.mark.parametrize("address", ["::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::1"])
def test_an_address_that_stands_for_an_allowed_one_may_be_reached(address: str) -> None:
    allowed = Destinations.of(["10.1.0.0/16"])
    for policy in (Egress(allowed=allowed), Egress(allowed=allowed, only_allowed=True)):
        assert len(policy.addresses(address)) == 1
    with pytest.raises(DestinationRefused):
        Egress(allowed=Destinations.of(["10.2.0.0/16"])).addresses(address)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "http://x/", "a b", "", "*.*.example", "ex*mple.com"])
def test_what_is_neither_network_nor_name_cannot_be_allowed(text: str) -> None:
    with pytest.raises(BadField):
        Destinations.of([text])


def test_a_name_without_address_and_a_resolver_that_hangs_are_unreachable() -> None:
    def failing(_: str) -> Sequence[str]:
        raise OSError("no such name")

    def hanging(_: str) -> Sequence[str]:
        time.sleep(60)
        return ()

    for resolve in (failing, hanging, lambda _: ()):
        started = time.monotonic()
        with pytest.raises(Unreachable, match=r"host\.example"):
            Egress(resolve=resolve).addresses("host.example")
        assert time.monotonic() - started < 8


def test_look_ups_that_hang_do_not_pile_up() -> None:
    answers, places = threading.Event(), 3
    asked: list[str] = []

    def waiting(name: str) -> Sequence[str]:
        asked.append(name)
        answers.wait(60)
        return PUBLIC[:1]

    policy = Egress(resolve=waiting, lookup_s=0.1, lookups=threading.Semaphore(places))
    for _ in range(places):
        with pytest.raises(Unreachable, match="name is unknown"):
            policy.addresses("slow.example")
    for _ in range(places):
        with pytest.raises(Unreachable, match="too many names"):
            policy.addresses("slow.example")
    assert len(asked) == places
    # An address needs no look-up, and no place.
    assert policy.addresses(PUBLIC[0]) == PUBLIC[:1]
    answers.set()
    assert Egress(resolve=waiting, lookups=policy.lookups).addresses("slow.example") == PUBLIC[:1]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Account.table.core.windows.net", "account.table.core.windows.net"),
        ("http://127.0.0.1:10002/devstoreaccount1", "127.0.0.1"),
        ("http://[0:0::1]:10002/x", "::1"),
        ("http://my_host-1:8080/", "my_host-1"),
    ],
)
def test_the_host_of_a_sound_url(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.1.", "a.0x7f", "\uff11.0.0.1", "a..b", "-a",
     "[::1%lo]", "[127.0.0.1]", "a" * 64, "", "\u212a.example", "a.example."],
)  # fmt: skip
def test_a_host_in_an_odd_form_is_refused(host: str) -> None:
    with pytest.raises(BadField):
        canonical(host)
