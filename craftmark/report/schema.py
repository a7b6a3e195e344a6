"""The JSON Schema of the report, derived from the document's types; ``report.schema.json`` beside it is its output.

``python -m craftmark.report.schema`` prints it; a test holds the committed file to the types.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Literal, Union, get_args, get_origin

from craftmark.report.codec import members
from craftmark.report.document import SCHEMA, Report

_SCALARS: dict[Any, dict[str, Any]] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the report."""
    definitions: dict[str, Any] = {}
    root = _type_schema(Report, definitions)
    definitions["Report"]["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:craftmark:{SCHEMA}",
        "title": SCHEMA,
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """Return the schema as the committed file has it."""
    return json.dumps(report_schema(), indent=2) + "\n"


def _type_schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}  # reserved first: order of definitions never matters, cycles end
            definitions[hint.__name__] = _object_schema(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    origin = get_origin(hint)
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin is tuple:
        return {"type": "array", "items": _type_schema(get_args(hint)[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _type_schema(get_args(hint)[1], definitions)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_type_schema(inner, definitions) for inner in get_args(hint)]}
    return dict(_SCALARS[hint])


def _object_schema(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " "),
        "type": "object",
        "properties": {member.key: _type_schema(member.hint, definitions) for member in members(kind)},
        "required": [member.key for member in members(kind)],
        "additionalProperties": False,
    }


if __name__ == "__main__":
    sys.stdout.write(schema_text())
