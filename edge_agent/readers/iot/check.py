"""One look at a reader that speaks JSON: is its way open, and what must it be set to."""

import threading
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from edge_agent.readers.iot.link import Hands
from edge_agent.readers.iot.preset import preset_of
from edge_agent.readers.iot.profile import IotProfile
from edge_agent.readers.iot.reader import link_of
from edge_agent.readers.iot.settings import IotReaderSettings

LOOK_S: Final = 5.0
"""So long may it take until the way is open."""
_LISTEN_S: Final = 0.3
"""So long it is tried whether a port can be had."""


class IotChecked(NamedTuple):
    """What was found."""

    reader: str
    url: str
    profile: IotProfile
    silence_s: float | None
    is_well: bool
    detail: str


def check_iot_reader(settings: IotReaderSettings, *, look_s: float = LOOK_S) -> IotChecked:
    """Open the way to a reader and close it again; for ``listen`` only see that the port is free.

    Args:
        settings: Of the reader.
        look_s: How long it may take.

    Returns:
        What was found.
    """
    link, opened, failure = link_of(settings), threading.Event(), list[str]()

    def run() -> None:
        try:
            link.run(Hands(opened.set, lambda _payload: True, opened.set))
        except OSError as error:
            failure.append(str(error) or error.__class__.__name__)
            opened.set()

    looking = threading.Thread(target=run, name=f"check-{settings.id}")
    looking.start()
    is_listening = settings.carrier == "listen"
    was_opened = opened.wait(_LISTEN_S if is_listening else look_s)
    refusal = "".join(failure)
    link.interrupt()
    looking.join()
    if refusal:
        detail, is_well = refusal, False
    elif is_listening:
        detail, is_well = "its port is free: the agent will listen there", True
    else:
        detail = "the way is open" if was_opened else f"nothing within {look_s:g} s"
        is_well = was_opened
    return IotChecked(settings.id, settings.url, settings.effective(), settings.silence_s(), is_well, detail)


def as_json_object(checked: IotChecked) -> dict[str, Any]:
    """Write what was found for programs.

    Args:
        checked: What was found.

    Returns:
        An object of JSON's kinds.
    """
    return {
        "reader": checked.reader,
        "url": checked.url,
        "profile": checked.profile.name,
        "is_well": checked.is_well,
        "detail": checked.detail,
        "silent_after_s": checked.silence_s,
        "preset": preset_of(checked.profile),
    }


def told(checked: IotChecked) -> Iterator[str]:
    """Write what was found for people.

    Args:
        checked: What was found.

    Yields:
        Lines.
    """
    profile = checked.profile
    yield f"reader   {checked.reader} at {checked.url}, profile {profile.name} ({profile.rung})"
    silence_s = checked.silence_s
    silence = "never: it sends no heartbeats this way" if silence_s is None else f"{silence_s:g} s"
    yield f"  lost after silence   {silence}"
    yield "asks (the reader must be set so: --json prints it under preset)"
    radio = profile.radio
    for port in radio.antennas:
        dbm = radio.power_dbm_by_antenna.get(str(port), radio.power_dbm)
        session = radio.session_by_antenna.get(str(port), radio.session)
        yield f"  antenna {port}            {dbm:g} dBm, session {session}"
    yield f"{'OK      ' if checked.is_well else 'REFUSED '} {checked.detail}"
