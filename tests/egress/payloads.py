"""Connection strings that try to reach what they may not, one a line of a table: where the host stands, and the host.

The addresses are those that servers were tricked with: other ways to write loopback and metadata addresses, IPv4 inside
IPv6, names that resolve to them, names that change their mind, and redirects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

KEY: Final = "c2VjcmV0LWtleS1vZi1ub2JvZHk="
PUBLIC: Final = "93.184.216.34"
"""An address that may be reached; the network of the test answers in its place."""
PUBLIC_6: Final = "2606:2800:220:1:248:1893:25c8:1946"

ODD_IPV4: Final = (
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "127.000.000.001", "127.0.0.01", "2130706433",
    "02130706433", "0x7f000001", "0x7F000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "0177.0x0.0.1", "017700000001",
    "0x7f.0x0.0x0.0x1", "127.0.0.0x1", "127.0.0.1.", "0", "0.0", "0.0.0.0", "00.00.00.00", "0x0", "0.0.0.1",
    "4294967295", "4294967296", "4294967297", "127.0.0.256", "1.2.3.4.5", "169.254.169.254", "169.254.0.1",
    "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "169.254.43518", "169.16689662",
    "10.0.0.1", "10.1", "167772161", "0x0a000001", "012.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.0.1",
    "192.168.1", "3232235521", "0xc0a80001", "100.64.0.1", "100.127.255.254", "100.100.100.200", "168.63.129.16",
    "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
)  # fmt: skip
IPV6: Final = (
    "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0001]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::FFFF:127.0.0.1]", "[::ffff:0:127.0.0.1]", "[::127.0.0.1]",
    "[::7f00:1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::169.254.169.254]", "[::ffff:10.0.0.1]",
    "[::ffff:192.168.0.1]", "[::ffff:0.0.0.0]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:a00:1::]", "[2001:0:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[fe80::a9fe:a9fe]",
    "[fec0::1]", "[fc00::1]", "[fd00::1]", "[fd12:3456:789a::1]", "[fd00:ec2::254]", "[fd20:ce::254]", "[ff02::1]",
    "[ff05::1:3]", "[2001:db8::1]", "[100::1]", "[::1%25lo]", "[v1.127.0.0.1]", "::1", "[::1", "::1]", "[[::1]]",
)  # fmt: skip
UNICODE: Final = (
    "１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1", "127｡0｡0｡1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "ｌｏｃａｌｈｏｓｔ",
    "locaℓhost", "𝟏𝟐𝟕.𝟎.𝟎.𝟏", "127.0.0.1\u200b",
    "127.0.0.1\u00ad", "\ufeff127.0.0.1", "lоcalhost", "127\u06d40.0.1", "[::１]",
)  # fmt: skip
TRICKS: Final = (
    "%31%32%37.0.0.1", "127.0.0.%31", "%6c%6f%63alhost", "localhost%00.example.com", "127.0.0.1%2f.example.com",
    "user@127.0.0.1", "user:password@127.0.0.1", "example.com@127.0.0.1", "example.com:80@127.0.0.1",
    "127.0.0.1\\@example.com", "example.com\\@127.0.0.1", "example.com\\.127.0.0.1", "127.0.0.1#.example.com",
    "127.0.0.1?.example.com", "127.0.0.1 .example.com", "127.0.0.1\t", "127.0.0\t.1", "127.0.0.1\n", "\n127.0.0.1",
    "127.0.0.1\r\nX-Injected: 1", "127.0.0.1\x00", "127.0.0.1\x00.example.com", "a.b..c", ".127.0.0.1", "-", "*",
    "127.0.0.1,example.com", "example.com&@127.0.0.1", "127.0.0.1:80:80", "127.0.0.1:999999", "127.0.0.1:-1",
    "127.0.0.1:0x50", "localhost", "LOCALHOST", "localhost.", "a" * 64 + ".example.com", "a." * 200 + "com",
)  # fmt: skip

LOOP, METADATA, PRIVATE = "127.0.0.1", "169.254.169.254", "10.7.0.1"
NAMES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    # Every look-up takes the next entry, and the last one from then on.
    "loop.example": ((LOOP,),),
    "metadata.example": ((METADATA,),),
    "private.example": ((PRIVATE,),),
    "azure-host.example": (("168.63.129.16",),),
    "zero.example": (("0.0.0.0",),),
    "loop6.example": (("::1",),),
    "mapped.example": (("::ffff:127.0.0.1",),),
    "translated.example": (("64:ff9b::7f00:1",),),
    "tunnelled.example": (("2002:7f00:1::",),),
    "unique-local.example": (("fd00:ec2::254",),),
    "link-local.example": (("fe80::1",),),
    "public-first.example": ((PUBLIC, LOOP),),
    "public-last.example": ((LOOP, PUBLIC),),
    "public-and-loop6.example": ((PUBLIC, "::1"),),
    "public-and-metadata.example": ((PUBLIC, METADATA),),
    "nothing.example": ((),),
    "127.0.0.1.nip.example": ((LOOP,),),
    "xn--lcalhost-55a.example": ((LOOP,),),
}
REBINDING: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "rebinding.example": ((PUBLIC,), (LOOP,)),
    "rebinding-to-metadata.example": ((PUBLIC,), (METADATA,)),
    "rebinding-to-private.example": ((PUBLIC,), (PRIVATE,)),
    "rebinding-to-loop6.example": ((PUBLIC,), ("::1",)),
    "rebinding-late.example": ((PUBLIC,), (PUBLIC,), (LOOP,)),
}
REDIRECTS: Final = (
    "http://127.0.0.1/", "http://127.0.0.1:10002/", "https://127.0.0.1/", "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://localhost/", "http://2130706433/", "//127.0.0.1/",
    "http://10.7.0.1/", "http://loop.example/", "http://0/", "gopher://127.0.0.1:6379/_", "file:///etc/passwd",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Payload:
    """A connection string, and what it may reach at most."""

    name: str
    text: str
    reaches: tuple[str, ...] = ()
    """Addresses at which connections are fine."""
    must_reach: bool = False
    """Whether one of them must be seen: that it is shows that the observer sees."""
    location: str | None = None
    """Where the host that is reached redirects to."""
    auth: Mapping[str, Any] | None = None
    """Another way to sign in, in place of the connection string."""


def _at(endpoint: str, *, account: str = "account") -> str:
    return f"AccountName={account};AccountKey={KEY};TableEndpoint={endpoint}"


def payloads() -> Iterator[Payload]:
    """All of them."""
    hosts = (*ODD_IPV4, *IPV6, *UNICODE, *TRICKS)
    for host in (*hosts, *NAMES):
        yield Payload(name=f"TableEndpoint http {host[:60]!r}", text=_at(f"http://{host}/account"))
    for host in (LOOP, METADATA, "[::1]", "[::ffff:169.254.169.254]", "2130706433", "loop.example"):
        yield Payload(name=f"TableEndpoint https {host}", text=_at(f"https://{host}:443/account"))
        yield Payload(name=f"TableEndpoint without scheme {host}", text=_at(f"{host}/account"))
        yield Payload(name=f"TableEndpoint in upper case {host}", text=_at(f"HTTP://{host.upper()}:8888/account"))
        text = f"UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://{host}"
        yield Payload(name=f"DevelopmentStorageProxyUri {host}", text=text)
        text = f"UseDevelopmentStorage=true;DevelopmentStorageProxyUri={host}"
        yield Payload(name=f"DevelopmentStorageProxyUri without scheme {host}", text=text)
        for scheme in ("http", "https"):
            start = f"DefaultEndpointsProtocol={scheme};AccountKey={KEY};"
            yield Payload(name=f"AccountName {scheme} {host}", text=f"{start}AccountName={host}/x")
            yield Payload(name=f"AccountName with port {scheme} {host}", text=f"{start}AccountName={host}:80#")
            suffix = f"{start}AccountName=a;EndpointSuffix="
            yield Payload(name=f"EndpointSuffix {scheme} {host}", text=f"{suffix}x@{host}/")
            yield Payload(name=f"EndpointSuffix as host {scheme} {host}", text=f"{suffix}{host}")
        sas = f"TableEndpoint=http://{host}/a;SharedAccessSignature=sv=1&sig=secret"
        yield Payload(name=f"SharedAccessSignature {host}", text=sas)
        sas = f"TableEndpoint=http://{PUBLIC}/a;SharedAccessSignature=sig=1&tn=x/../../@{host}"
        yield Payload(name=f"SharedAccessSignature for a table {host}", text=sas, reaches=(PUBLIC,))
        second = f"{_at(f'http://{PUBLIC}/account')};TableSecondaryEndpoint=http://{host}/account"
        yield Payload(name=f"TableSecondaryEndpoint {host}", text=second, reaches=(PUBLIC,))
        yield Payload(name=f"BlobEndpoint {host}", text=f"{_at(f'http://{PUBLIC}/a')};BlobEndpoint=http://{host}/",
                      reaches=(PUBLIC,))  # fmt: skip
    yield Payload(name="UseDevelopmentStorage", text="UseDevelopmentStorage=true")
    for host in REBINDING:
        yield Payload(name=f"rebinding {host}", text=_at(f"http://{host}/account"), reaches=(PUBLIC,))
    for location in REDIRECTS:
        yield Payload(name=f"redirect to {location}", text=_at(f"http://{PUBLIC}/account"), reaches=(PUBLIC,),
                      must_reach=True, location=location)  # fmt: skip
    for name, host, address in (
        ("public", PUBLIC, PUBLIC),
        ("public on another port", f"{PUBLIC}:8888", PUBLIC),
        ("public IPv6", f"[{PUBLIC_6}]", PUBLIC_6),
        ("public name", "public.example", PUBLIC),
        ("allowed by the operator", "10.99.0.1", "10.99.0.1"),
        ("allowed by its name", "allowed.example", "10.98.0.1"),
    ):
        yield Payload(name=name, text=_at(f"http://{host}/account"), reaches=(address,), must_reach=True)
    yield from _other_ways()
    yield Payload(name="denied by the operator", text=_at("http://93.184.216.99/account"))
    yield Payload(name="denied by its name", text=_at("http://denied.example/account"))


def _other_ways() -> Iterator[Payload]:
    """Ways to sign in that have an endpoint of their own, an authority, or the machine's identity."""
    key = {"accountName": "account", "accountKey": KEY}
    principal = {"accountName": "account", "servicePrincipalKey": KEY, "servicePrincipalId": SOMEBODY}
    for host in (LOOP, METADATA, "[::1]", "[::ffff:169.254.169.254]", "2130706433", "loop.example", "localhost"):
        way = {"specName": "Account Key Authentication", "params": {**key, "endpoint": f"http://{host}/account"}}
        yield Payload(name=f"endpoint {host}", text="", auth=way)
        way = {"specName": "SAS URI Authentication", "params": {"sasUri": f"http://{host}/account?sp=r&sig={KEY}"}}
        yield Payload(name=f"sasUri {host}", text="", auth=way)
        for tenant in (SOMEBODY, "contoso.example"):
            params = {**principal, "tenant": tenant, "endpoint": f"https://{host}/account"}
            way = {"specName": "Service Principal Based Authentication", "params": params}
            yield Payload(name=f"service principal of {tenant} at {host}", text="", auth=way)
        for tenant in (host, f"x@{host}", f"{host}/..", f"..%2f..%2f{host}"):
            way = {"specName": "Service Principal Based Authentication", "params": {**principal, "tenant": tenant}}
            yield Payload(name=f"tenant {tenant}", text="", auth=way)
        params = {"accountName": "account", "endpoint": f"https://{host}/account"}
        yield Payload(name=f"managed identity at {host}", text="",
                      auth={"specName": "Managed Identity Authentication", "params": params})  # fmt: skip
    for cloud in ("AzurePublic", "AzureChina", "AzureUsGovernment"):
        params = {**principal, "tenant": SOMEBODY, "azureCloudType": cloud}
        yield Payload(name=f"authority of {cloud} that resolves to somewhere else", text="",
                      auth={"specName": "Service Principal Based Authentication", "params": params})  # fmt: skip
    way = {"specName": "Managed Identity Authentication", "params": {"accountName": "account"}}
    yield Payload(name="managed identity", text="", auth=way)


SOMEBODY: Final = "7c1f1a2e-5d0b-4f6a-9a43-2a9a3c1b7e11"

RECORDS: Final = {
    **NAMES,
    **REBINDING,
    "public.example": ((PUBLIC,),),
    "allowed.example": (("10.98.0.1",),),
    "denied.example": ((PUBLIC,),),
    "account.table.core.windows.net": ((PUBLIC,),),
    "account.table.core.chinacloudapi.cn": ((PUBLIC,),),
    "account.table.core.usgovcloudapi.net": ((PUBLIC,),),
    "login.microsoftonline.com": ((METADATA,),),
    "login.chinacloudapi.cn": ((LOOP,),),
    "login.microsoftonline.us": ((PRIVATE,),),
}
"""What the name server of the test knows."""
ENVIRONMENT: Final = {
    "FLOWSERVICE_EGRESS_LOCAL": "false",
    "FLOWSERVICE_EGRESS_ALLOWED": f"10.99.0.0/16,allowed.example,{METADATA}",
    "FLOWSERVICE_EGRESS_DENIED": "93.184.216.99,*.denied.example,denied.example",
}
"""What the operator of the test says. Metadata addresses stay out of reach although allowed here."""
