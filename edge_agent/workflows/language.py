"""The command language: barcodes printed on a sheet or a document that steer the work.

A command is ``$VERB`` or ``$VERB/argument``, in characters that Code 39 and Code 128 both have:

===================  =====================================================================================
``$BADGE/token``     log in; only the token's SHA-256 is compared, and the token is never stored
``$PIN/name/digits``  log in without a badge; after five wrong ones only a badge does, for a minute
``$LOGOUT``          log out
``$RECEIVE/id``      goods of receipt ``id`` arrive: supplier to staging
``$SHIP/id``         goods of shipment ``id`` leave: staging to customer
``$RETURN/id``       a customer brings goods of return ``id`` back: customer to the returns bin
``$GRADE/d``         goods of the returns bin are found ``sellable``, ``damaged`` or to ``hold``
``$PICK/id``         goods for order ``id``: scan a bin, then items; bin to staging
``$PUTAWAY``         scan items of staging, then the bin they are put into
``$MOVE``            scan a bin, items out of it, then the bin they are put into
``$CROSSDOCK/id``    scan items of staging, or pallets, then the lane of outbound order ``id``
``$PACK``            scan a pallet's or parcel's SSCC, then what goes into it, from staging or a bin that
                     was scanned; a pallet scanned then goes into it as a whole; its own label again
                     closes it. ``$PACK/id`` does so for order ``id``
``$UNPACK``          scan an SSCC, then what comes out of it, then the bin
``$TRANSFER/id``     goods of transfer ``id`` leave for another site: staging to transit
``$TRANSFER-IN/id``  goods of transfer ``id`` arrive: transit to staging
``$DAMAGE/reason``   scan a bin, then what is damaged in it; it stays there, and is not sold
``$KIT/id``          scan a bin, then components; ``$MAKES``, then what they became, then its bin
``$DEKIT/id``        the same for kits that are taken apart
``$REPACK/id``       the same for goods that are only packed otherwise
``$RECIPE/code``     in one of these three: asks for each part of that recipe, and then for what it makes;
                     ``$RECIPE/code/n``: for n times. Work that was planned in the cloud chooses it itself;
                     ``$RECIPE`` alone goes without
``$ADJUST/reason``   scan a bin, then items whose stock is doubted, with their quantity: each is reported
                     like a count, and adjusted once another person has approved
``$COUNT``           scan a bin, then everything in it; the next bin or ``$DONE`` reports what was
                     counted; ``$COUNT/id`` does so for count task ``id``. Nothing moves
``$TASK``            the next task of the cloud for this gateway's handhelds: it names a bin and what to take;
                     scan the bin, then the goods. ``$TASK/id``, or ``$PICK/id``: that of order ``id``
``$SHORT/reason``    the rest of the task's line is not there; the cloud finds other stock for it
``$NEXT``            leave the task's line for later
``$ZERO``            the next item label is confirmed to be absent; blank is never zero. Before the bin's
                     own label: the bin is empty
``$LINE/n``          the next item is line ``n`` of the document; without it lines count up from 1, and of
                     which line of an ASN goods are is found out by the ledger
``$QTY/q``           the next item label stands for ``q`` units, up to 6 decimals
``$PRINT``           in ``$PACK``, the label of a new unit, with an SSCC of its own, which is then packed;
                     else a label of the item that was scanned last, with its quantity and lot
``$REPRINT/reason``  the last label of this scanner once more; the reason is recorded
``$UNDO``            take the last scan back: forget it, or reverse what it posted
``$CANCEL``          end the work; what was scanned and not completed is recorded as such
``$DONE``            end the work
===================  =====================================================================================
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from edge_agent.workflows.kinds import GRADES, KINDS, Argument, Workflow
from edge_agent.workflows.site import COMMAND_PREFIX

_ARGUMENT: Final = re.compile(r"[\x20-\x7e]{1,64}")
_QUANTITY: Final = re.compile(r"[0-9]{1,14}(\.[0-9]{1,6})?")
_PIN: Final = re.compile(r"[\x20-\x7e]{1,64}/[0-9]{4,12}")
_RECIPE: Final = re.compile(r"[\x20-.0-~]{1,64}(/0*[1-9][0-9]{0,5})?")
_LINE: Final = re.compile(r"[1-9][0-9]{0,6}")


class CommandError(ValueError):
    """A barcode that begins like a command and is none."""


class Verb(StrEnum):
    """What a command barcode asks for."""

    BADGE = "BADGE"
    PIN = "PIN"
    LOGOUT = "LOGOUT"
    RECEIVE = "RECEIVE"
    SHIP = "SHIP"
    RETURN = "RETURN"
    GRADE = "GRADE"
    PICK = "PICK"
    PUTAWAY = "PUTAWAY"
    MOVE = "MOVE"
    CROSSDOCK = "CROSSDOCK"
    PACK = "PACK"
    UNPACK = "UNPACK"
    TRANSFER = "TRANSFER"
    TRANSFER_IN = "TRANSFER-IN"
    DAMAGE = "DAMAGE"
    KIT = "KIT"
    DEKIT = "DEKIT"
    REPACK = "REPACK"
    MAKES = "MAKES"
    RECIPE = "RECIPE"
    COUNT = "COUNT"
    ADJUST = "ADJUST"
    TASK = "TASK"
    SHORT = "SHORT"
    NEXT = "NEXT"
    ZERO = "ZERO"
    PRINT = "PRINT"
    REPRINT = "REPRINT"
    LINE = "LINE"
    QTY = "QTY"
    UNDO = "UNDO"
    CANCEL = "CANCEL"
    DONE = "DONE"


STARTS: Final = {Verb[workflow.name]: workflow for workflow in Workflow}
"""The work that a command begins."""
_ARGUMENTS: Final = dict.fromkeys(Verb, Argument.NONE) | {
    Verb.BADGE: Argument.DOCUMENT,
    Verb.PIN: Argument.DOCUMENT,
    Verb.LINE: Argument.DOCUMENT,
    Verb.QTY: Argument.DOCUMENT,
    Verb.TASK: Argument.OPTIONAL_DOCUMENT,
    Verb.RECIPE: Argument.OPTIONAL_DOCUMENT,
    Verb.SHORT: Argument.REASON,
    Verb.REPRINT: Argument.REASON,
    **{verb: KINDS[workflow].argument for verb, workflow in STARTS.items()},
}


@dataclass(frozen=True, slots=True)
class Command:
    """A command, its argument checked."""

    verb: Verb
    argument: str = ""

    @property
    def line(self) -> int:
        """The argument of ``$LINE``."""
        return int(self.argument)

    @property
    def quantity(self) -> Decimal:
        """The argument of ``$QTY``; 0 for ``$ZERO``."""
        return Decimal(0) if self.verb is Verb.ZERO else Decimal(self.argument)


def is_command(text: str) -> bool:
    """Tell whether a barcode's characters claim to be a command.

    Args:
        text: The characters, without the AIM identifier.

    Returns:
        True if they begin with ``$``.
    """
    return text.startswith(COMMAND_PREFIX)


def is_undo(text: str) -> bool:
    """Tell whether a barcode asks to take the last scan back.

    Args:
        text: The characters, without the AIM identifier.

    Returns:
        True for ``$UNDO``.
    """
    return text == f"{COMMAND_PREFIX}{Verb.UNDO}"


def parse_command(text: str) -> Command:
    """Read a command barcode.

    Args:
        text: The characters, without the AIM identifier.

    Returns:
        The command.

    Raises:
        CommandError: If the verb is unknown, or its argument is missing, superfluous or malformed.

    Examples:
        >>> parse_command("$QTY/2.5").quantity
        Decimal('2.5')
    """
    word, slash, argument = text.removeprefix(COMMAND_PREFIX).partition("/")
    try:
        verb = Verb(word)
    except ValueError:
        raise CommandError(f"command {text!r}: {word!r} is none of {', '.join(Verb)}") from None
    takes = _ARGUMENTS[verb]
    if takes is not Argument.OPTIONAL_DOCUMENT and bool(slash) == (takes is Argument.NONE):
        expected = "no argument" if takes is Argument.NONE else "an argument after '/'"
        raise CommandError(f"command {text!r}: ${verb} takes {expected}")
    if slash and not _is_valid(verb, argument):
        raise CommandError(f"command {text!r}: {argument!r} cannot follow ${verb}/")
    return Command(verb, argument)


def _is_valid(verb: Verb, argument: str) -> bool:
    if verb is Verb.QTY:
        return _QUANTITY.fullmatch(argument) is not None and Decimal(argument) > 0
    if verb is Verb.RECIPE:
        return _RECIPE.fullmatch(argument) is not None
    if verb is Verb.LINE:
        return _LINE.fullmatch(argument) is not None
    if verb is Verb.PIN:
        return _PIN.fullmatch(argument) is not None
    if _ARGUMENTS[verb] is Argument.DISPOSITION:
        return argument.lower() in GRADES
    return _ARGUMENT.fullmatch(argument) is not None
