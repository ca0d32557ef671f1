"""``edge-agent explain``: a capture and a tag in; why each visit was decided so, with a picture, out."""

import argparse
import json
from pathlib import Path
from typing import Final, TextIO

from edge_agent.config.site_file import SiteFileError, load_portals
from edge_agent.explain.account import Account, Asker
from edge_agent.explain.drawing import drawing
from edge_agent.explain.words import as_json, as_text
from edge_agent.filters.site import Portal
from edge_agent.readers.llrp.messages import LlrpMissingError
from edge_agent.replay import CaptureAccount, Rules, entries_of

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
_EXAMPLES: Final = """examples:
  edge-agent explain capture.jsonl --epc 3034…1A85 --site site.toml --svg why.svg
  edge-agent explain capture.jsonl --epc 3034…1A85 --site site.toml --assignment visits.json   what it posts
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command.

    Args:
        commands: Of ``edge-agent``.
    """
    text = "say why a tag's visits to doors were decided as they were"
    parser = commands.add_parser(
        "explain",
        help=text,
        description=text,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("capture", metavar="CAPTURE", help="as for replay; - reads standard input")
    parser.add_argument("--epc", required=True, metavar="HEX", help="the tag, in hexadecimal digits")
    parser.add_argument("--site", type=Path, required=True, metavar="FILE", help="as for replay")
    parser.add_argument("--assignment", type=Path, metavar="FILE", help="as for replay")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object for each visit")
    parser.add_argument(
        "--svg",
        type=Path,
        metavar="FILE",
        help="draw the visit there; several get numbers: out-1.svg, out-2.svg",
    )
    parser.set_defaults(command="explain")


def explain(options: argparse.Namespace, out: TextIO, errors: TextIO) -> int:
    """Run the command.

    Args:
        options: As parsed.
        out: Gets the accounts.
        errors: Gets faults.

    Returns:
        0; 1 if the capture cannot be read, or no visit of the tag was decided; 2 for a bad site file or
        assignment.
    """
    epc = options.epc.upper()
    try:
        portals = load_portals(options.site)
        rules = None if options.assignment is None else Rules(options.assignment, options.site, portals)
    except SiteFileError as error:
        print(error, file=errors)
        return USAGE
    capture = CaptureAccount(options.capture, errors)
    try:
        usable = capture.usable(entries_of(options.capture))
        accounts = Asker(portals, epc, rules).accounts(
            usable if rules is None else rules.without_private(usable)
        )
    except LlrpMissingError as error:
        print(f"{options.capture}: {error}", file=errors)
        return USAGE
    except OSError as error:
        print(f"{options.capture}: cannot be read: {error.strerror or error}", file=errors)
        return FAILED
    if not accounts:
        what = "was read at no portal" if epc in capture.tags else "was not read"
        print(
            f"{options.capture}: tag {options.epc} {what}; {len(capture.tags)} others were read", file=errors
        )
        return FAILED
    spelled = capture.spelt.get(epc, epc)
    by_id = {str(portal.id): portal for portal in portals}
    try:
        _draw(accounts, by_id, spelled, options.svg)
    except OSError as error:
        print(f"{options.svg}: cannot be written: {error.strerror or error}", file=errors)
        return FAILED
    for account in accounts:
        portal = by_id[account.passage.portal]
        if options.as_json:
            print(json.dumps(as_json(account, portal, spelled)), file=out)
        else:
            print("\n".join([*as_text(account, portal, spelled), ""]), file=out)
    return OK


def _draw(accounts: list[Account], portals: dict[str, Portal], epc: str, path: Path | None) -> None:
    if path is None:
        return
    for number, account in enumerate(accounts, start=1):
        one = path if len(accounts) == 1 else path.with_stem(f"{path.stem}-{number}")
        one.write_text(drawing(account, portals[account.passage.portal], epc), "utf-8")
