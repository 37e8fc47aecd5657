import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text, update

from app.core.errors import ConflictError, InvalidError
from app.core.idempotency import (
    RETENTION,
    Answer,
    IdempotencyKey,
    Scope,
    answer_once,
    check_key,
    fingerprint,
    forget_answer,
)
from stack.ports import wait_until

BODY = fingerprint({"a": 1})


@pytest.fixture
def scope(platform):
    """A key of this test's own; its row goes with the test."""
    own = Scope(uuid4(), "/api/test", "key-1")
    yield own
    with platform.database.transaction() as session:
        forget_answer(session, platform.cache, own)


@pytest.fixture
def ask(platform, scope):
    """One call in its own transaction; `work` counts how often it ran."""

    def run(body: str = BODY, answer: Answer | Exception | None = None) -> Answer:
        def work() -> Answer:
            run.worked += 1
            if isinstance(answer, Exception):
                raise answer
            return answer or Answer(201, '{"n": 1}')

        with platform.database.transaction() as session:
            return answer_once(session, platform.cache, scope, body, work)

    run.worked = 0
    return run


def rows(platform, scope) -> int:
    with platform.database.transaction() as session:
        statement = select(func.count()).where(IdempotencyKey.scope == scope.name)
        return session.execute(statement.select_from(IdempotencyKey)).scalar_one()


def age(platform, scope, by: timedelta) -> None:
    with platform.database.transaction() as session:
        aged = update(IdempotencyKey).where(IdempotencyKey.scope == scope.name)
        session.execute(aged.values(created_at=IdempotencyKey.created_at - by))
    platform.cache.drop(scope.cache_key)


@pytest.mark.parametrize("key", [None, "a", "!", "~", "x" * 255, "7f1c-launch-1", '"{}"'])
def test_a_visible_ascii_key_is_accepted(key):
    check_key(key)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "a\n", "a\tb", "é", "\x7f", "\x00", "a "])
def test_any_other_key_is_refused(key):
    with pytest.raises(InvalidError, match="Invalid Idempotency-Key"):
        check_key(key)


def test_a_fingerprint_ignores_the_order_of_keys():
    assert fingerprint({"a": 1, "b": {"c": 2, "d": 3}}) == fingerprint({"b": {"d": 3, "c": 2}, "a": 1})


@pytest.mark.parametrize("other", [{"a": 2}, {"a": "1"}, {"a": [1]}, {"a": 1, "b": None}, {}, {"a": True}])
def test_a_fingerprint_tells_bodies_apart(other):
    assert fingerprint(other) != fingerprint({"a": 1})


def test_a_fingerprint_takes_text_that_cannot_be_stored():
    assert fingerprint({"a": "\ud800"}) != fingerprint({"a": "\x00"})


def test_the_second_call_gets_the_first_answer(ask):
    assert ask() == Answer(201, '{"n": 1}')
    assert ask() == Answer(201, '{"n": 1}', replayed=True)
    assert ask.worked == 1


def test_a_flushed_cache_loses_no_answer(ask, platform, scope):
    ask()
    platform.cache.drop(scope.cache_key)
    assert ask() == Answer(201, '{"n": 1}', replayed=True)
    assert ask.worked == 1


def test_a_lost_row_is_answered_from_the_cache(ask, platform, scope):
    ask()
    with platform.database.transaction() as session:
        session.execute(text("DELETE FROM idempotency_keys WHERE scope = :scope"), {"scope": scope.name})
    assert ask().replayed


@pytest.mark.parametrize("is_cached", [True, False])
def test_another_body_is_a_conflict(ask, platform, scope, is_cached):
    ask()
    if not is_cached:
        platform.cache.drop(scope.cache_key)
    with pytest.raises(ConflictError) as caught:
        ask(fingerprint({"a": 2}))
    assert (caught.value.code, caught.value.header_code) == ("idempotency_conflict", "idempotency_conflict")


def test_a_failed_call_leaves_the_key_unused(ask, platform, scope):
    with pytest.raises(InvalidError):
        ask(answer=InvalidError("no"))
    assert rows(platform, scope) == 0
    assert platform.cache.find(scope.cache_key) is None
    assert ask(fingerprint({"a": 2})).status == 201


def test_the_same_key_counts_once_per_tenant_and_route(ask, platform, scope):
    ask()
    for other in (Scope(uuid4(), scope.route, scope.key), Scope(scope.tenant_id, "/other", scope.key)):
        with platform.database.session() as session:
            answer = answer_once(session, platform.cache, other, BODY, lambda: Answer(201, "other"))
            session.rollback()
        assert answer == Answer(201, "other")


def test_a_key_is_free_again_after_a_day(ask, platform, scope):
    ask()
    age(platform, scope, RETENTION + timedelta(seconds=1))
    assert ask(fingerprint({"a": 2}), Answer(201, "again")) == Answer(201, "again")
    assert rows(platform, scope) == 1


def test_a_key_counts_until_the_day_is_over(ask, platform, scope):
    ask()
    age(platform, scope, RETENTION - timedelta(minutes=1))
    assert ask().replayed


def test_a_forgotten_answer_frees_the_key(ask, platform, scope):
    ask()
    with platform.database.transaction() as session:
        forget_answer(session, platform.cache, scope)
    assert not ask().replayed
    assert ask.worked == 2


def waiting(platform) -> bool:
    """Whether some statement on the keys waits for another transaction."""
    with platform.database.transaction() as session:
        statement = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND query ILIKE '%INTO idempotency_keys%'"
        )
        return bool(session.execute(statement).scalar())


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_second_caller_waits_for_the_first(ask, platform, scope, is_committed):
    answers = []
    first = platform.database.session()
    answer_once(first, platform.cache, scope, BODY, lambda: Answer(201, "first"))
    second = threading.Thread(target=lambda: answers.append(ask(answer=Answer(201, "second"))))
    second.start()
    assert wait_until(lambda: waiting(platform), 5)
    first.commit() if is_committed else first.rollback()
    second.join(10)
    first.close()
    assert answers == [Answer(201, "first", replayed=True) if is_committed else Answer(201, "second")]


def test_a_first_call_that_does_not_end_is_in_progress(ask, platform, scope):
    with platform.database.session() as first:
        answer_once(first, platform.cache, scope, BODY, lambda: Answer(201, "first"))
        with pytest.raises(ConflictError) as caught:
            ask()
        first.rollback()
    assert (caught.value.code, caught.value.retry_after_seconds) == ("idempotency_in_progress", 1)


def test_simultaneous_callers_do_the_work_once(ask):
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(ask())) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(30)
    assert ask.worked == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 19
    assert {answer.body for answer in answers} == {'{"n": 1}'}
