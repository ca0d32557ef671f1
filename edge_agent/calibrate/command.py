"""``edge-agent calibrate``: a walk with a tag in; offsets and thresholds per antenna out, with a way back."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Final, TextIO

from edge_agent.calibrate.domain import Proposal, calibrate
from edge_agent.calibrate.patch import PatchError, patched, replace_file, snippet, undo
from edge_agent.calibrate.walk import Stretch, Walk, WalkError
from edge_agent.calibrate.words import as_json, as_text, drawing
from edge_agent.config.site_file import SiteFileError, load_portals, load_zones
from edge_agent.readers.llrp.messages import LlrpMissingError
from edge_agent.replay import CaptureAccount, entries_of

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
_EXAMPLES: Final = """examples:
  walk a tag in through a door and stand in an aisle, say when, and see what it comes to:
    edge-agent calibrate walk.jsonl --site site.toml --at dock-1=in@5-15 --at aisle-4@40-70
  take it over, and take it back:
    edge-agent calibrate walk.jsonl --site site.toml --at dock-1=in@5-15 --write
    edge-agent calibrate --site site.toml --undo
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command.

    Args:
        commands: Of ``edge-agent``.
    """
    text = "correct antennas by a walk with a tag along known places"
    parser = commands.add_parser(
        "calibrate",
        help=text,
        description=text,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("capture", metavar="CAPTURE", nargs="?", help="as for replay")
    parser.add_argument("--site", type=Path, required=True, metavar="FILE", help="site or agent file")
    parser.add_argument("--epc", metavar="HEX", help="the tag; not needed if no other was read")
    parser.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="PLACE[=in|out]@FROM-TO",
        help="where the tag was, from and to in seconds of the capture; may be repeated",
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object for each place")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw what antennas hear, before and after")
    parser.add_argument("--write", action="store_true", help="change the site file, keeping the one before")
    parser.add_argument("--undo", action="store_true", help="put the site file back as it was before --write")
    parser.set_defaults(command="calibrate")


def calibrate_command(options: argparse.Namespace, out: TextIO, errors: TextIO) -> int:
    """Run the command.

    Args:
        options: As parsed.
        out: Gets proposals.
        errors: Gets faults.

    Returns:
        0; 1 if the capture cannot be read or the file cannot be changed; 2 for a bad site file or walk.
    """
    try:
        if options.undo:
            undo(options.site)
            print(f"{options.site} is as it was before the last calibration", file=out)
            return OK
        if options.capture is None:
            print("expected CAPTURE, or --undo", file=errors)
            return USAGE
        proposals = _proposals(options, errors)
        _show(proposals, options, out)
        if options.write:
            _write(options.site, proposals, out)
    except (SiteFileError, WalkError, LlrpMissingError) as error:
        print(error, file=errors)
        return USAGE
    except PatchError as error:
        print(error, file=errors)
        return FAILED
    except OSError as error:
        print(f"{error.filename}: {error.strerror or error}", file=errors)
        return FAILED
    return OK


def _proposals(options: argparse.Namespace, errors: TextIO) -> list[Proposal]:
    zones = load_zones(options.site)
    portals = load_portals(options.site, is_needed=not zones)
    stretches = [Stretch.spelled(text) for text in options.at]
    capture = CaptureAccount(options.capture, errors)
    seen = list(capture.usable(entries_of(options.capture)))
    epc = None if options.epc is None else options.epc.upper()
    return calibrate(Walk.of(seen, stretches, epc), portals, zones)


def _show(proposals: list[Proposal], options: argparse.Namespace, out: TextIO) -> None:
    if options.svg is not None:
        options.svg.write_text(drawing(proposals), "utf-8")
    if options.as_json:
        for proposal in proposals:
            print(json.dumps(as_json(proposal)), file=out)
        return
    print("\n".join(as_text(proposals)), file=out)
    lines = snippet(proposals)
    if lines:
        print(f"# for the site file:\n{lines}", file=out)


def _write(site: Path, proposals: list[Proposal], out: TextIO) -> None:
    if not any(proposal.settings for proposal in proposals):
        print(f"{site} stays as it is", file=out)
        return
    text = patched(site.read_text("utf-8"), proposals)
    with tempfile.TemporaryDirectory() as directory:
        trial = Path(directory) / site.name
        trial.write_text(text, "utf-8")
        load_portals(trial, is_needed=not load_zones(trial))
    kept = replace_file(site, text)
    print(f"{site} is changed; the one before is {kept}", file=out)
