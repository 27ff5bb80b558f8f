"""The packages that come with the platform, and others by their directory."""

from functools import cache
from importlib import resources
from pathlib import Path

from shangyi.errors import NotFound
from shangyi.knowledge.package import Package, load


def _folder() -> Path:
    return Path(str(resources.files("shangyi.knowledge").joinpath("packages")))


@cache
def _loaded(root: Path) -> Package:
    return load(root)


def names() -> list[str]:
    """The names of what comes with the platform."""
    return sorted(path.name for path in _folder().iterdir() if (path / "package.json").is_file())


def installed() -> tuple[Package, ...]:
    """All packages that come with the platform, each read once."""
    return tuple(_loaded(_folder() / name) for name in names())


def named(name: str) -> Package:
    """One of them. NotFound."""
    if name not in names():
        raise NotFound(
            "There is no knowledge package {name} here; there are {known}",
            name=name,
            known=", ".join(names()),
        )
    return _loaded(_folder() / name)


def find(name_or_directory: str) -> Package:
    """One that comes with the platform by its name, else the one in a directory. NotFound, PackageErrors."""
    folder = Path(name_or_directory)
    if name_or_directory not in names() and folder.is_dir():
        return load(folder)
    return named(name_or_directory)
