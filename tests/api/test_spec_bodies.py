"""What is documented of specs can be sent back."""

import pytest

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.api.spec_bodies import FlowSpecBody
from flowservice.connectors.azure_table import connector
from flowservice.domain.spec import SpecKind
from flowservice.service.specs import Specs

DOCUMENTED = Specs((connector,), SqlDatabase(engine=open_engine("sqlite://"))).provided[SpecKind.FLOW].values()


@pytest.mark.parametrize("name", sorted(spec["name"] for spec in DOCUMENTED))
def test_a_documented_flow_spec_is_sent_back_as_it_was_read(name: str) -> None:
    spec = next(spec for spec in DOCUMENTED if spec["name"] == name)
    assert FlowSpecBody.model_validate(dict(spec)).document().items() <= spec.items()
