"""Functions over user agents, by the public patterns of the ua-parser project, which are matched in linear time.

Data Prep's own parser names agents without what they run on, and classes of devices, which these patterns do not know:
docs/expressions.md, "User agents", says how both come about here.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final

from ua_parser import OS, Domain, PartialResult, UserAgent
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

from flowservice.domain.expressions.kinds import Scalar
from flowservice.engine.expressions.column import by_value
from flowservice.engine.expressions.functions import function

_REMEMBERED: Final = 4_096
"""Agents; several fields are often made of one."""
_MOST_READ: Final = 2_048
"""Characters; longer headers are cut, as servers do."""
_MOBILE: Final = re.compile(r"^Mobile (?=\S)| Mobile(?= |$)| iOS$")
_CLASSES: Final = (
    # The first that is found in "device|system|agent|text" counts.
    ("Robot Mobile", re.compile(r"^Spider\|Smartphone\|")),
    ("Robot", re.compile(r"^Spider\|")),
    ("Handheld Game Console", re.compile(r"^(?:PlayStation (?:Vita|Portable)|(?:New )?Nintendo (?:DS|3DS|Switch))")),
    ("Game Console", re.compile(r"^(?:PlayStation|Xbox|Nintendo|Wii)|Xbox|PlayStation \d|Nintendo WiiU?")),
    ("Virtual Reality", re.compile(r"Oculus|Quest \d|PicoBrowser|\bVR\b")),
    ("Watch", re.compile(r"^[^|]*Watch|\|(?:watchOS|WearOS)\|")),
    ("Set-top box", re.compile(r"^(?:AppleTV|Apple TV|Roku|Chromecast|AFT)|\bAFT[A-Z]|\bCrKey\b|\btvOS\b")),
    ("TV", re.compile(r"(?i)smart-?tv|google ?tv|android ?tv|\bweb0s\b|\bhbbtv\b|\bbravia\b|\btv safari\b")),
    ("eReader", re.compile(r"^(?:Kindle(?! Fire)|Kobo|Nook)|\bKobo\b")),
    ("Car", re.compile(r"\bTesla\b|QtCarBrowser")),
    ("Tablet", re.compile(r"^(?:iPad|Kindle Fire)|\b[Tt]ablet\b|\bPlayBook\b|\|Android\|(?!.*\bMobile\b)")),
    ("Phone", re.compile(r"^(?:iPhone|iPod|BlackBerry)|\|Android\||Windows Phone|\b[Mm]obile\b|\bOpera Mini\b")),
    ("Desktop", re.compile(r"\|(?:Windows|Mac OS X|Linux|Ubuntu|Fedora|Debian|Chrome OS|\w+BSD|Solaris)\|")),
)


@cache
def _resolver() -> Resolver:
    # It compiles some two thousand patterns, which takes a fifth of a second: only for who needs them.
    return Resolver(load_lazy_builtins())


@lru_cache(_REMEMBERED)
def _parsed(text: str) -> PartialResult:
    return _resolver()(text[:_MOST_READ], Domain.ALL)


def _version(found: OS | UserAgent) -> str | None:
    return ".".join(part for part in (found.major, found.minor, found.patch, found.patch_minor) if part) or None


def _agent_name(found: UserAgent) -> str:
    return _MOBILE.sub("", found.family) or found.family


def _joined(name: str, version: str | None) -> str:
    return f"{name} {version}" if version else name


def _of_system(name: str, of: Callable[[OS], str | None]) -> None:
    def told(text: str) -> str | None:
        found = _parsed(text).os
        return None if found is None else of(found)

    function(name, takes="t")(lambda given: by_value(given, told, Scalar.TEXT))


def _of_agent(name: str, of: Callable[[UserAgent], str | None]) -> None:
    def told(text: str) -> str | None:
        found = _parsed(text).user_agent
        return None if found is None else of(found)

    function(name, takes="t")(lambda given: by_value(given, told, Scalar.TEXT))


def _device_class(text: str) -> str:
    found = _parsed(text)
    device = "" if found.device is None else f"{found.device.family}|{found.device.model}"
    system, agent = (found.os and found.os.family) or "", (found.user_agent and found.user_agent.family) or ""
    told = f"{device}|{system}|{agent}|{text[:_MOST_READ]}"
    return next((name for name, pattern in _CLASSES if pattern.search(told)), "Unknown")


_of_system("ua_os_name", lambda found: found.family)
_of_system("ua_os_version", _version)
_of_system("ua_os_version_major", lambda found: _joined(found.family, found.major))
_of_system("ua_os_name_version", lambda found: _joined(found.family, _version(found)))
_of_agent("ua_agent_name", _agent_name)
_of_agent("ua_agent_version", _version)
_of_agent("ua_agent_version_major", lambda found: _joined(_agent_name(found), found.major))
function("ua_device_class", takes="t")(lambda given: by_value(given, _device_class, Scalar.TEXT))
