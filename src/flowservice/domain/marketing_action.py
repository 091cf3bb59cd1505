"""Marketing actions: named purposes that data may be used for, or not.

The titles of the core ones are public. Two of their names are, too (`emailTargeting`, `exportToThirdParty`); the others
are the titles, written in the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from flowservice.domain.label import CORE, CUSTOM
from flowservice.domain.resource import Resource
from flowservice.errors import BadField

_SEGMENT: Final = "marketingActions/"
_EVALUATED: Final = "constraints"


@dataclass(frozen=True, slots=True)
class CoreAction:
    """An action that every organisation has."""

    name: str
    friendly_name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketingAction(Resource):
    """An action that somebody made, for one sandbox."""


_CATALOGUE: Final = (
    CoreAction("analytics", "Analytics", "Measure and report on one's own sites and apps."),
    CoreAction(
        "combineWithPII",
        "Combine with directly identifiable data",
        "Join data without names with data that identifies a person.",
    ),
    CoreAction("crossSiteTargeting", "Cross Site Targeting", "Target ads by what is known from several sites."),
    CoreAction("dataScience", "Data Science", "Build models: statistics, machine learning, artificial intelligence."),
    CoreAction("emailTargeting", "Email Targeting", "Send e-mail campaigns."),
    CoreAction(
        "exportToThirdParty", "Export to Third Party", "Hand data to parties that have no relation with the customer."
    ),
    CoreAction("onsiteAdvertising", "Onsite Advertising", "Choose ads on one's own sites, or measure them."),
    CoreAction(
        "onsitePersonalization",
        "Onsite Personalization",
        "Choose content on one's own sites by what seems to interest the visitor.",
    ),
    CoreAction("segmentMatch", "Segment Match", "Exchange audiences with partners."),
    CoreAction(
        "singleIdentityPersonalization",
        "Single Identity Personalization",
        "Choose content by one identity, and not by several that were stitched together.",
    ),
)
CORE_ACTIONS: Final[Mapping[str, CoreAction]] = MappingProxyType({action.name: action for action in _CATALOGUE})


@dataclass(frozen=True, slots=True, order=True)
class ActionRef:
    """Names an action. `kind` is `core` or `custom`."""

    kind: str
    name: str

    @property
    def path(self) -> str:
        """As references end: `core/emailTargeting`."""
        return f"{self.kind}/{self.name}"


def reference_in(text: str, *, at: str) -> ActionRef:
    """The action that an address names, by what follows `marketingActions/` in it: hosts and paths before that differ.

    Where its evaluation is (`.../constraints`) names it as well.

    Raises BadField that names `at`, the place in the body.
    """
    _, segment, tail = f"/{text}".rpartition(f"/{_SEGMENT}")
    kind, _, rest = tail.partition("/")
    name, slash, after = rest.partition("/")
    if not segment or kind not in {CORE, CUSTOM} or not name or (slash and after != _EVALUATED):
        raise BadField(
            f"{at}: it names no marketing action",
            advice="Send an address that ends in marketingActions/core/NAME or marketingActions/custom/NAME.",
        )
    return ActionRef(kind, unquote(name))
