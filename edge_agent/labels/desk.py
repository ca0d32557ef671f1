"""Where a gateway's labels are printed: an order in, a label out of the right printer, or why not."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from contracts.labels import LabelError, LabelOrder
from contracts.zpl import draw
from edge_agent.labels.printer import PrinterError, send_label
from edge_agent.labels.settings import PrinterSettings
from edge_agent.labels.shelf import SHELF_FILE, LabelShelf, NoSerialsError

log = structlog.get_logger(__name__)


class LabelDesk:
    """Prints for scanners and for whoever stands at the gateway. Safe from any thread."""

    def __init__(self, outbox: Path, site: str, printers: Sequence[PrinterSettings]) -> None:
        """Prepare it; nothing is connected, and without printers nothing is written.

        Args:
            outbox: The outbox's file; the shelf lies beside it.
            site: Site id.
            printers: Where to print.
        """
        self.shelf = LabelShelf(outbox.with_name(SHELF_FILE), site)
        self._printers = tuple(printers)

    def take(self, payload: bytes) -> bool:
        """Take a message from the reference channel, if labels are printed here."""
        return bool(self._printers) and self.shelf.take(payload)

    def printer_of(self, device: str) -> PrinterSettings | None:
        """Find the printer of a scanner.

        Args:
            device: The scanner.

        Returns:
            One that names it, else one that names none; None if there is neither.
        """
        named = [each for each in self._printers if device in each.scanners]
        free = [each for each in self._printers if not each.scanners]
        return next(iter(named or free), None)

    def has_printer(self, device: str) -> bool:
        """Tell whether labels of a scanner are printed anywhere."""
        return self.printer_of(device) is not None

    def promise(self, device: str, used: str | None) -> str | None:
        """Give the SSCC of a scanner's next unit; None: none is left."""
        try:
            return self.shelf.promise(device, used)
        except NoSerialsError as error:
            log.error("sscc_not_given", scanner=device, detail=str(error))  # noqa: TRY400  no bug of ours to trace
            return None

    def print_label(self, device: str, order: LabelOrder) -> str | None:
        """Print for a scanner.

        Args:
            device: The scanner.
            order: What.

        Returns:
            What went wrong; None: nothing.
        """
        printer = self.printer_of(device)
        if printer is None:
            return "no printer prints for this scanner"
        try:
            self.print_on(printer, order)
        except (LabelError, PrinterError) as error:
            return str(error)
        return None

    def print_on(self, printer: PrinterSettings, order: LabelOrder) -> None:
        """Print on one printer.

        Args:
            printer: Where.
            order: What.

        Raises:
            LabelError: If there is no such template, it is for other printers, or a value is wrong.
            PrinterError: If the printer did not print it, or may not have.
        """
        send_label(printer, self.zpl(order, dots_per_mm=printer.dots_per_mm))

    def zpl(self, order: LabelOrder, *, dots_per_mm: int | None = None) -> str:
        """Fill a label in.

        Args:
            order: What.
            dots_per_mm: Of the printer; None: whatever the template is for.

        Returns:
            What a printer gets.

        Raises:
            LabelError: As above.
        """
        name = order.template or order.kind.value
        template = self.shelf.template(name)
        if template is None or template.kind != order.kind:
            raise LabelError(f"there is no template {name!r} for {order.kind} labels here")
        if dots_per_mm is not None and template.dots_per_mm != dots_per_mm:
            raise LabelError(
                f"template {name!r} is for {template.dots_per_mm} dots a millimetre, the printer has "
                f"{dots_per_mm}: expected the same (`dots_per_mm`)"
            )
        return draw(template, order.values, copies=order.copies).zpl

    def counters(self) -> dict[str, int]:
        """Tell the cloud what is left; nothing where nothing is printed."""
        return self.shelf.counters() if self._printers else {}

    def misuses(self) -> dict[str, int]:
        """Count messages that were not taken."""
        shelf = self.shelf
        return {
            "references_refused": shelf.refused,
            "references_unreadable": shelf.unreadable,
            "labels_not_stored": shelf.not_stored,
        }
