"""Every way to sign in: what it asks for, and the account that its answers name."""

from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from pydantic import SecretStr

from flowservice.connectors.azure_table import connector
from flowservice.connectors.azure_table.account import EMULATOR_KEY, Account, SharedKey
from flowservice.connectors.azure_table.auths import AUTHS, Signin
from flowservice.errors import BadField, MissingField
from flowservice.sdk import json_schema, parsed, secret_fields
from tests.connectors.azure_table.authority import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.connectors.azure_table.signatures import account_sas, table_sas
from tests.connectors.azure_table.table_server import LAPTOP

HERE = replace(LAPTOP, host_identity=True)
WAYS = {auth.name: auth for auth in AUTHS}
SOUND: dict[str, dict[str, Any]] = {
    "Connection String Based Authentication": {"connectionString": f"AccountName=acct;AccountKey={EMULATOR_KEY}"},
    "Account Key Authentication": {"accountName": "acct", "accountKey": EMULATOR_KEY},
    "SAS URI Authentication": {"sasUri": f"https://acct.table.core.windows.net/?{account_sas()}"},
    "Service Principal Based Authentication": {
        "accountName": "acct",
        "tenant": TENANT,
        "servicePrincipalId": CLIENT_ID,
        "servicePrincipalKey": CLIENT_SECRET,
    },
    "Managed Identity Authentication": {"accountName": "acct"},
}
SECRETS: dict[str, set[str]] = {
    "Connection String Based Authentication": {"connectionString"},
    "Account Key Authentication": {"accountKey"},
    "SAS URI Authentication": {"sasUri"},
    "Service Principal Based Authentication": {"servicePrincipalKey"},
    "Managed Identity Authentication": set(),
}
BY_KEY = "Account Key Authentication"
BY_SAS = "SAS URI Authentication"
BY_PRINCIPAL = "Service Principal Based Authentication"
BY_IDENTITY = "Managed Identity Authentication"


def account(way: str, **params: Any) -> Account:
    """The account that sound params with others in their place name."""
    config = parsed(WAYS[way].config, {**SOUND[way], **params}, at="auth/params")
    assert isinstance(config, Signin)
    return config.account()


def test_adobes_own_way_comes_first() -> None:
    assert [auth.name for auth in connector.auths] == list(SOUND)


@pytest.mark.parametrize("way", SOUND)
def test_the_schema_of_a_way_tells_sound_from_unsound_and_marks_its_secrets(way: str) -> None:
    schema = json_schema(WAYS[way].config)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(SOUND[way], schema, cls=jsonschema.Draft7Validator)
    for name in schema["required"]:
        less = {key: value for key, value in SOUND[way].items() if key != name}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(less, schema, cls=jsonschema.Draft7Validator)
    hidden = {name for name, field in schema["properties"].items() if field.get("format") == "password"}
    assert hidden == secret_fields(WAYS[way].config) == SECRETS[way]
    assert all(field["title"] and field["description"] for field in schema["properties"].values())


@pytest.mark.parametrize("way", SOUND)
def test_nothing_shows_the_secrets_of_a_way(way: str) -> None:
    config = parsed(WAYS[way].config, SOUND[way], at="auth/params")
    assert isinstance(config, Signin)
    shown = f"{config!r}{config}{config.account()!r}{config.model_dump()}"
    for name in SECRETS[way]:
        secret = str(SOUND[way][name])
        assert secret not in shown
        assert secret.rpartition("sig=")[2][:40] not in shown


def test_a_masked_secret_is_bound_to_where_it_goes() -> None:
    for auth in AUTHS:
        fields = set(json_schema(auth.config)["properties"])
        assert auth.destination <= fields
        # Whatever says where to connect, and is no secret itself.
        said = fields & {"accountName", "endpoint", "azureCloudType", "service", "tenant", "readFromSecondary"}
        bound = said if secret_fields(auth.config) and said != {"readFromSecondary"} else frozenset()
        assert auth.destination == bound


@pytest.mark.parametrize("way", SOUND)
def test_a_member_too_many_or_too_few_is_named(way: str) -> None:
    with pytest.raises(BadField, match="auth/params/surplus"):
        parsed(WAYS[way].config, {**SOUND[way], "surplus": 1}, at="auth/params")
    for name in json_schema(WAYS[way].config)["required"]:
        with pytest.raises(MissingField, match=f"auth/params/{name}"):
            parsed(WAYS[way].config, {k: v for k, v in SOUND[way].items() if k != name}, at="auth/params")


@pytest.mark.parametrize("way", SOUND)
def test_opening_dials_nothing(way: str) -> None:
    connector.open(way, parsed(WAYS[way].config, SOUND[way], at="auth/params"), HERE).close()


def test_secret_fields_are_of_the_type_that_hides_them() -> None:
    for way, names in SECRETS.items():
        fields = {info.alias: info for info in WAYS[way].config.model_fields.values()}
        assert all(fields[name].annotation is SecretStr for name in names)


@pytest.mark.parametrize(
    ("params", "endpoint", "is_cosmos"),
    [
        ({}, "https://acct.table.core.windows.net", False),
        ({"azureCloudType": "AzureChina"}, "https://acct.table.core.chinacloudapi.cn", False),
        ({"azureCloudType": "AzureUsGovernment"}, "https://acct.table.core.usgovcloudapi.net", False),
        ({"service": "cosmos"}, "https://acct.table.cosmos.azure.com", True),
        ({"service": "cosmos", "azureCloudType": "AzureChina"}, "https://acct.table.cosmos.azure.cn", True),
        ({"service": "cosmos", "azureCloudType": "AzureUsGovernment"}, "https://acct.table.cosmos.azure.us", True),
        ({"endpoint": "https://acct.z9.table.storage.azure.net/"}, "https://acct.z9.table.storage.azure.net", False),
        ({"endpoint": "https://acct.table.cosmos.azure.com:443"}, "https://acct.table.cosmos.azure.com:443", True),
        ({"endpoint": "http://127.0.0.1:10002/acct"}, "http://127.0.0.1:10002/acct", False),
        ({"endpoint": "http://127.0.0.1:8902"}, "http://127.0.0.1:8902", True),
        ({"endpoint": "http://127.0.0.1:8902", "service": "storage"}, "http://127.0.0.1:8902", False),
        ({"endpoint": "http://emulator:8080", "service": "cosmos"}, "http://emulator:8080", True),
    ],
)
def test_an_account_is_found_by_its_cloud_and_service_or_by_its_endpoint(
    params: dict[str, Any], endpoint: str, is_cosmos: bool
) -> None:
    found = account(BY_KEY, **params)
    assert (found.endpoint, found.root, found.is_cosmos, found.is_secondary) == (endpoint, endpoint, is_cosmos, False)
    assert isinstance(found.credential, SharedKey)


@pytest.mark.parametrize(
    ("endpoint", "secondary"),
    [
        (None, "https://acct-secondary.table.core.windows.net"),
        ("https://acct.z9.table.storage.azure.net", "https://acct-secondary.z9.table.storage.azure.net"),
        ("http://127.0.0.1:10002/acct", "http://127.0.0.1:10002/acct-secondary"),
        ("https://acct-secondary.table.core.windows.net", "https://acct-secondary.table.core.windows.net"),
    ],
)
def test_the_secondary_is_read_on_request(endpoint: str | None, secondary: str) -> None:
    found = account(BY_KEY, endpoint=endpoint, readFromSecondary=True)
    assert (found.root, found.name, found.is_secondary) == (secondary, "acct", True)


def test_the_secondary_of_a_name_of_one_letter_is_made_of_parts() -> None:
    found = account(BY_KEY, accountName="a", readFromSecondary=True)
    assert found.root == "https://a-secondary.table.core.windows.net"


@pytest.mark.parametrize(
    ("uri", "endpoint", "table"),
    [
        ("https://acct.table.core.windows.net/?{account}", "https://acct.table.core.windows.net", None),
        ("https://acct.table.core.windows.net?{account}", "https://acct.table.core.windows.net", None),
        (" https://acct.table.core.windows.net/people?{table} ", "https://acct.table.core.windows.net", "people"),
        ("https://acct.table.core.windows.net/People?{table}", "https://acct.table.core.windows.net", "people"),
        ("https://acct.table.core.windows.net?{table}", "https://acct.table.core.windows.net", "people"),
        ("http://127.0.0.1:10002/acct?{account}", "http://127.0.0.1:10002/acct", None),
        ("http://127.0.0.1:10002/acct/people?{table}", "http://127.0.0.1:10002/acct", "people"),
        ("https://acct-secondary.table.example.com/?{account}", "https://acct-secondary.table.example.com", None),
    ],
)
def test_a_sas_uri_names_account_and_table(uri: str, endpoint: str, table: str | None) -> None:
    found = account(BY_SAS, sasUri=uri.format(account=account_sas(), table=table_sas("people")))
    assert (found.endpoint, found.name) == (endpoint, "acct")
    assert getattr(found.credential, "table", "") == table


@pytest.mark.parametrize("way", [BY_PRINCIPAL, BY_IDENTITY])
@pytest.mark.parametrize(
    ("cloud", "authority", "scopes"),
    [
        ("AzurePublic", "https://login.microsoftonline.com", ("https://storage.azure.com", "https://cosmos.azure.com")),
        ("AzureChina", "https://login.chinacloudapi.cn", ("https://storage.azure.cn", "https://cosmos.azure.cn")),
        (
            "AzureUsGovernment",
            "https://login.microsoftonline.us",
            ("https://storage.azure.us", "https://cosmos.azure.us"),
        ),
    ],
)
def test_the_cloud_says_who_gives_tokens_and_what_for(
    way: str, cloud: str, authority: str, scopes: tuple[str, str]
) -> None:
    found = account(way, azureCloudType=cloud)
    assert (found.cloud.authority, found.scope) == (authority, f"{scopes[0]}/.default")
    assert account(way, azureCloudType=cloud, service="cosmos").scope == f"{scopes[1]}/.default"


def test_a_service_principal_may_be_tried_on_an_emulator() -> None:
    assert account(BY_PRINCIPAL, endpoint="http://127.0.0.1:10002/acct").root == "http://127.0.0.1:10002/acct"


def test_tokens_go_to_every_address_that_is_azures_own() -> None:
    for host in (
        "acct.z9.table.storage.azure.net",
        "acct.privatelink.table.core.windows.net",
        "a.table.cosmos.azure.com",
    ):
        assert account(BY_IDENTITY, endpoint=f"https://{host}:443").root == f"https://{host}:443"
    found = account(BY_IDENTITY, readFromSecondary=True)
    assert found.root == "https://acct-secondary.table.core.windows.net"


def test_a_sas_uri_may_be_read_from_the_secondary() -> None:
    found = account(BY_SAS, readFromSecondary=True)
    assert (found.root, found.is_secondary) == ("https://acct-secondary.table.core.windows.net", True)


@pytest.mark.parametrize(
    ("way", "params", "says"),
    [
        (BY_KEY, {"accountKey": "oops!"}, "accountKey is not base64"),
        (BY_KEY, {"accountName": "a.b"}, "auth/params/accountName"),
        (BY_KEY, {"azureCloudType": "AzureGermany"}, "auth/params/azureCloudType"),
        (BY_KEY, {"endpoint": "ftp://oops"}, "endpoint does not give a valid http or https address"),
        (BY_KEY, {"endpoint": "127.0.0.1:10002/acct"}, "endpoint has no scheme"),
        (BY_KEY, {"endpoint": "https://tables.oops.example", "readFromSecondary": True}, "readFromSecondary"),
        (BY_KEY, {"service": "cosmos", "readFromSecondary": True}, "Cosmos DB has no secondary"),
        (BY_SAS, {"sasUri": "https://acct.table.core.windows.net/"}, "sasUri has no `sig`"),
        (BY_SAS, {"sasUri": "sp=r&sig=oops"}, "sasUri"),
        (BY_SAS, {"sasUri": "https://acct.table.core.windows.net/?sp=w&sig=oops"}, "`sp` lack `r`"),
        (BY_PRINCIPAL, {"endpoint": "http://acct.table.core.windows.net"}, "over https only"),
        (BY_PRINCIPAL, {"endpoint": "https://tables.oops.example"}, "Azure's own hosts only"),
        (BY_PRINCIPAL, {"endpoint": "https://acct.table.core.windows.net.oops.example"}, "Azure's own hosts only"),
        (BY_PRINCIPAL, {"endpoint": "https://oopstable.core.windows.net"}, "Azure's own hosts only"),
        (BY_PRINCIPAL, {"endpoint": "https://acct.table.core.chinacloudapi.cn"}, "Azure's own hosts only"),
        (BY_PRINCIPAL, {"tenant": "common"}, "auth/params/tenant"),
        (BY_PRINCIPAL, {"tenant": "adfs"}, "auth/params/tenant"),
        (BY_PRINCIPAL, {"tenant": "../oops.example"}, "auth/params/tenant"),
        (BY_PRINCIPAL, {"tenant": f"{TENANT}/oops"}, "auth/params/tenant"),
        (BY_PRINCIPAL, {"servicePrincipalId": "oops"}, "auth/params/servicePrincipalId"),
        (BY_PRINCIPAL, {"servicePrincipalKey": ""}, "auth/params/servicePrincipalKey"),
        (BY_IDENTITY, {"endpoint": "http://127.0.0.1:10002/acct"}, "over https only"),
        (BY_IDENTITY, {"endpoint": "https://127.0.0.1:10002/acct"}, "Azure's own hosts only"),
        (BY_IDENTITY, {"clientId": "oops"}, "auth/params/clientId"),
        (BY_SAS, {"sasUri": "https://acct.blob.core.windows.net/?sp=r&ss=bt&srt=o&sig=oops"}, "another service .blob"),
    ],
)
def test_a_refusal_names_the_field_and_quotes_no_value(way: str, params: dict[str, Any], says: str) -> None:
    with pytest.raises(BadField, match=says) as refused:
        account(way, **params)
    assert "oops" not in f"{refused.value}{refused.value.advice}"


def test_an_account_has_a_name_in_common_however_one_signs_in() -> None:
    key = f"AccountName=ACCT;AccountKey={EMULATOR_KEY}"
    own = "https://tables.example.com"
    ways = [account(way) for way in SOUND] + [
        account("Connection String Based Authentication", connectionString=f"{key};EndpointSuffix=core.windows.net"),
        account("Connection String Based Authentication", connectionString=f"{key};TableEndpoint={own}/"),
        account(BY_KEY, endpoint="https://acct-secondary.table.core.windows.net"),
    ]
    assert all("acct" in each.names for each in ways)
    signed = account(BY_SAS, sasUri=f"{own}/?{account_sas()}")
    assert signed.names & account(BY_KEY, endpoint=own).names == {"tables.example.com"}
    emulated = [account(BY_KEY, accountName=name, endpoint=f"http://127.0.0.1:10002/{name}") for name in ("one", "two")]
    assert not emulated[0].names & emulated[1].names
    assert not [name for each in ways for name in each.names if EMULATOR_KEY in name or "sig=" in name]
