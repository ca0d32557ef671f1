"""``edge-agent reader check`` and ``edge-agent profile``: what devices can do and need, as text or JSON."""

import argparse
import json
from collections.abc import Sequence
from typing import Any, Final, TextIO

from edge_agent.readers.catalogue import all_profiles, find
from edge_agent.readers.device import DeviceProfile, ProfileError
from edge_agent.readers.iot import check as iot
from edge_agent.readers.iot.settings import IotReaderSettings
from edge_agent.readers.llrp import check as llrp
from edge_agent.readers.llrp import told as llrp_told
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.quality import RULES
from edge_agent.readers.quality import told as ladder_of

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

_READER_EXAMPLES: Final = """examples:
  edge-agent reader check dock-1              what it can do, what will be set; it judges the ROSpec
  edge-agent reader check dock-1 --dry-run    only ask: nothing is changed in the reader
  edge-agent reader check --json              all readers of the settings, one JSON object each
A reader serves one client: stop the agent first. It never radiates while it is checked.
"""


def add_reader_parser(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    """Register ``reader``.

    Args:
        commands: Of ``edge-agent``.
        common: Options of every command that has settings.
    """
    reader = commands.add_parser("reader", help="look at an RFID reader")
    parts = reader.add_subparsers(required=True, metavar="COMMAND")
    text = "print what readers can do, what profiles ask and what will be set; exit code 1 if one misfits"
    check = parts.add_parser(
        "check",
        parents=[common],
        help=text,
        description=text,
        epilog=_READER_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("reader", nargs="*", metavar="ID", help="as the settings name it; default: all")
    check.add_argument("--dry-run", action="store_true", help="only ask: change nothing in the reader")
    check.add_argument("--json", action="store_true", help="one JSON object a reader")
    check.set_defaults(command="reader-check")


def check_readers(
    options: argparse.Namespace, readers: Sequence[ReaderSettings | IotReaderSettings], errors: TextIO
) -> int:
    """Run ``reader check``.

    Args:
        options: As parsed.
        readers: Of the settings.
        errors: Gets usage errors.

    Returns:
        0 if all fit, 1 if one does not, 2 if there is no such reader.
    """
    known = [each.id for each in readers]
    unknown = sorted(set(options.reader) - set(known))
    if unknown or not readers:
        nothing = "the settings have neither [[reader]] nor [[iot_reader]]"
        print(f"reader {unknown[0]!r}: expected one of {known}" if known else nothing, file=errors)
        return USAGE
    chosen = [each for each in readers if not options.reader or each.id in options.reader]
    found = [_checked(each, dry_run=options.dry_run) for each in chosen]
    for _, lines, whole in found:
        print(json.dumps(whole) if options.json else "\n".join(lines))
    return OK if all(is_well for is_well, _, _ in found) else FAILED


def _checked(
    settings: ReaderSettings | IotReaderSettings, *, dry_run: bool
) -> tuple[bool, list[str], dict[str, Any]]:
    if isinstance(settings, ReaderSettings):
        over_llrp = llrp.check_reader(settings, dry_run=dry_run)
        return over_llrp.is_well, list(llrp_told.told(over_llrp)), llrp_told.as_json_object(over_llrp)
    in_json = iot.check_iot_reader(settings)
    return in_json.is_well, list(iot.told(in_json)), iot.as_json_object(in_json)


def add_profile_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register ``profile``.

    Args:
        commands: Of ``edge-agent``.
    """
    profile = commands.add_parser("profile", help="profiles of readers and scanners, and what to set on them")
    parts = profile.add_subparsers(required=True, metavar="COMMAND")
    text = "list the profiles that ship, each with its rung on the quality ladder"
    listing = parts.add_parser("list", help=text, description=text)
    listing.add_argument("--json", action="store_true", help="one JSON object a profile")
    text = "print a profile's configuration sheet (what to set on the device, and why) and its quality"
    show = parts.add_parser("show", help=text, description=text)
    show.add_argument("profile", metavar="NAME", help="of a shipped profile, or a path that ends in .toml")
    text = "check profiles; exit code 1 if one is not valid"
    check = parts.add_parser("check", help=text, description=text)
    check.add_argument("profile", nargs="+", metavar="NAME", help="name or path")
    for parser, name in ((listing, "list"), (show, "show"), (check, "check")):
        parser.set_defaults(command="profile", part=name)


def profiles(options: argparse.Namespace, errors: TextIO) -> int:
    """Run ``profile``.

    Args:
        options: As parsed.
        errors: Gets what is wrong.

    Returns:
        0, or 1 if a profile is not valid or not there.
    """
    if options.part == "list":
        for kind, profile in all_profiles():
            if options.json:
                print(json.dumps({"kind": kind.name, "rung": profile.rung, **_named(profile)}))
            else:
                what = f"{profile.vendor}, {profile.model}"
                print(f"{profile.rung:8}  {kind.name:10}  {profile.name:18}  {what}")
        return OK
    if options.part == "show":
        try:
            kind, profile = find(options.profile)
        except ProfileError as error:
            print(error, file=errors)
            return FAILED
        print("\n".join(sheet(kind.name, profile)))
        return OK
    return max([_check(name, errors) for name in options.profile])


def sheet(kind: str, profile: DeviceProfile) -> list[str]:
    """Write all that a person needs to set a device up.

    Args:
        kind: Of device.
        profile: Its profile.

    Returns:
        Lines.
    """
    todo = [name for rules in RULES.values() for name in rules if profile.quality[name] == "todo"]
    return [
        f"{profile.name}: {kind}, {profile.vendor} {profile.model}",
        f"quality: {profile.rung}" + (f"; still to do: {', '.join(todo)}" if todo else ""),
        "",
        "Set on the device:",
        *profile.sheet_lines(),
        "",
        "Quality, rule by rule:",
        *ladder_of(profile.quality),
    ]


def _check(name: str, errors: TextIO) -> int:
    try:
        kind, profile = find(name)
    except ProfileError as error:
        print(error, file=errors)
        return FAILED
    print(f"{name}: a valid {kind.name} profile, {profile.rung}")
    return OK


def _named(profile: DeviceProfile) -> dict[str, object]:
    return {
        "name": profile.name,
        "vendor": profile.vendor,
        "model": profile.model,
        "quality": profile.quality,
        "sheet": [step.model_dump(exclude_none=True) for step in profile.sheet],
    }
