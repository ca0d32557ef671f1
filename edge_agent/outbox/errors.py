"""What can go wrong in the outbox, named for what the caller does about it."""


class OutboxError(Exception):
    """Anything the outbox refuses or cannot do."""


class OutboxFullError(OutboxError):
    """Nothing was stored: tell the person at the scanner, loudly, and try again later."""


class RecordTooLargeError(OutboxError):
    """One record is larger than a batch may be: it can never be sent, so it is not accepted."""


class OutboxClosedError(OutboxError):
    """The outbox is closing; nothing was stored."""


class OutboxInUseError(OutboxError):
    """Another process has this outbox open."""


class WrongGatewayError(OutboxError):
    """The file belongs to another site or gateway."""


class FormerLedgerError(OutboxError):
    """A ledger speaks that another one has replaced: only a person can say which of the two is right."""


class UnknownLedgerError(OutboxError):
    """This outbox has never met the ledger that it is told to take back."""


class DiskFullError(OutboxError):
    """The volume has no space left for a write; the transaction was rolled back."""


class StoreCorruptError(OutboxError):
    """The file is not what was written to it."""
