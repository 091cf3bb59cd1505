"""Every row of the table of connection strings that people paste."""

import base64
from datetime import UTC, datetime

import pytest

from flowservice.connectors.azure_table import BY_CONNECTION_STRING, Config, Params, connector
from flowservice.connectors.azure_table.account import COSMOS_EMULATOR_KEY, EMULATOR_KEY, SharedKey
from flowservice.connectors.azure_table.connection_string import parse
from flowservice.connectors.azure_table.sas import Sas
from flowservice.errors import BadField, UnknownAuth
from flowservice.sdk import json_schema, parsed, secret_fields
from tests.connectors.azure_table.table_server import LAPTOP

KEY = "c2VjcmV0LWtleQ=="


@pytest.mark.parametrize(
    ("text", "endpoint", "secondary"),
    [
        (
            f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={KEY};EndpointSuffix=core.windows.net",
            "https://acct.table.core.windows.net",
            "https://acct-secondary.table.core.windows.net",
        ),
        (
            f"AccountName=acct;AccountKey={KEY}",
            "https://acct.table.core.windows.net",
            "https://acct-secondary.table.core.windows.net",
        ),
        (
            f"DefaultEndpointsProtocol=http;AccountName=acct;AccountKey={KEY};",
            "http://acct.table.core.windows.net",
            "http://acct-secondary.table.core.windows.net",
        ),
        (
            f"AccountName=a;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn",
            "https://a.table.core.chinacloudapi.cn",
            "https://a-secondary.table.core.chinacloudapi.cn",
        ),
        (
            f" accountname = acct ; ACCOUNTKEY = {KEY} ;; ",
            "https://acct.table.core.windows.net",
            "https://acct-secondary.table.core.windows.net",
        ),
        (
            f"AccountName=acct;AccountKey={KEY};TableEndpoint=acct.z12.table.storage.azure.net/",
            "https://acct.z12.table.storage.azure.net",
            None,
        ),
        (
            f"AccountName=acct;AccountKey={KEY};TableEndpoint=https://acct.table.cosmos.azure.com:443/;",
            "https://acct.table.cosmos.azure.com:443",
            None,
        ),
        (
            f"AccountName=x;AccountKey={KEY};TableEndpoint=http://h:1/x;TableSecondaryEndpoint=http://h:1/x-secondary",
            "http://h:1/x",
            "http://h:1/x-secondary",
        ),
        (
            f"AccountName=acct;AccountKey={KEY};BlobEndpoint=https://b;QueueEndpoint=https://q",
            "https://acct.table.core.windows.net",
            "https://acct-secondary.table.core.windows.net",
        ),
    ],
)
def test_the_endpoint_is_given_or_made_of_parts(text: str, endpoint: str, secondary: str | None) -> None:
    account = parse(text)
    assert (account.endpoint, account.secondary) == (endpoint, secondary)
    assert account.credential == SharedKey(b"secret-key")


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("UseDevelopmentStorage=true", "http://127.0.0.1:10002"),
        ("usedevelopmentstorage=TRUE;", "http://127.0.0.1:10002"),
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite:1234", "http://azurite:1234"),
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite/;", "http://azurite:10002"),
    ],
)
def test_the_emulator_has_a_name_of_its_own(text: str, root: str) -> None:
    account = parse(text)
    assert account.endpoint == f"{root}/devstoreaccount1"
    assert account.name == "devstoreaccount1"
    assert account.credential == SharedKey(base64.b64decode(EMULATOR_KEY))


@pytest.mark.parametrize("sas", ["?sv=2019-02-02&sp=r&sig=abc%3D", "sv=2019-02-02&sp=r&sig=abc%3D"])
def test_a_shared_access_signature_needs_an_endpoint_or_a_name(sas: str) -> None:
    by_endpoint = parse(f"TableEndpoint=https://acct.table.core.windows.net;SharedAccessSignature={sas}")
    by_name = parse(f"AccountName=acct;SharedAccessSignature={sas}")
    assert by_endpoint.credential == by_name.credential == Sas("sv=2019-02-02&sp=r&sig=abc%3D")
    assert by_endpoint.name == by_name.name == "acct"
    assert by_endpoint.endpoint == by_name.endpoint


def test_the_key_is_preferred_to_a_signature() -> None:
    both = parse(f"AccountName=a;AccountKey={KEY};SharedAccessSignature=sig=x")
    assert isinstance(both.credential, SharedKey)
    (warning,) = both.warnings(datetime(2026, 3, 1, tzinfo=UTC))
    assert "a key and a shared access signature" in warning
    assert KEY not in warning


COSMOS_KEY = f"AccountKey={COSMOS_EMULATOR_KEY}"


@pytest.mark.parametrize(
    ("text", "is_cosmos"),
    [
        (f"AccountName=acct;AccountKey={KEY};TableEndpoint=https://acct.table.cosmos.azure.com:443/", True),
        (f"AccountName=acct;AccountKey={KEY};TableEndpoint=https://acct.table.cosmosdb.azure.com/", True),
        (f"AccountName=acct;AccountKey={KEY};TableEndpoint=https://acct.table.cosmos.azure.cn/", True),
        # The emulator of Cosmos: as documented; by its name, port or key alone.
        (f"AccountName=localhost;{COSMOS_KEY};TableEndpoint=http://localhost:8902/", True),
        (f"AccountName=localhost;AccountKey={KEY};TableEndpoint=http://127.0.0.1:9999/", True),
        (f"AccountName=mine;AccountKey={KEY};TableEndpoint=https://emulator:8902/", True),
        (f"AccountName=mine;{COSMOS_KEY};TableEndpoint=https://emulator:9999/", True),
        (f"AccountName=mine;AccountKey={KEY};TableEndpoint=https://emulator:9999/", False),
        # An account of Azure may have any name.
        (f"AccountName=localhost;AccountKey={KEY}", False),
        (f"AccountName=localhost;AccountKey={KEY};EndpointSuffix=core.usgovcloudapi.net", False),
        ("UseDevelopmentStorage=true", False),
    ],
)
def test_cosmos_is_told_by_its_host_and_its_emulator_by_any_sign(text: str, is_cosmos: bool) -> None:
    assert parse(text).is_cosmos is is_cosmos


@pytest.mark.parametrize(
    ("endpoint", "is_secondary"),
    [
        ("https://acct-secondary.table.core.windows.net", True),
        ("http://127.0.0.1:10002/acct-secondary", True),
        ("https://acct.table.core.windows.net", False),
    ],
)
def test_the_address_of_the_secondary_is_known_as_such_and_signed_by_the_accounts_name(
    endpoint: str, is_secondary: bool
) -> None:
    by_key = parse(f"AccountName=acct;AccountKey={KEY};TableEndpoint={endpoint}")
    by_signature = parse(f"TableEndpoint={endpoint};SharedAccessSignature=sig=x")
    assert (by_key.name, by_key.is_secondary) == ("acct", is_secondary)
    assert (by_signature.name, by_signature.is_secondary) == ("acct", is_secondary)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "blank"),
        ("  ", "blank"),
        ("foo", "part 1"),
        ("AccountName=a;foo", "part 2"),
        (f"AccountName=a;AccountKey={KEY};accountname=b", "AccountName comes twice"),
        ("AccountName=a;AccountKey=", "AccountKey is empty"),
        ("AccountName=a", "AccountKey"),
        (f"AccountKey={KEY}", "AccountName"),
        (f"TableEndpoint=https://h;AccountKey={KEY}", "AccountName"),
        ("AccountName=a;AccountKey=not base64!", "AccountKey is not base64"),
        ("AccountName=a;AccountKey=c2VjcmV0LWtleQ", "AccountKey is not base64"),
        (f"AccountName=a;AccountKey={KEY};TableSecondaryEndpoint=https://h", "TableSecondaryEndpoint"),
        ("SharedAccessSignature=sig=x", "TableEndpoint"),
        ("AccountName=a;SharedAccessSignature=sv=1", "SharedAccessSignature"),
        ("AccountName=a;SharedAccessSignature=?", "SharedAccessSignature has no `sig`"),
        ("AccountName=a;SharedAccessSignature=sp=raud&ss=b&srt=sco&sig=foo", "SharedAccessSignature cannot read"),
        ("UseDevelopmentStorage=false", "UseDevelopmentStorage"),
        (f"AccountName=a;AccountKey={KEY};DefaultEndpointsProtocol=ftp", "DefaultEndpointsProtocol"),
        (f"AccountName=a;AccountKey={KEY};TableEndpoint=127.0.0.1:10002/a", "scheme"),
        (f"AccountName=a;AccountKey={KEY};TableEndpoint=[::1]:10002", "scheme"),
        (f"AccountName=a;AccountKey={KEY};TableEndpoint=LOCALHOST", "scheme"),
        (f"AccountName=a;AccountKey={KEY};TableEndpoint=http://h:port", "TableEndpoint"),
        (f"AccountName=a;AccountKey={KEY};TableEndpoint=ftp://h", "TableEndpoint"),
    ],
)
def test_a_refusal_names_the_key_and_quotes_no_value(text: str, named: str) -> None:
    with pytest.raises(BadField, match=named) as refused:
        parse(text)
    assert refused.value.advice
    for secret in (KEY, "not base64!", "c2VjcmV0LWtleQ", "foo"):
        assert secret not in str(refused.value)


def test_secrets_do_not_show_in_what_is_printed() -> None:
    assert "secret" not in repr(parse(f"AccountName=a;AccountKey={KEY}"))
    assert "hidden" not in repr(parse("AccountName=a;SharedAccessSignature=sig=hidden"))


def test_the_configuration_is_refused_with_the_field_and_without_the_value() -> None:
    with pytest.raises(BadField, match=r"auth/params/connectionString: .*AccountKey is not base64") as refused:
        parsed(Config, {"connectionString": "AccountName=a;AccountKey=oops!"}, at="auth/params")
    assert "oops" not in str(refused.value)


def test_the_spec_speaks_camel_case_and_hides_the_secret() -> None:
    assert secret_fields(Config) == {"connectionString"}
    schema = json_schema(Config)
    assert schema["required"] == ["connectionString"]
    assert schema["properties"]["connectionString"]["format"] == "password"
    assert set(json_schema(Params)["properties"]) == {"tableName", "columns", "filters"}


@pytest.mark.parametrize("name", ["ab", "1abc", "has-dash", "a" * 64, ""])
def test_a_table_name_is_letters_and_digits(name: str) -> None:
    with pytest.raises(BadField, match="tableName"):
        parsed(Params, {"tableName": name}, at="params")


def test_columns_may_be_what_explore_returned() -> None:
    column = {"name": "email", "type": "string", "meta:xdmType": "string"}
    params = parsed(Params, {"tableName": "customers", "columns": [column]}, at="params")
    assert isinstance(params, Params)
    assert params.columns is not None
    assert params.columns[0].name == "email"


def test_opening_dials_nothing_and_knows_its_auths() -> None:
    config = parsed(Config, {"connectionString": f"AccountName=nowhere;AccountKey={KEY}"}, at="params")
    connector.open(BY_CONNECTION_STRING, config, LAPTOP).close()
    with pytest.raises(UnknownAuth):
        connector.open("Basic", config, LAPTOP)
