"""A gateway whose disk was copied: one branch stays, the other waits for a person (FAULTS F16)."""

import json
import shutil
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.edges import Edge
from benchmarks.mayhem import wait_until
from benchmarks.stage import Stage
from edge_agent.outbox.inspect import inspect
from tests.patience import PATIENCE_S


def held_forks(stage: Stage) -> list[str]:
    listed = stage.run("quarantine", "list", "--reason", "conflict", "--json", "--limit", "1000")
    assert listed.returncode == 0, listed.stderr
    return [str(json.loads(line)["quarantine_id"]) for line in listed.stdout.splitlines()]


def kept_as_forks(edges: Iterable[Edge]) -> int:
    outboxes = [inspect(edge.directory / "outbox.db") for edge in edges]
    return sum(each.batches for outbox in outboxes for each in outbox.totals if each.state == "conflict")


def test_of_two_gateways_with_one_identity_one_branch_is_posted_and_the_other_held(
    system: Callable[..., Any],
) -> None:
    running = system()
    running.add_edges()
    running.scan(rate=60, seconds=2).finish(within_s=PATIENCE_S)
    running.drain(within_s=PATIENCE_S)
    original = running.edges[0]
    running.stage.parts[original.name].stop()
    clone = Edge(running.stage, original.gateway, "clone")
    shutil.copytree(original.directory, clone.directory, symlinks=True)
    clone.start()
    running.stage.parts[original.name].start()
    running.edges.append(clone)
    running.scan(rate=60, seconds=4).finish(within_s=PATIENCE_S)
    wait_until(lambda: bool(kept_as_forks(running.edges)), within_s=PATIENCE_S, what="the fork is detected")
    running.drain(within_s=PATIENCE_S)
    running.verify()
    assert held_forks(running.stage)
    replayed = running.stage.run("quarantine", "replay", "--under-new-identity", *held_forks(running.stage))
    assert replayed.returncode == 0, replayed.stderr
    assert (found := running.unlike_scans("_cloud")).is_clean, found
    wait_until(lambda: not kept_as_forks(running.edges), within_s=PATIENCE_S, what="the edges let go")
    running.verify()
