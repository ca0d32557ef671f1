"""LLRPStatus (13.2.1): a fault in, the parameter that tells a client exactly what and where, out."""

from typing import Final

from simulators.llrp_reader.element import Element, LlrpError, element
from simulators.llrp_reader.vocabulary import StatusCode

SUCCESS: Final = element("LLRPStatus", StatusCode=StatusCode.M_Success, ErrorDescription="")

_MOST_CHARACTERS: Final = 500
_IN_A_PARAMETER: Final = {
    StatusCode.M_ParameterError: StatusCode.P_ParameterError,
    StatusCode.M_FieldError: StatusCode.P_FieldError,
    StatusCode.M_UnexpectedParameter: StatusCode.P_UnexpectedParameter,
    StatusCode.M_MissingParameter: StatusCode.P_MissingParameter,
    StatusCode.M_DuplicateParameter: StatusCode.P_DuplicateParameter,
    StatusCode.M_OverflowParameter: StatusCode.P_OverflowParameter,
    StatusCode.M_OverflowField: StatusCode.P_OverflowField,
    StatusCode.M_UnknownParameter: StatusCode.P_UnknownParameter,
    StatusCode.M_UnknownField: StatusCode.P_UnknownField,
    StatusCode.M_UnsupportedParameter: StatusCode.P_UnsupportedParameter,
}
"""What a parameter says of a fault that the message would call ``M_…``."""

_OF_A_PARAMETER: Final = frozenset(_IN_A_PARAMETER) - {
    StatusCode.M_FieldError,
    StatusCode.M_OverflowField,
    StatusCode.M_UnknownField,
}


def status_of(error: LlrpError) -> Element:
    """Describe a fault.

    A fault of a parameter that stands directly in the message is the message's own (``M_MissingParameter``);
    a deeper one, or one of a field in a parameter, is a chain of ParameterErrors that leads there.

    Args:
        error: The fault.

    Returns:
        LLRPStatus with FieldError or ParameterError.
    """
    if not error.path:
        if error.field is None:
            return _status(error.status, error)
        return _status(StatusCode.M_FieldError, error, _field_error(error.field, error.status))
    is_direct = len(error.path) == 1 and error.field is None and error.status in _OF_A_PARAMETER
    code = error.status if is_direct else StatusCode.M_ParameterError
    return _status(code, error, _chain(error, error.path))


def _chain(error: LlrpError, path: tuple[int, ...]) -> Element:
    here, deeper = path[0], path[1:]
    if deeper:
        inner = _chain(error, deeper)
        return element("ParameterError", inner, ParameterType=here, ErrorCode=StatusCode.P_ParameterError)
    if error.field is not None:
        fault = _field_error(error.field, error.status)
        return element("ParameterError", fault, ParameterType=here, ErrorCode=StatusCode.P_FieldError)
    return element("ParameterError", ParameterType=here, ErrorCode=_of_parameter(error.status))


def _field_error(field: int, status: StatusCode) -> Element:
    return element("FieldError", FieldNum=field, ErrorCode=_of_parameter(status))


def _of_parameter(status: StatusCode) -> StatusCode:
    return _IN_A_PARAMETER.get(status, status)


def _status(code: StatusCode, error: LlrpError, *details: Element) -> Element:
    return element("LLRPStatus", *details, StatusCode=code, ErrorDescription=str(error)[:_MOST_CHARACTERS])
