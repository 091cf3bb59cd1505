"""What settings mean together."""

import pytest

from flowservice.settings import Settings


@pytest.mark.parametrize(
    ("given", "reaches"),
    [
        ({}, True),
        ({"host": "localhost"}, True),
        ({"host": "::1"}, True),
        ({"host": "0.0.0.0"}, False),
        ({"public_url": "http://127.0.0.1:9000"}, True),
        ({"public_url": "http://localhost"}, True),
        ({"public_url": "https://flows.example.com"}, False),
        ({"public_url": "https://flows.example.com", "egress_local": True}, True),
        ({"egress_local": False}, False),
    ],
)
def test_only_a_service_that_is_called_on_its_own_machine_reaches_local_addresses(
    given: dict[str, object], reaches: bool
) -> None:
    assert Settings.model_validate(given).reaches_local is reaches


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("::", "http://127.0.0.1:80")],
)
def test_a_server_is_called_at_an_address_that_a_client_can_use(host: str, url: str) -> None:
    assert Settings(host=host, port=80).url == url
    assert Settings(host=host, port=80, public_url="https://x.example").url == "https://x.example"
