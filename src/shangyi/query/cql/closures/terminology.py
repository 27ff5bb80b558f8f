"""Value sets and code systems as CQL's operators ask for them, answered by ``shangyi.terminology``."""

from collections.abc import Sequence

from shangyi.query.cql.values import Code, CodeSystem, ValueSet
from shangyi.query.errors import EvaluationError
from shangyi.terminology.service import CodeSet
from shangyi.terminology.service import Terminology as Service


class Codes:
    """The ``operators.terminology.Terminology`` of one run: a set is resolved once, NotFound names it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._sets: dict[tuple[str | None, str | None], CodeSet] = {}

    def _codes(self, valueset: ValueSet) -> CodeSet:
        key = (valueset.id, valueset.version)
        found = self._sets.get(key)
        if found is None:
            canonical = f"{valueset.id}|{valueset.version}" if valueset.version else str(valueset.id)
            found = self._sets[key] = self._service.codes(canonical)
        return found

    def expand(self, valueset: ValueSet) -> Sequence[Code]:
        """All codes, by system and code."""
        return [Code(code, system) for system, code in sorted(self._codes(valueset).codes)]

    def in_valueset(self, code: Code, valueset: ValueSet) -> bool:
        """Whether the set has the code.

        Without a system it is looked for by the code alone: EvaluationError where the set has codes of several
        systems, since it could be any of them (09-b, In Valueset).
        """
        codes = self._codes(valueset)
        if code.system is not None:
            return (code.system, code.code) in codes
        systems = {system for system, _ in codes.codes}
        if len(systems) > 1:
            raise EvaluationError(
                "{code} without its system could be of several in {valueset}",
                code=code.code,
                valueset=valueset.id,
            )
        return any((system, code.code) in codes for system in systems)

    def in_codesystem(self, code: Code, codesystem: CodeSystem) -> bool:
        """Whether the system defines the code."""
        if code.code is None or code.system not in (None, codesystem.id):
            return False
        return self._service.code_system(str(codesystem.id), codesystem.version).find(code.code) is not None

    def subsumes(self, general: Code, special: Code) -> bool:
        """Whether a code is the same as another of its system or above it."""
        if general.code is None or special.code is None or general.system != special.system:
            return False
        answer = self._service.subsumes(str(general.system), general.code, special.code)
        return answer in ("equivalent", "subsumes")
