"""Container output and events on the real engine."""

import threading

from deploy_runner.engines.base import ContainerState, ContainerStatus, LogLine
from deploy_runner.engines.docker import DockerEngine
from deploy_runner.plan import Role
from tests.deploy_runner.plans import Deployment, wait_until

BOTH = "echo out; echo err >&2; echo 'last ünï'"


def run_script(engine: DockerEngine, deployment: Deployment, script: str) -> ContainerState:
    service = deployment.service("job", role=Role.INIT, command=("sh", "-c", script))
    return deployment.launch(engine, service)


def test_the_tail_has_both_streams_with_their_times(engine: DockerEngine, deployment: Deployment) -> None:
    state = run_script(engine, deployment, BOTH)
    engine.wait_exit(state.id, 20)
    lines = engine.tail_logs(state.id)
    assert {(line.stream, line.message) for line in lines} == {
        ("stdout", "out"),
        ("stderr", "err"),
        ("stdout", "last ünï"),
    }
    assert state.started_at is not None
    assert all(abs(line.timestamp_ns / 1e9 - state.started_at.timestamp()) < 30 for line in lines)


def test_the_tail_keeps_the_last_lines_within_its_bounds(
    engine: DockerEngine, deployment: Deployment
) -> None:
    script = "i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo line $i; done"
    state = run_script(engine, deployment, script)
    engine.wait_exit(state.id, 20)
    assert [line.message for line in engine.tail_logs(state.id, lines=2)] == ["line 49", "line 50"]
    assert [line.message for line in engine.tail_logs(state.id, max_bytes=17)] == ["line 49", "line 50"]
    assert len(engine.tail_logs(state.id)) == 50


def test_a_line_longer_than_the_engine_keeps_in_one_piece_stays_one_line(
    engine: DockerEngine, deployment: Deployment
) -> None:
    state = run_script(engine, deployment, "printf '%040000d\\n' 7")
    engine.wait_exit(state.id, 20)
    assert [len(line.message) for line in engine.tail_logs(state.id)] == [40_000]


def test_the_tail_of_a_container_that_is_gone_is_empty(engine: DockerEngine) -> None:
    assert engine.tail_logs("0" * 64) == []


def test_following_ends_with_the_container_and_resumes_without_doubles(
    engine: DockerEngine, deployment: Deployment
) -> None:
    state = run_script(engine, deployment, "echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three")
    followed = list(engine.follow_logs(state.id, 0))
    assert [(line.stream, line.message) for line in followed] == [
        ("stdout", "one"),
        ("stderr", "two"),
        ("stdout", "three"),
    ]
    resumed = list(engine.follow_logs(state.id, followed[0].timestamp_ns))
    assert resumed == followed[1:]


def test_a_follower_that_waits_can_be_closed_from_another_thread(
    engine: DockerEngine, deployment: Deployment
) -> None:
    state = run_script(engine, deployment, "echo ready; sleep 600")
    stream = engine.follow_logs(state.id, 0)
    lines: list[LogLine] = []
    reader = threading.Thread(target=lambda: lines.extend(stream), daemon=True)
    reader.start()
    wait_until(lambda: len(engine.tail_logs(state.id)) == 1)
    stream.close()
    reader.join(10)
    assert not reader.is_alive()


def test_starts_and_deaths_of_owned_containers_are_seen(engine: DockerEngine, deployment: Deployment) -> None:
    stream = engine.watch_starts(deployment.install_id)
    seen: list[ContainerState] = []
    watcher = threading.Thread(target=lambda: seen.extend(stream), daemon=True)
    watcher.start()
    state = run_script(engine, deployment, "sleep 0.3")
    engine.wait_exit(state.id, 20)
    wait_until(lambda: len(seen) >= 2)
    engine.remove_container(state.id)
    stream.close()
    watcher.join(10)
    assert not watcher.is_alive()
    assert {found.id for found in seen} == {state.id}
    assert seen[-1].state == ContainerStatus.EXITED
    assert seen[-1].service == "job"
