"""Usage labels: words put on data that say what it may be used for.

The core ones are fixed; their names, categories and meanings are public. A label is kept by its bare name, as the
policy and dataset services write it; the schema registry and the Flow Service write its kind before it (`core/C2`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from flowservice.domain.policy_name import check_same, checked_name
from flowservice.domain.resource import Resource
from flowservice.errors import BadField

CORE: Final = "core"
CUSTOM: Final = "custom"


class Category(StrEnum):
    """The group that a label belongs to. That of `Third-Party` is documented nowhere; nobody may depend on it."""

    CONTRACT = "Contract"
    IDENTITY = "Identity"
    SENSITIVE = "Sensitive"
    ECOSYSTEM = "Ecosystem"
    CUSTOM = "Custom"


@dataclass(frozen=True, slots=True)
class CoreLabel:
    """A label that every organisation has."""

    name: str
    category: Category
    friendly_name: str
    description: str


_CATALOGUE: Final = (
    (Category.CONTRACT, "C1", "Aggregates only", "May leave only as aggregates, without ids of persons or devices."),
    (Category.CONTRACT, "C2", "Not to third parties", "Must not be handed to third parties."),
    (
        Category.CONTRACT,
        "C3",
        "Not with identifying data",
        "Must not be joined or used with data that identifies a person directly.",
    ),
    (Category.CONTRACT, "C4", "No targeting", "Must not be used to target ads or content, on any site."),
    (Category.CONTRACT, "C5", "No cross-site targeting", "Must not be used to target by interest across sites."),
    (
        Category.CONTRACT,
        "C6",
        "No ads on own sites",
        "Must not be used to target ads on one's own sites, nor to measure such ads.",
    ),
    (
        Category.CONTRACT,
        "C7",
        "No content targeting on own sites",
        "Must not be used to choose content on one's own sites, nor to measure such content.",
    ),
    (Category.CONTRACT, "C8", "No measurement", "Must not be used to measure one's own sites and apps."),
    (
        Category.CONTRACT,
        "C9",
        "No data science",
        "Must not be used for data science, machine learning or artificial intelligence.",
    ),
    (
        Category.CONTRACT,
        "C10",
        "No stitched identities",
        "Must not be activated with identities that were stitched together.",
    ),
    (Category.CONTRACT, "C11", "Not to partners", "Must not be shared with partners by matching segments."),
    (Category.CONTRACT, "C12", "No export", "Must not be exported in any way: not downloaded, read or activated."),
    (Category.IDENTITY, "I1", "Directly identifying", "Identifies or reaches a person directly."),
    (Category.IDENTITY, "I2", "Indirectly identifying", "Identifies a person together with other data."),
    (Category.SENSITIVE, "S1", "Exact position", "The exact position of a device, as latitude and longitude."),
    (Category.SENSITIVE, "S2", "Coarse position", "An area that a device is in, such as a geofence."),
    (
        Category.SENSITIVE,
        "PSPD",
        "Special personal data",
        "Personal data of a special category that the contract permits, other than health data.",
    ),
    (Category.SENSITIVE, "RHD", "Regulated health data", "Regulated health data that the contract permits."),
    (Category.ECOSYSTEM, "Third-Party", "Third-party data", "Bought from or lent by an outside vendor."),
)
CORE_LABELS: Final[Mapping[str, CoreLabel]] = MappingProxyType(
    {name: CoreLabel(name, category, title, meaning) for category, name, title, meaning in _CATALOGUE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomLabel(Resource):
    """A label that somebody made, for one sandbox. There is no way to remove one: data may carry it."""

    category: str
    """Any text; clients that show labels look for `Custom`."""
    friendly_name: str = ""


def custom_name(text: str, *, path_name: str) -> str:
    """The name of a custom label as a body writes it, for the path that it is sent to. Raises BadField."""
    name = checked_name(bare(text))
    check_same(name, path_name)
    if name in CORE_LABELS:
        # Expressions of policies and lists of labels write the bare name of either kind.
        raise BadField(f"name: {name} is a core label", advice="Choose another name.")
    return name


def bare(text: str) -> str:
    """The name of a label that is written with or without its kind: `core/C2`, `custom/LOYALTY`, `C2`."""
    kind, slash, name = text.partition("/")
    return name if slash and kind in {CORE, CUSTOM} else text


def prefixed(name: str) -> str:
    """`core/C2`, `custom/LOYALTY`: as the schema registry and the Flow Service write it."""
    return f"{CORE if name in CORE_LABELS else CUSTOM}/{name}"


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, by the alphabet."""
    return tuple(sorted(set(names)))
