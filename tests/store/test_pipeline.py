"""Reads on the event loop come back right, each to who asked, whatever happens to the connection (store/pipeline.py)."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import psycopg
import pytest

from shangyi.store import pipeline as module
from shangyi.store.database import Store
from shangyi.store.pipeline import Broken, Pipeline
from shangyi.store.questions import Question

Run = Callable[[Coroutine[Any, Any, Any]], Any]
NEXT = "select %s::bigint + 1"


@pytest.fixture
def pipeline(store: Store) -> Iterator[Pipeline]:
    found = Pipeline(store.conninfo)
    yield found
    found.close()


@pytest.fixture
def run() -> Iterator[Run]:
    loop = asyncio.new_event_loop()
    yield loop.run_until_complete
    loop.close()


async def connected(pipeline: Pipeline) -> None:
    """Ask until there is an answer; whoever asks first finds no connection."""
    async with asyncio.timeout(20):
        while True:
            pipeline._not_before = 0.0  # whatever became of the last one
            try:
                await pipeline.rows(Question("select 1"))
                return
            except Broken:
                await asyncio.sleep(0.02)


async def number(pipeline: Pipeline, n: int, sql: str = NEXT) -> int:
    ((value,),) = await pipeline.rows(Question(sql, (n,)))
    assert value is not None
    return int.from_bytes(value, "big", signed=True)


def test_everybody_gets_the_answer_to_their_own_question(pipeline: Pipeline, run: Run) -> None:
    async def ask() -> None:
        await connected(pipeline)
        others = "select %s::bigint - 1"
        asked = [number(pipeline, n, NEXT if n % 3 else others) for n in range(300)]
        assert await asyncio.gather(*asked) == [n + 1 if n % 3 else n - 1 for n in range(300)]
        assert await pipeline.rows(Question("select x from unnest(%s::bigint[]) x", ([],))) == []

    run(ask())


def test_questions_and_answers_that_fill_the_socket_get_through(pipeline: Pipeline, run: Run) -> None:
    async def ask() -> None:
        await connected(pipeline)
        many = list(range(10**12, 10**12 + 300_000))
        sql = "select x from unnest(%s::bigint[]) x"
        wide = asyncio.gather(*(pipeline.rows(Question(sql, (many,))) for _ in range(3)))
        assert await number(pipeline, 1) == 2
        for rows in await wide:
            assert len(rows) == len(many)
            assert rows[-1] == (many[-1].to_bytes(8, "big"),)

    run(ask())


def test_a_statement_that_fails_takes_nobody_s_answer_elsewhere(pipeline: Pipeline, run: Run) -> None:
    async def ask() -> None:
        await connected(pipeline)
        divided = "select 10 / %s::bigint"
        found = await asyncio.gather(
            *(number(pipeline, n, divided) for n in (5, 0, 2)), return_exceptions=True
        )
        assert found[0] == 2
        assert [type(answer) for answer in found[1:]] == [Broken, Broken]
        await connected(pipeline)
        assert await number(pipeline, 3) == 4

    run(ask())


def test_a_connection_that_the_server_ended_is_made_anew(pipeline: Pipeline, run: Run, store: Store) -> None:
    async def ask() -> None:
        await connected(pipeline)
        ((pid,),) = await pipeline.rows(Question("select pg_backend_pid()"))
        assert pid is not None
        waiting = asyncio.ensure_future(number(pipeline, 1, "select pg_sleep(60) is null, %s::bigint"))
        await asyncio.sleep(0.05)
        with psycopg.connect(store.conninfo, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", [int.from_bytes(pid, "big")])
        with pytest.raises(Broken):
            await waiting
        await connected(pipeline)
        assert await number(pipeline, 1) == 2

    run(ask())


def test_who_gives_up_does_not_shift_the_answers_of_others(pipeline: Pipeline, run: Run) -> None:
    async def ask() -> None:
        await connected(pipeline)
        tasks = [asyncio.ensure_future(number(pipeline, n)) for n in range(6)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        tasks[4].cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [n for n in found if isinstance(n, int)] == [1, 3, 4, 6]

    run(ask())


def test_too_many_that_wait_are_told_at_once(
    pipeline: Pipeline, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> None:
        await connected(pipeline)
        monkeypatch.setattr(module, "MOST", 3)
        found = await asyncio.gather(*(number(pipeline, n) for n in range(5)), return_exceptions=True)
        assert found[:3] == [1, 2, 3]
        assert [type(answer) for answer in found[3:]] == [Broken, Broken]

    run(ask())


def test_another_loop_is_served_once_the_first_has_closed(pipeline: Pipeline, run: Run) -> None:
    async def ask() -> None:
        await connected(pipeline)
        assert await number(pipeline, 1) == 2

    run(ask())
    with asyncio.Runner() as other:
        with pytest.raises(Broken):
            other.run(number(pipeline, 1))
        loop = getattr(run, "__self__")  # noqa: B009
        loop.close()
        other.run(ask())


def test_without_a_database_it_is_broken(run: Run) -> None:
    async def ask() -> None:
        nowhere = Pipeline("host=/nowhere dbname=none")
        for _ in range(3):
            with pytest.raises(Broken):
                await nowhere.rows(Question("select 1"))
            await asyncio.sleep(0.05)
        assert not nowhere.connected

    run(ask())


def test_closing_ends_the_connection(pipeline: Pipeline, run: Run, store: Store) -> None:
    async def ask() -> int:
        await connected(pipeline)
        ((pid,),) = await pipeline.rows(Question("select pg_backend_pid()"))
        pipeline.close()
        return int.from_bytes(pid or b"", "big")

    pid = run(ask())
    with psycopg.connect(store.conninfo, autocommit=True) as other:
        for _ in range(100):
            if not other.execute("select from pg_stat_activity where pid = %s", [pid]).fetchall():
                return
            other.execute("select pg_sleep(0.05)")
    pytest.fail("the connection is still there")
