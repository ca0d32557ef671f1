"""AccessSpecs as a client meets them that only reads EPCs (LLRP 1.0.1, 6.2): kept, never run."""

from dataclasses import dataclass, field

from simulators.llrp_reader.element import Element, LlrpError
from simulators.llrp_reader.models import ReaderModel
from simulators.llrp_reader.parameters import type_of
from simulators.llrp_reader.rospecs import ALL
from simulators.llrp_reader.vocabulary import StatusCode


@dataclass
class AccessSpecs:
    """All AccessSpecs of a reader."""

    model: ReaderModel
    specs: dict[int, Element] = field(default_factory=dict)

    def add(self, spec: Element) -> None:
        """Add one, disabled.

        Args:
            spec: As the client sent it.

        Raises:
            LlrpError: If its id is 0 or taken, its antenna unknown, it is enabled, or one too many.
        """
        path = (type_of("AccessSpec"),)
        number, antenna = spec.number("AccessSpecID"), spec.number("AntennaID")
        if number == 0 or number in self.specs:
            raise LlrpError(f"AccessSpecID {number} is 0 or taken", StatusCode.A_Invalid, path, 0)
        if antenna > self.model.antennas:
            raise LlrpError(
                f"AntennaID is {antenna}: expected 0 to {self.model.antennas}",
                StatusCode.A_OutOfRange,
                path,
                1,
            )
        if spec.number("CurrentState"):
            raise LlrpError("CurrentState is 1: expected 0", StatusCode.A_Invalid, path, 3)
        if len(self.specs) >= self.model.max_accessspecs:
            raise LlrpError(
                f"{len(self.specs)} AccessSpecs are there: expected at most {self.model.max_accessspecs}",
                StatusCode.M_OverflowParameter,
                path,
            )
        self.specs[number] = spec

    def delete(self, number: int) -> None:
        """Take out one, or all; an enabled one is not let go.

        Args:
            number: Its id, or 0 for all.

        Raises:
            LlrpError: If it is unknown or enabled; nothing is deleted then.
        """
        chosen = self._chosen(number)
        enabled = [each for each in chosen if self.specs[each].number("CurrentState")]
        if enabled:
            raise LlrpError(f"AccessSpecs {enabled} are enabled: disable them", StatusCode.A_Invalid, field=0)
        for each in chosen:
            del self.specs[each]

    def enable(self, number: int) -> None:
        """Enable one, or all.

        Args:
            number: Its id, or 0 for all.

        Raises:
            LlrpError: If it is unknown.
        """
        self._set_state(number, is_enabled=True)

    def disable(self, number: int) -> None:
        """Disable one, or all.

        Args:
            number: Its id, or 0 for all.

        Raises:
            LlrpError: If it is unknown.
        """
        self._set_state(number, is_enabled=False)

    def _set_state(self, number: int, *, is_enabled: bool) -> None:
        for each in self._chosen(number):
            spec = self.specs[each]
            fields = {**spec.fields, "CurrentState": int(is_enabled)}
            self.specs[each] = Element(spec.name, fields, spec.parameters)

    def _chosen(self, number: int) -> list[int]:
        if number == ALL:
            return list(self.specs)
        if number not in self.specs:
            raise LlrpError(
                f"no AccessSpec {number}: expected one of {sorted(self.specs)}", StatusCode.A_Invalid, field=0
            )
        return [number]
