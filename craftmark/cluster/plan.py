"""What is to be done, as one JSON file beside the exchange: the inputs with their numbers, the settings, the tasks.

A map task folds one input; a reduce task merges the outputs of some map tasks; the commit merges what the reduce tasks
left and concludes. The plan names every output by its content, so a task that runs twice writes the same file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from craftmark import __version__
from craftmark.errors import ExitCode, SourceError
from craftmark.pipeline import Settings, grounds_of, open_case
from craftmark.sources.base import Damage, Provenance

#: Name of the plan in the folder of the exchange.
PLAN: Final = "plan.json"
#: Outputs of map tasks that one reduce task merges, unless told.
MERGED: Final = 8
_SCHEMA: Final = "craftmark.plan/1"


@dataclass(frozen=True, slots=True)
class Planned:
    """One input: its name as given, path and bytes, its number in the case, and what comparing the inputs noted."""

    name: str
    path: str
    bytes: int
    number: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All tasks of one case. ``knowledge``: hash of the rules; another one, or another version, is another plan."""

    inputs: tuple[Planned, ...]
    refused: tuple[Provenance, ...]
    settings: Settings
    merged: int
    knowledge: str
    craftmark: str = __version__

    @property
    def maps(self) -> int:
        """How many map tasks there are, numbered from 0."""
        return len(self.inputs)

    @property
    def reduces(self) -> int:
        """How many reduce tasks there are, numbered from 0."""
        return -(-self.maps // self.merged)

    def of_reduce(self, number: int) -> range:
        """Return the map tasks whose outputs a reduce task merges."""
        return range(number * self.merged, min(self.maps, (number + 1) * self.merged))

    def map_name(self, number: int) -> str:
        """Return the name of a map task's output."""
        return f"map-{number:05}-{self._digest(asdict(self.inputs[number]))}"

    def reduce_name(self, number: int) -> str:
        """Return the name of a reduce task's output."""
        return f"reduce-{number:05}-{self._digest([self.map_name(one) for one in self.of_reduce(number)])}"

    def _digest(self, content: object) -> str:
        grounds = [_SCHEMA, self.craftmark, self.knowledge, asdict(self.settings), content]
        return hashlib.sha256(json.dumps(grounds, sort_keys=True).encode()).hexdigest()[:16]


def plan_of(paths: list[str], settings: Settings, *, merged: int = MERGED) -> Plan:
    """Return the plan for inputs, which are looked at but not read; raises SourceError when none can be examined."""
    grounds = grounds_of(settings)
    case = open_case(paths, settings)
    planned = []
    for one in case.inputs:
        if one.size is None:
            raise SourceError(
                "is a stream, which only one process can read", name=one.name, code=ExitCode.USAGE,
                remedy="name files that every worker can open",
            )  # fmt: skip
        planned.append(Planned(one.name, str(Path(one.name).absolute()), one.size, one.number, tuple(one.beside)))
        one.close()
    refused = [one for one in case.describe() if one.name in {name for name, _ in case.refused}]
    return Plan(tuple(planned), tuple(refused), settings, merged, grounds.rules.sha256)


def plan_text(plan: Plan) -> str:
    """Return a plan as JSON."""
    return json.dumps({"schema": _SCHEMA, **asdict(plan)}, indent=1, sort_keys=True) + "\n"


def read_plan(folder: Path) -> Plan:
    """Return the plan in a folder; raises SourceError where there is none, or one of another version."""
    name = str(folder / PLAN)
    try:
        told = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        if told.pop("schema") != _SCHEMA:
            raise ValueError("another schema")  # noqa: TRY301 - as every other thing that is wrong with it
        plan = Plan(
            tuple(Planned(**{**one, "notes": tuple(one["notes"])}) for one in told["inputs"]),
            tuple(provenance_of(one) for one in told["refused"]),
            _settings(told["settings"]),
            int(told["merged"]),
            str(told["knowledge"]),
            str(told["craftmark"]),
        )
    except FileNotFoundError as fault:
        raise SourceError(
            "no plan", name=name, code=ExitCode.NO_SUCH_INPUT, remedy="make one: craftmark cluster plan INPUT... -o DIR"
        ) from fault
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise SourceError(f"is no plan that can be read: {fault}", name=name, code=ExitCode.UNREADABLE) from fault
    if (plan.craftmark, plan.knowledge) != (__version__, grounds_of(plan.settings).rules.sha256):
        raise SourceError(
            "was made by another version of craftmark or with other rules", name=name, code=ExitCode.UNREADABLE,
            remedy="plan again, or use the same version everywhere",
        )  # fmt: skip
    return plan


def provenance_of(told: dict[str, Any]) -> Provenance:
    """Return the provenance that ``dataclasses.asdict`` made a dictionary of."""
    return Provenance(**{**told, "damage": [Damage(**one) for one in told["damage"]]})


def _settings(told: dict[str, Any]) -> Settings:
    known = {field.name for field in fields(Settings)}
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in told.items() if name in known
    }
    return Settings(**given)
