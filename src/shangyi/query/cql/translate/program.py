"""A text and all that it includes to a typed program; libraries are kept by what they say."""

import sys
from dataclasses import dataclass, field, replace
from functools import lru_cache

from shangyi.query.cql import fhirhelpers, syntax
from shangyi.query.cql import library as lib
from shangyi.query.cql.errors import CqlErrors, CqlSemanticError, near
from shangyi.query.cql.model import Model, built_in
from shangyi.query.cql.parser import parse
from shangyi.query.cql.translate.compiler import Compiler
from shangyi.query.cql.translate.scope import Scope
from shangyi.query.cql.translate.sources import Sources, Texts

_KEPT = 256
_RECURSION = 12_000
"""Frames of Python that a tree may need: the parser bounds the depth of trees (``cursor.DEPTH``)."""

_parsed = lru_cache(maxsize=_KEPT)(parse)
_kept: dict[tuple[object, ...], tuple[lib.Library, dict[lib.Identifier, lib.Library]]] = {}


def translate(text: str, sources: Sources | None = None, name: str = "") -> lib.Program:
    """The typed program of a library; CqlErrors with all that is wrong, each with its place.

    ``name``: what errors call the text where it names itself not.
    """
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION))
    work = _Work(sources or Texts())
    main, libraries = work.library(text, name)
    return lib.Program(main, libraries)


@dataclass
class _Work:
    sources: Sources
    doing: list[str] = field(default_factory=list)

    def library(self, text: str, name: str) -> tuple[lib.Library, dict[lib.Identifier, lib.Library]]:
        written = _parsed(text, name)
        title = _title(written, name)
        scope = Scope(text, title, [])
        errors: list[CqlSemanticError] = []
        libraries: dict[lib.Identifier, lib.Library] = {}
        includes: dict[str, lib.Library] = {}
        models: list[tuple[syntax.Using, Model]] = []
        self.doing.append(written.name)
        for definition in written.definitions:
            try:
                if isinstance(definition, syntax.Using):
                    found = self._model(scope, definition)
                    if found is not None:
                        models.append((definition, found))
                elif isinstance(definition, syntax.Include):
                    library, below = self._include(scope, definition)
                    includes[definition.name] = library
                    libraries |= below
            except CqlSemanticError as error:
                errors.append(error)
        self.doing.pop()
        if errors:
            raise CqlErrors(errors)
        if any("FHIR" in (m.name, m.target_name) for _, m in models) and "FHIRHelpers" not in includes:
            libraries[fhirhelpers.LIBRARY.identifier] = fhirhelpers.LIBRARY
        kept = (text, name, *(id(m) for _, m in models), *(f"{n}={i.key}" for n, i in includes.items()))
        if kept not in _kept:
            compiled = Compiler(text, written, title, models, includes).compiled()
            if fhirhelpers.LIBRARY.identifier in libraries and "FHIRHelpers" not in compiled.named:
                compiled = _with_helpers(compiled)
            if len(_kept) >= _KEPT:
                _kept.pop(next(iter(_kept)))
            _kept[kept] = (compiled, {**libraries, compiled.identifier: compiled})
        return _kept[kept]

    def _model(self, scope: Scope, using: syntax.Using) -> Model | None:
        if using.model == "System":
            return built_in("System")
        found = self.sources.model(using.model, using.version)
        if found is None:
            wanted = f"{using.model} {using.version or ''}".strip()
            hint = tuple(m for m in self.sources.models() if m.split()[0] == using.model) or near(
                wanted, self.sources.models()
            )
            raise scope.error(using, "The model {name} is not here", hint, name=wanted)
        return found

    def _include(
        self, scope: Scope, include: syntax.Include
    ) -> tuple[lib.Library, dict[lib.Identifier, lib.Library]]:
        name = include.library
        if name == fhirhelpers.NAME:
            return fhirhelpers.LIBRARY, {fhirhelpers.LIBRARY.identifier: fhirhelpers.LIBRARY}
        if name in self.doing:
            path = " → ".join([*self.doing[self.doing.index(name) :], name])
            raise scope.error(include, "{name} includes itself: {path}", name=name, path=path)
        text = self.sources.library(name, include.version)
        if text is None:
            wanted = f"{name} {include.version or ''}".strip()
            hint = near(name, self.sources.libraries())
            raise scope.error(include, "The library {name} is not here", hint, name=wanted)
        return self.library(text, name)


def _title(written: syntax.Library, name: str) -> str:
    return str(lib.Identifier(written.name or name, written.version))


def _with_helpers(library: lib.Library) -> lib.Library:
    """The library with the include that its implicit conversions need."""
    include = lib.Include(name=fhirhelpers.NAME, library=fhirhelpers.LIBRARY.identifier)
    return replace(library, includes=(*library.includes, include))
