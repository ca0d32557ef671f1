"""Every fault that is known of LLRP clients and readers has its test: the table, and that each is there."""

import ast
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[2]
ADAPTER: Final = Path(__file__).parents[3] / "edge_agent" / "readers" / "llrp"

KNOWN: Final = {
    "no watchdog on keepalives": [
        "integration/llrp/test_llrp_faults.py::test_a_silent_reader_is_given_up_and_read_again_when_it_speaks",
        "integration/llrp/test_llrp_faults.py::test_keepalives_alone_keep_a_reader_without_tags_alive",
    ],
    "half a message kept over a reconnect": [
        "integration/llrp/test_llrp_faults.py::test_half_a_message_does_not_outlive_its_connection",
    ],
    "an unknown message costs the rest of the buffer": [
        "integration/llrp/test_llrp_faults.py::test_a_message_of_an_unknown_type_costs_none_of_its_neighbours",
    ],
    "a malformed parameter ends the thread": [
        "integration/llrp/test_llrp_faults.py::test_a_malformed_parameter_costs_its_message_and_not_the_connection",
    ],
    "a slow callback holds up keepalives": [
        "integration/llrp/test_llrp_faults.py::test_a_slow_listener_delays_no_answer_to_a_keepalive",
        "integration/llrp/test_llrp_faults.py::test_what_a_slow_listener_leaves_beyond_the_bound_is_counted",
    ],
    "descriptors beyond 1023": [
        "integration/llrp/test_llrp_faults.py::test_a_descriptor_beyond_1023_is_one_like_any_other",
    ],
    "gives up after five tries": [
        "integration/llrp/test_llrp_faults.py::test_a_reader_is_tried_for_ever_and_read_when_it_is_there",
        "unit/llrp/test_backoff.py::test_a_reader_that_was_away_for_a_day_is_still_tried",
    ],
    "no TLS": [
        "integration/llrp/test_llrp_tls.py::test_a_reader_that_proves_who_it_is_is_read",
        "integration/llrp/test_llrp_tls.py::test_a_reader_that_does_not_is_told_nothing",
        "integration/llrp/test_llrp_tls.py::test_a_pinned_certificate_is_believed_whoever_signed_it_and_no_other",
    ],
    "the EPC's length is dropped": [
        "integration/llrp/test_llrp_faults.py::test_epcs_of_every_length_arrive_whole",
    ],
    "uptime is not UTC": [
        "integration/llrp/test_llrp_faults.py::test_reads_have_the_true_time_whatever_the_readers_clock_says",
    ],
    "defaults report neither antenna nor RSSI nor times": [
        "unit/llrp/test_llrp_rospec.py::test_a_report_holds_antenna_channel_rssi_times_and_count",
        "unit/llrp/test_llrp_rospec.py::test_every_antenna_is_named_with_its_radio",
    ],
    "a stop trigger gates the carrier": [
        "unit/llrp/test_llrp_rospec.py::test_the_carrier_stays_on_and_each_tag_is_reported_at_once",
    ],
    "one make refuses another's parameters": [
        "unit/llrp/test_llrp_rospec.py::test_any_other_reader_gets_nothing_but_the_standard_on_a_fixed_channel",
        "integration/llrp/test_llrp_setup.py::test_each_make_of_reader_is_set_up_and_read",
    ],
    "an enabled AccessSpec refuses to be deleted": [
        "integration/llrp/test_llrp_setup.py::test_specs_that_another_client_left_enabled_are_removed",
    ],
    "omitted means as before": [
        "integration/llrp/test_llrp_faults.py::test_what_a_reader_omits_is_as_before",
    ],
    "an EPC in ASCII": [
        "unit/llrp/test_llrp_decoder.py::test_an_epc_spelt_in_ascii_is_one_of_96_bits_where_the_profile_says_so",
        "unit/iot/test_iot_decoder.py::test_an_epc_spelt_in_ascii_is_one_of_96_bits_for_a_zebra",
    ],
}


@pytest.mark.parametrize("fault", KNOWN)
def test_each_known_fault_has_its_test(fault: str) -> None:
    for named in KNOWN[fault]:
        path, _, name = named.partition("::")
        tree = ast.parse((TESTS / path).read_text("utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_of_sllurp_only_the_module_that_every_wheel_has_is_imported() -> None:
    imported = {
        node.module
        for path in ADAPTER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sllurp")
    }
    assert imported == {"sllurp.llrp"}
