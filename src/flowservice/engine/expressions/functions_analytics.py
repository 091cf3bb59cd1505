"""Functions over the event and product texts of Adobe Analytics, whose syntax is public.

Events: `name[=value][:id]` with commas between. Products: `category;name;quantity;price;events;evars` with commas
between; of events and evars, `|` between. Python takes each different text apart.
"""

from collections.abc import Callable
from typing import Any, Final

from flowservice.domain.expressions.kinds import Array, Kind, Object, Scalar
from flowservice.engine.expressions.column import Column, by_value
from flowservice.engine.expressions.functions import for_each, function

_TEXTS: Final = Array(Scalar.TEXT)
_EVENTS: Final = Array(Object({"id": Scalar.TEXT, "value": Scalar.TEXT}))


def _event(item: str) -> tuple[str, str | None, str | None]:
    """Name, value and id of an event."""
    rest, _, serial = item.strip().partition(":")
    name, _, value = rest.partition("=")
    return name, value or None, serial or None


def _named(name: str, of: Callable[..., Any], kind: Kind) -> None:
    def found(given: Column, wanted: Column) -> Column:
        return for_each(lambda texts, value: by_value(texts, of, kind, value), (given,), (wanted,))

    function(name, takes="tt")(found)


def _event_id(events: str, name: str) -> str | None:
    return next((serial for known, _, serial in map(_event, events.split(",")) if known == name != ""), None)


def _event_value(events: str, name: str) -> str | None:
    """`1` of an event without a value."""
    return next((value or "1" for known, value, _ in map(_event, events.split(",")) if known == name != ""), None)


def _products(products: str) -> list[list[str]]:
    return [product.split(";") for product in products.split(",") if product]


def _column(name: str, at: int) -> None:
    def cells(products: str) -> list[str | None]:
        return [product[at].strip() or None if len(product) > at else None for product in _products(products)]

    function(name, takes="t")(lambda given: by_value(given, cells, _TEXTS))


def _within(products: str, at: int) -> list[list[str]]:
    """Of each product the items of one of its fields."""
    return [product[at].split("|") if len(product) > at else [] for product in _products(products)]


def _product_events(products: str, name: str) -> list[dict[str, str | None] | None]:
    """Of each product the event, if it has it."""
    found = []
    for items in _within(products, 4):
        own = (_event(item) for item in items)
        found.append(
            next(({"id": serial, "value": value or "1"} for known, value, serial in own if known == name != ""), None)
        )
    return found


def _product_evars(products: str, name: str) -> list[str | None]:
    found = []
    for items in _within(products, 5):
        pairs = (item.strip().partition("=") for item in items)
        found.append(next((value or None for key, _, value in pairs if key == name != ""), None))
    return found


def _of_events(name_: str) -> Callable[[str, str], list[str | None]]:
    return lambda products, name: [None if event is None else event[name_] for event in _product_events(products, name)]


_named("aa_get_event_id", _event_id, Scalar.TEXT)
_named("aa_get_event_value", _event_value, Scalar.TEXT)
_column("aa_get_product_categories", 0)
_column("aa_get_product_names", 1)
_column("aa_get_product_quantities", 2)
_column("aa_get_product_prices", 3)
_named("aa_get_product_event_values", _of_events("value"), _TEXTS)
_named("aa_get_product_event_ids", _of_events("id"), _TEXTS)
_named("aa_get_product_events", _product_events, _EVENTS)
_named("aa_get_product_evars", _product_evars, _TEXTS)
