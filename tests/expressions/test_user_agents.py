"""What the functions of user agents tell of well-known ones. The oracle lacks them: their patterns are a library's."""

from typing import Final

import pytest

from tests.expressions.evaluators import COLUMNAR

_WEBKIT: Final = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_IOS: Final = "CPU iPhone OS 16_5 like Mac OS X"
AGENTS: Final = {
    # By user agent: device class, agent with major version, its version, system with version.
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/124.0.0.0 Safari/537.36": (
        "Desktop", "Chrome 124", "124.0.0.0", "Windows 10",
    ),
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Version/17.4 Safari/605.1.15": (
        "Desktop", "Safari 17", "17.4", "Mac OS X 10.15.7",
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0": (
        "Desktop", "Firefox 125", "125.0", "Linux",
    ),
    f"Mozilla/5.0 (iPhone; {_IOS}) {_SAFARI} CriOS/114.0.5735.99 Mobile/15E148 Safari/604.1": (
        "Phone", "Chrome 114", "114.0.5735.99", "iOS 16.5",
    ),
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {_WEBKIT} Chrome/124.0.0.0 Mobile Safari/537.36": (
        "Phone", "Chrome 124", "124.0.0.0", "Android 14",
    ),
    f"Mozilla/5.0 (Linux; Android 13; SM-X906C) {_WEBKIT} Chrome/80.0.3987.119 Safari/537.36": (
        "Tablet", "Chrome 80", "80.0.3987.119", "Android 13",
    ),
    f"Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) {_SAFARI} Version/16.5 Mobile/15E148 Safari/604.1": (
        "Tablet", "Safari 16", "16.5", "iOS 16.5",
    ),
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": (
        "Robot", "Googlebot 2", "2.1", None,
    ),
    f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {_WEBKIT} Version/6.0 TV Safari/537.36": (
        "TV", "Safari 6", "6.0", "Tizen 6.0",
    ),
    f"Mozilla/5.0 (PlayStation; PlayStation 5/2.26) {_SAFARI} Version/13.0 Safari/605.1.15": (
        "Game Console", "Safari 13", "13.0", None,
    ),
    "not an agent": ("Unknown", None, None, None),
}  # fmt: skip


@pytest.mark.parametrize("agent", AGENTS)
def test_a_user_agent_is_told(agent: str) -> None:
    row = {"ua": agent}
    told = [
        COLUMNAR.of_row(f"{name}(ua)", row)
        for name in ("ua_device_class", "ua_agent_version_major", "ua_agent_version", "ua_os_name_version")
    ]
    assert told == list(AGENTS[agent])


def test_null_stays_null_and_long_texts_are_cut() -> None:
    assert COLUMNAR.of_row("ua_agent_name(ua)", {"ua": None}) is None
    assert COLUMNAR.of_row("ua_agent_name(ua)", {"ua": "(" * 200_000 + "Chrome/1.0"}) is None
