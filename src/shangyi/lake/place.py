"""Where a resource stands in the input: a text, or a file and a line, which is made a text only where it is told."""

Place = str | tuple[str, int]


def told(place: Place) -> str:
    """For people."""
    return place if isinstance(place, str) else f"{place[0]}, line {place[1]}"
