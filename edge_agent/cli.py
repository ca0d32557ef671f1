"""The command ``edge-agent``: runs a gateway, shows its configuration, looks after its outbox."""

import argparse
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from edge_agent.agent import Agent
from edge_agent.badge import add_badge_parser, badge
from edge_agent.calibrate.command import add_parser as add_calibrate_parser
from edge_agent.calibrate.command import calibrate_command
from edge_agent.certificates.command import add_parser as add_certificate_parser
from edge_agent.certificates.command import certificate_command
from edge_agent.clock import Clock
from edge_agent.config.settings import DEFAULT_FILE, Loaded, SettingsError, load, shown
from edge_agent.decode.command import add_code_parsers, decode_barcodes, decode_epcs, encode
from edge_agent.doctor.command import doctor
from edge_agent.enrolment.command import add_parser as add_enrol_parser
from edge_agent.enrolment.command import enrol
from edge_agent.explain.command import add_parser as add_explain_parser
from edge_agent.explain.command import explain
from edge_agent.garbage import settle
from edge_agent.labels.command import add_parser as add_label_parser
from edge_agent.labels.command import label_command
from edge_agent.outbox.errors import OutboxError
from edge_agent.outbox.inspect import export, inspect
from edge_agent.outbox.outbox import Outbox, OutboxOptions
from edge_agent.readers.commands import add_profile_parser, add_reader_parser, check_readers, profiles
from edge_agent.record import add_arguments as add_record_arguments
from edge_agent.record import record
from edge_agent.replay import add_parser as add_replay_parser
from edge_agent.replay import replay

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

_EXAMPLES: Final = """examples:
  edge-agent enrol --url https://ledger.example --code gw-7.7KQ2-9MPD-41XR-VT8E    make this machine a gateway
  edge-agent run --config agent.toml        read, store and publish until SIGTERM
  edge-agent check --config agent.toml      print the effective configuration with origins
  edge-agent doctor --config agent.toml     what is wrong, and what to do
  edge-agent outbox status                  what waits for the ledger
  edge-agent outbox export > rows.jsonl     every record that is still kept
  edge-agent outbox salvage                 finish salvaging damaged files (agent stopped)
  edge-agent outbox accept-ledger LEDGER    the ledger came back, not the one that replaced it
  edge-agent decode barcode ']E07032069804988'     what a scan names, as one JSON object
  edge-agent decode epc 3074257BF7194E4000001A85   what a tag names, the same
  edge-agent encode 'urn:epc:id:sscc:952012.03456789123'   what a tag must hold to say it
  edge-agent reader check dock-1                   what a reader can do, and what will be set
  edge-agent badge ada --language de >> agent.toml   a person's badge, known by its hash only
  edge-agent label print sscc sscc=new content=Tea   a pallet's label with the next reserved SSCC
  edge-agent certificate status                    until when the broker's certificate is good
  edge-agent profile show honeywell_xenon          what to set on a device, and why
  edge-agent record --seconds 60 > capture.jsonl     what readers say, as a capture
  edge-agent replay capture.jsonl --site site.toml   decide again what a capture says
  edge-agent calibrate walk.jsonl --site site.toml --at dock-1=in@5-15   correct antennas by a walk with a tag
  edge-agent explain capture.jsonl --epc 3034…1A85 --site site.toml --svg why.svg   and why, with a picture
  edge-agent decode barcode -               the same for each line of standard input

EDGE_AGENT_<SETTING> in the environment goes before the file, e.g. EDGE_AGENT_BROKER_URL.
"""
_DOCTOR_EXAMPLES: Final = """examples:
  edge-agent doctor --config agent.toml          findings and what to do; exit code 2 if something is wrong
  edge-agent doctor --json | jq '.findings[]'
"""
_RECORD_EXAMPLES: Final = """examples:
  edge-agent record --reader dock-1 --seconds 60 > capture.jsonl
  edge-agent record --format llrp > messages.jsonl      to replay exactly what readers sent
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Words of the command line; this process's by default.

    Returns:
        0 when all is well, 1 when something failed, 2 for wrong usage or settings.
    """
    options = build_parser().parse_args(arguments)
    without_settings: dict[str, Callable[[], int]] = {
        "decode": lambda: decode_barcodes(options, sys.stdin, sys.stdout),
        "decode-epc": lambda: decode_epcs(options, sys.stdin, sys.stdout),
        "encode": lambda: encode(options, sys.stdin, sys.stdout),
        "badge": lambda: badge(options, sys.stdout, sys.stderr),
        "profile": lambda: profiles(options, sys.stderr),
        "doctor": lambda: _doctor(options),
        "enrol": lambda: enrol(options, sys.stdout, sys.stderr),
        "replay": lambda: replay(options, sys.stdout, sys.stderr),
        "explain": lambda: explain(options, sys.stdout, sys.stderr),
        "calibrate": lambda: calibrate_command(options, sys.stdout, sys.stderr),
    }
    if options.command in without_settings:
        return without_settings[options.command]()
    try:
        loaded = load(options.config)
        commands: dict[str, Callable[[Loaded], int]] = {
            "run": _run,
            "check": _check,
            "status": _outbox_status,
            "export": _outbox_export,
            "salvage": _outbox_salvage,
            "accept-ledger": lambda loaded: _outbox_accept_ledger(loaded, options.ledger),
            "reader-check": lambda loaded: check_readers(options, loaded.settings.readers, sys.stderr),
            "record": lambda loaded: _record(loaded, options),
            "label-print": lambda loaded: _label(loaded, options),
            "label-preview": lambda loaded: _label(loaded, options),
            "label-status": lambda loaded: _label(loaded, options),
            "certificate-request": lambda loaded: _certificate(loaded, options),
            "certificate-install": lambda loaded: _certificate(loaded, options),
            "certificate-status": lambda loaded: _certificate(loaded, options),
        }
        return commands[options.command](loaded)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return USAGE
    except OutboxError as error:
        print(error, file=sys.stderr)
        return FAILED


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of every command; the documentation is generated from it too."""
    parser = argparse.ArgumentParser(
        prog="edge-agent",
        description="A gateway's agent: reads scanners, keeps every row until the ledger has it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help=f"settings file, default {DEFAULT_FILE}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, common, "run", "run the gateway until SIGTERM or Ctrl-C")
    _command(commands, common, "check", "print the effective configuration with origins")
    text = "say what is wrong with a gateway and what to do; changes nothing, the agent may run"
    doctoring = _command(commands, common, "doctor", text, _DOCTOR_EXAMPLES)
    doctoring.add_argument("--json", action="store_true", help="print one JSON object")
    text = "write what RFID readers say to standard output; the agent must be stopped"
    add_record_arguments(_command(commands, common, "record", text, _RECORD_EXAMPLES))
    add_reader_parser(commands, common)
    add_badge_parser(commands)
    add_label_parser(commands, common)
    add_certificate_parser(commands, common)
    add_enrol_parser(commands, common)
    add_profile_parser(commands)
    outbox = commands.add_parser("outbox", help="look after the outbox")
    parts = outbox.add_subparsers(required=True, metavar="COMMAND")
    _command(parts, common, "status", "say what waits for the ledger; the agent may run")
    _command(parts, common, "export", "write every kept record as JSON lines; the agent may run")
    _command(parts, common, "salvage", "finish salvaging damaged files; the agent must be stopped")
    accept = "follow a ledger that another one had replaced; the agent must be stopped"
    accepting = _command(parts, common, "accept-ledger", accept)
    accepting.add_argument("ledger", help="its id, as the log names it")
    add_code_parsers(commands)
    add_replay_parser(commands)
    add_explain_parser(commands)
    add_calibrate_parser(commands)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    common: argparse.ArgumentParser,
    name: str,
    text: str,
    examples: str | None = None,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        parents=[common],
        help=text,
        description=text,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=name)
    return parser


def _run(loaded: Loaded) -> int:
    _log_to_stderr(loaded.settings.log_format)
    stop, died = threading.Event(), threading.Event()

    def on_death(arguments: threading.ExceptHookArgs) -> None:
        name = arguments.thread.name if arguments.thread else "?"
        value = arguments.exc_value or arguments.exc_type()
        structlog.get_logger().error("thread_died", thread=name, exc_info=value)
        # The supervisors replace scanners and readers; nothing else is optional.
        if not name.startswith(("scanner-", "reader-")):
            died.set()
            stop.set()

    threading.excepthook = on_death
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    agent = Agent(loaded)
    settle()
    agent.run(stop)
    return FAILED if died.is_set() else OK


def _check(loaded: Loaded) -> int:
    width = max(len(name) for name, _, _ in shown(loaded))
    for name, value, origin in shown(loaded):
        print(f"{name:{width}}  {value}  ({origin})")
    return OK


def _record(loaded: Loaded, options: argparse.Namespace) -> int:
    _log_to_stderr(loaded.settings.log_format)
    return record(options, loaded.settings.readers, sys.stderr)


def _label(loaded: Loaded, options: argparse.Namespace) -> int:
    settings = loaded.settings
    return label_command(
        options,
        outbox=settings.outbox,
        site=settings.site,
        printers=settings.printer,
        out=sys.stdout,
        err=sys.stderr,
    )


def _certificate(loaded: Loaded, options: argparse.Namespace) -> int:
    settings = loaded.settings
    return certificate_command(
        options,
        path=settings.broker_certificate,
        gateway=settings.gateway,
        out=sys.stdout,
        err=sys.stderr,
    )


def _doctor(options: argparse.Namespace) -> int:
    # Findings say it all: what drivers log of a refusal is in them.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return doctor(options.config, sys.stdout, as_json=options.json)


def _outbox_status(loaded: Loaded) -> int:
    print(json.dumps(asdict(inspect(loaded.settings.outbox)), indent=2, default=_as_text))
    return OK


def _outbox_export(loaded: Loaded) -> int:
    for line in export(loaded.settings.outbox):
        sys.stdout.buffer.write(line + b"\n")
    return OK


def _outbox_salvage(loaded: Loaded) -> int:
    settings = loaded.settings
    _log_to_stderr(settings.log_format)
    outbox = Outbox(OutboxOptions(settings.outbox, settings.site, settings.gateway, "salvage"), Clock())
    try:
        while (stats := outbox.stats()).is_salvaging:
            time.sleep(0.1)
    finally:
        outbox.close()
    print(json.dumps({name: count for name, count in sorted(stats.counters.items()) if count}, indent=2))
    return OK


def _outbox_accept_ledger(loaded: Loaded, ledger_id: str) -> int:
    settings = loaded.settings
    _log_to_stderr(settings.log_format)
    outbox = Outbox(OutboxOptions(settings.outbox, settings.site, settings.gateway, "accept-ledger"), Clock())
    try:
        sent_again = outbox.accept_ledger(ledger_id)
    finally:
        outbox.close()
    print(json.dumps({"ledger_id": ledger_id, "batches_sent_again": sent_again}))
    return OK


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _log_to_stderr(log_format: str) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    sys.exit(main())
