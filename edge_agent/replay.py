"""``edge-agent replay``: a recorded capture in, the filter's decisions out, as JSON lines or a table."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TextIO

from pydantic import ValidationError

from contracts.llrp_recording import MAGIC
from contracts.offline import Assignment
from contracts.vocabulary import CrossingDirection
from edge_agent.config.site_file import SiteFileError, load_portals, load_tags, load_zones
from edge_agent.decode.tag_role import TagRoles, is_private
from edge_agent.doors.domain import Decision
from edge_agent.doors.posting import Posting
from edge_agent.filters.passage import Passage
from edge_agent.filters.picture import sparkline
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import Portal
from edge_agent.filters.whereabouts import Whereabouts, ZoneEvent
from edge_agent.readers.capture import Fault, read_json_lines, written_at
from edge_agent.readers.llrp.messages import LlrpMissingError
from edge_agent.readers.llrp.recording import is_recording, read_recording
from edge_agent.readers.raw_read import RawRead, Seen

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

TOGETHER: Final = 4096
"""Reads that are put in time order together: readers report in bursts, several readers by turns."""
_SHOWN_FAULTS: Final = 20


class CaptureAccount:
    """What a replay has come across so far."""

    def __init__(self, capture: str, errors: TextIO) -> None:
        """Begin with nothing.

        Args:
            capture: Name of the capture, for messages.
            errors: Where faults are told.
        """
        self._capture = capture
        self._errors = errors
        self.faults = 0
        self.first_us: int | None = None
        self.last_us = 0
        self.tags: set[str] = set()
        self.spelt: dict[str, str] = {}
        """EPCs that the capture does not spell in capitals, as it spells them."""
        self.moved = Counter(arrived=0, moved=0, departed=0)
        self.directions = Counter(dict.fromkeys(CrossingDirection, 0))

    def usable(self, entries: Iterable[Seen | Fault]) -> Iterator[Seen]:
        """Let usable entries through and tell the others.

        Args:
            entries: Of a capture.

        Yields:
            What readers said, EPCs in capitals.
        """
        for entry in entries:
            if isinstance(entry, Fault):
                self.faults += 1
                if self.faults <= _SHOWN_FAULTS:
                    print(f"{self._capture}: {entry.place}: {entry.text}", file=self._errors)
                continue
            self.first_us = entry.seen_us if self.first_us is None else min(self.first_us, entry.seen_us)
            self.last_us = max(self.last_us, entry.seen_us)
            yield self._capital(entry) if isinstance(entry, RawRead) else entry

    def _capital(self, read: RawRead) -> RawRead:
        epc = read.epc.upper()
        self.tags.add(epc)
        if epc == read.epc:
            return read
        self.spelt.setdefault(epc, read.epc)
        return read._replace(epc=epc)

    def summary(self, reads: int, elsewhere: int) -> dict[str, object]:
        """Sum up.

        Args:
            reads: Taken by the filter.
            elsewhere: Of these, of antennas that no portal names.

        Returns:
            The last line of a JSON answer.
        """
        seconds = 0.0 if self.first_us is None else (self.last_us - self.first_us) / 1e6
        return {
            "kind": "summary",
            "reads": reads,
            "tags": len(self.tags),
            "crossings": {str(direction): self.directions[direction] for direction in CrossingDirection},
            "elsewhere": elsewhere,
            "faults": self.faults,
            "seconds": seconds,
        }


class Printer(Protocol):
    """Shows decisions."""

    def passage(self, passage: Passage, epc: str, decision: Decision | None) -> None:
        """Show one decision, and what it posts; the EPC as the capture spells it."""

    def zone(self, event: ZoneEvent, epc: str) -> None:
        """Show where a tag went; the EPC as the capture spells it."""

    def summary(self, summary: dict[str, object]) -> None:
        """Show the end."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command.

    Args:
        commands: Of ``edge-agent``.
    """
    text = "decide again what a recorded capture says"
    parser = commands.add_parser("replay", help=text, description=text)
    parser.add_argument(
        "capture", metavar="CAPTURE", help="JSON lines or an LLRP recording; - reads standard input"
    )
    parser.add_argument(
        "--site", type=Path, required=True, metavar="FILE", help="site or agent file with [[portal]]"
    )
    parser.add_argument(
        "--assignment",
        type=Path,
        metavar="FILE",
        help="visits as a gateway is told of them: say what each crossing posts",
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="one JSON object per line")
    parser.add_argument("--skip-bad", action="store_true", help="unusable lines are only counted")
    parser.set_defaults(command="replay")


def replay(options: argparse.Namespace, out: TextIO, errors: TextIO) -> int:
    """Run the command.

    Args:
        options: As parsed.
        out: Gets decisions.
        errors: Gets faults.

    Returns:
        0; 1 if the capture cannot be read or has unusable lines that should not be skipped; 2 for a bad site
        file or assignment.
    """
    try:
        zones = load_zones(options.site)
        portals = load_portals(options.site, is_needed=not zones)
        rules = None if options.assignment is None else Rules(options.assignment, options.site, portals)
    except SiteFileError as error:
        print(error, file=errors)
        return USAGE
    printer: Printer = JsonPrinter(out) if options.as_json else TablePrinter(out)
    account = CaptureAccount(options.capture, errors)
    door, places = PortalFilter(portals), Whereabouts(zones)
    try:
        usable = account.usable(entries_of(options.capture))
        if rules is not None:
            usable = rules.without_private(usable)
        while batch := list(islice(usable, TOGETHER)):
            for event in places.take_many(batch) if zones else ():
                account.moved[event.kind] += 1
                printer.zone(event, account.spelt.get(event.epc, event.epc))
            decided = door.take_many(batch)
            since_us = door.open_since_us
            settled_us = account.last_us if since_us is None else since_us
            _show(
                decided if rules is None else rules.decide(decided, settled_us, door.is_open),
                account,
                printer,
            )
        decided = door.flush()
        _show(decided if rules is None else rules.decide(decided, None, door.is_open), account, printer)
    except LlrpMissingError as error:
        print(f"{options.capture}: {error}", file=errors)
        return USAGE
    except OSError as error:
        print(f"{options.capture}: cannot be read: {error.strerror or error}", file=errors)
        return FAILED
    summary = account.summary(door.reads, door.elsewhere)
    summary |= {"zones": dict(account.moved)} if zones else {}
    printer.summary(summary if rules is None else summary | rules.summary())
    return FAILED if account.faults and not options.skip_bad else OK


def entries_of(capture: str) -> Iterator[Seen | Fault]:
    """Read a capture, in whichever of its forms.

    Args:
        capture: Name of the file; - for standard input.

    Yields:
        What readers said, and a fault for each part that says nothing usable.
    """
    if capture == "-":
        yield from _either_form(sys.stdin.buffer)
        return
    with Path(capture).open("rb") as file:
        yield from _either_form(file)


def _either_form(file: BinaryIO) -> Iterator[Seen | Fault]:
    """Tell a recording from JSON lines by how it begins."""
    begin = file.read(len(MAGIC))
    if is_recording(begin):
        yield from read_recording(begin + file.read())
    else:
        yield from read_json_lines(chain((begin + file.readline()).splitlines(keepends=True), file))


def _show(
    passages: Iterable[Passage | tuple[Passage, Decision]], account: CaptureAccount, printer: Printer
) -> None:
    for entry in passages:
        passage, decision = entry if isinstance(entry, tuple) else (entry, None)
        account.directions[passage.direction if decision is None else decision.direction] += 1
        printer.passage(passage, account.spelt.get(passage.epc, passage.epc), decision)


class Rules:
    """What each crossing posts, by an assignment that always holds and the site's rules for tags."""

    def __init__(self, assignment: Path, site: Path, portals: Sequence[Portal]) -> None:
        """Read the files.

        Args:
            assignment: JSON of one assignment.
            site: The site file, for ``[tags]``.
            portals: Its portals.

        Raises:
            SiteFileError: If a file cannot be read or is not valid.
        """
        try:
            visits = Assignment.model_validate_json(assignment.read_bytes())
        except OSError as error:
            raise SiteFileError(f"assignment {str(assignment)!r} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise SiteFileError(f"assignment {str(assignment)!r} is not valid: {error}") from error
        self._roles = TagRoles(load_tags(site))
        self._posting = Posting(portals, self._roles, visits)
        self._posted: Counter[str] = Counter(posted=0, held=0, evidence=0)
        self._private: Counter[str] = Counter()

    def without_private(self, entries: Iterable[Seen]) -> Iterator[Seen]:
        """Drop tags of persons and other companies, as an agent does before its filter.

        Args:
            entries: What readers said.

        Yields:
            The rest.
        """
        for entry in entries:
            if isinstance(entry, RawRead):
                _, role = self._roles.of(entry.epc)
                if is_private(role):
                    self._private[role] += 1
                    continue
            yield entry

    def decide(
        self,
        passages: Iterable[Passage],
        settled_us: int | None,
        is_open: Callable[[str, Iterable[str], int], bool],
    ) -> Iterator[tuple[Passage, Decision]]:
        """Decide what passages post.

        Args:
            passages: As the filter gave them.
            settled_us: Whatever occurred before is known; None: everything.
            is_open: Of the filter.

        Yields:
            Passages with decisions; some wait for the next call.
        """
        for passage, decision in self._posting.take(passages, settled_us, is_open):
            self._posted[decision.posted] += 1
            yield passage, decision

    def summary(self) -> dict[str, object]:
        """Sum up: keys beside those of the filter."""
        return {"postings": dict(self._posted), "reads_dropped": dict(self._private)}


class JsonPrinter:
    """One JSON object per line."""

    def __init__(self, out: TextIO) -> None:
        """Write to a stream.

        Args:
            out: The stream.
        """
        self._out = out

    def passage(self, passage: Passage, epc: str, decision: Decision | None) -> None:
        """Write a decision."""
        line: dict[str, object] = {
            "kind": "crossing",
            "portal": passage.portal,
            "epc": epc,
            "direction": str(passage.direction),
            "confidence": round(passage.confidence, 4),
            "first_seen_at": written_at(passage.first_seen_us),
            "occurred_at": written_at(passage.occurred_us),
            "reads": passage.reads,
        }
        if passage.neighbour is not None:
            line["neighbour"] = passage.neighbour
        if passage.is_assignable:
            line["assignable"] = True
        if decision is not None:
            line |= {
                "direction": str(decision.direction),
                "confidence": round(decision.confidence, 4),
                "posted": decision.posted,
                "because": decision.because,
                "visit": decision.visit,
                "unit": decision.thing.unit,
            }
        print(json.dumps(line), file=self._out)

    def zone(self, event: ZoneEvent, epc: str) -> None:
        """Write where a tag went."""
        line = {
            "kind": "zone",
            "event": event.kind,
            "zone": event.zone,
            "before": event.before,
            "epc": epc,
            "confidence": round(event.confidence, 4),
            "occurred_at": written_at(event.occurred_us),
            "reads": event.reads,
        }
        print(json.dumps(line), file=self._out)

    def summary(self, summary: dict[str, object]) -> None:
        """Write the last line."""
        print(json.dumps(summary), file=self._out)


class TablePrinter:
    """A line for people per decision, with the radio picture in small."""

    def __init__(self, out: TextIO) -> None:
        """Write to a stream.

        Args:
            out: The stream.
        """
        self._out = out

    def passage(self, passage: Passage, epc: str, decision: Decision | None) -> None:
        """Write a decision."""
        seconds = (passage.last_seen_us - passage.first_seen_us) / 1e6
        posted = ""
        if decision is not None:
            why = f" ({decision.because})" if decision.because else ""
            posted = f"  {decision.posted}{why} {decision.visit or ''}".rstrip()
        print(
            f"{written_at(passage.occurred_us)}  {passage.portal:12} {passage.direction:9} "
            f"{passage.confidence:6.1%}  {epc:24}  {passage.reads:5} reads {seconds:7.1f} s  "
            f"{sparkline(passage.trace)}{posted}",
            file=self._out,
        )

    def zone(self, event: ZoneEvent, epc: str) -> None:
        """Write where a tag went."""
        where = f"{event.zone} from {event.before}" if event.before else event.zone
        when = written_at(event.occurred_us)
        print(f"{when}  {event.kind:12} {event.confidence:16.1%}  {epc:24}  {where}", file=self._out)

    def summary(self, summary: dict[str, object]) -> None:
        """Write the last lines."""
        crossings = ", ".join(f"{count} {name}" for name, count in self._counts(summary))
        print(
            f"{summary['reads']} reads of {summary['tags']} tags in {summary['seconds']:.1f} s: {crossings}",
            file=self._out,
        )

    @staticmethod
    def _counts(summary: dict[str, object]) -> list[tuple[str, int]]:
        counts = summary["crossings"]
        return list(counts.items()) if isinstance(counts, dict) else []
