"""Tag: a short word beside a fact, graded where it is a warning."""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "brand-tag", "grade-1", "grade-2", "grade-3", "grade-4", "good"]


@dataclass(frozen=True, slots=True)
class Tag:
    """``tone``: grade-1 (red, cannot wait) to grade-4 (blue), good, brand-tag, or neutral."""

    text: str
    tone: Tone = ""
