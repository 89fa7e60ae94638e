from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.dataset.histories import Histories
from recsys.errors import InputError


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"offsets": []}, "offsets must begin with 0 and end with 3"),
        ({"offsets": [1, 3]}, "offsets must begin with 0 and end with 3"),
        ({"offsets": [0, 2]}, "offsets must begin with 0 and end with 3"),
        ({"offsets": [0, 4, 3]}, "offsets must not fall"),
        ({"ratings": [8.0]}, r"ratings must hold 3 values, got the shape \(1,\)"),
        ({"times": [1, 2, 3, 4]}, "times must hold 3 values"),
        ({"users": [2]}, "users must hold 2 values"),
        ({"asked": [[1, 2]]}, "asked must hold 2 values"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Histories(**{"offsets": [0, 2, 3], "items": [2, 3, 4]} | arrays)


def test_nobody_has_no_events() -> None:
    assert Histories(np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int32)).n_users == 0
