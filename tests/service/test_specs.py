"""Specs of connectors to what is documented nowhere: they are listed by what the connector says."""

from typing import Final

from pydantic import BaseModel, Field

from flowservice.adapters.sql.database import SqlDatabase
from flowservice.adapters.sql.engine import open_engine
from flowservice.connectors.azure_table import connector as azure
from flowservice.domain.spec import SpecKind
from flowservice.sdk import Auth, Connector, Egress, Source
from flowservice.service.specs import Specs

CRM_TO_AEP: Final = "14518937-270c-4525-bdec-c2ba7cce3860"


class Config(BaseModel):
    """How to count."""

    start: int = Field(gt=0, description="First number; the last is 1.")


def _never(_auth: str, _config: BaseModel, _egress: Egress) -> Source:
    raise AssertionError("no spec opens a source")


def counting(number: int, name: str, **attributes: object) -> Connector:
    """A connector to what nobody has documented."""
    return Connector(
        id=f"0c0c0c0c-0000-4000-8000-00000000000{number}",
        name=name,
        auths=(Auth(name="By number", config=Config),),
        params=Config,
        open=_never,
        attributes=attributes,
    )


def specs(*connectors: Connector) -> Specs:
    """The specs of a server with these."""
    return Specs(connectors, SqlDatabase(engine=open_engine("sqlite://")))


def test_what_is_documented_nowhere_comes_last_in_the_order_of_names() -> None:
    later, earlier = counting(1, "steps"), counting(2, "numbers")
    documented = list(specs(azure).provided[SpecKind.CONNECTION])
    assert list(specs(later, azure, earlier).provided[SpecKind.CONNECTION]) == [*documented, earlier.id, later.id]
    assert azure.id in documented


def test_a_connector_that_says_nothing_of_itself_is_a_table_under_its_name() -> None:
    silent = counting(1, "numbers")
    shown = specs(silent).provided[SpecKind.CONNECTION][silent.id]
    assert (shown["name"], shown["type"], shown["version"]) == ("numbers", "table", "1.0")
    assert shown["attributes"]["displayName"] == "numbers"
    assert shown["attributes"]["isSupported"] is True
    assert shown["exploreSpec"]["name"] == "Tabular"
    assert list(shown["authSpec"][0]["spec"]["properties"]) == ["start"]


def test_the_flow_spec_of_tables_reads_its_tables_and_nothing_else_of_it() -> None:
    table, file = counting(1, "numbers"), counting(2, "pages", kind="file")
    before, after = (known.provided[SpecKind.FLOW] for known in (specs(), specs(table, file)))
    for spec_id, spec in after.items():
        added = [table.id] if spec_id == CRM_TO_AEP else []
        assert spec["sourceConnectionSpecIds"] == [*before[spec_id]["sourceConnectionSpecIds"], *added]
