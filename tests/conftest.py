"""Real parts that tests share; each is started by the first test that asks for it."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from demo.azurite import Azurite, Missing


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """The Azure Table emulator, shared by the session."""
    try:
        emulator = Azurite()
    except Missing as missing:
        pytest.skip(str(missing))
    with emulator:
        yield emulator


_numbers = itertools.count(1)


@pytest.fixture
def new_table() -> Callable[[str], str]:
    """Makes table names that no other test uses: `new_table("customers")`."""
    return lambda prefix: f"{prefix}{next(_numbers)}"
