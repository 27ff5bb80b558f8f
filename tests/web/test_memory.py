"""What a process keeps is kept by store."""

import gc
import weakref

from shangyi.web.memory import of_store


class Store:
    """Stands for the repository of one store."""


def test_two_stores_never_mix_and_one_gets_its_own_again() -> None:
    first, second = Store(), Store()
    kept: dict[str, int] = of_store(first, dict)
    kept["a"] = 1
    assert of_store(first, dict) is kept
    assert of_store(second, dict) == {}
    assert of_store(first, list) == []


def test_what_was_kept_goes_with_its_store() -> None:
    class Kept:
        pass

    store = Store()
    gone = weakref.ref(of_store(store, Kept))
    assert gone() is not None
    del store
    gc.collect()
    assert gone() is None
