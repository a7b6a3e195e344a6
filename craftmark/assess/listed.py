"""Whose networks a scan's sources claim to be in, by the user's own lists of surveys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.assess.base import Claim

if TYPE_CHECKING:
    from craftmark.assess.base import Subject

#: Share of a scan's sources in the list from which the scan is one of theirs.
NEARLY_ALL: Final = 0.8
#: Sources named in the claim.
NAMED: Final = 8


def surveyors(subject: Subject) -> dict[str, str]:
    """Return the sources known by name that are in the user's lists, with who that is."""
    found: dict[str, str] = {}
    for surveys in subject.surveys:
        for source in subject.sources:
            if source not in found and (who := surveys.name_of(source)) is not None:
                found[source] = who
    return found


def is_listed(subject: Subject) -> bool:
    """Tell whether nearly all sources of a scan are in the user's lists."""
    return len(surveyors(subject)) >= NEARLY_ALL * len(subject.sources)


def claim_of_surveys(subject: Subject, *, forged: bool) -> Claim | None:
    """Return whose networks the sources claim to be in, None where none is listed."""
    found = surveyors(subject)
    if not found:
        return None
    who = ", ".join(dict.fromkeys(found.values()))
    return Claim(
        about=subject.id,
        statement=f"{len(found):,} of {len(subject.sources):,} sources are in your list of survey networks: {who}",
        confidence="weak" if forged else "fair",
        for_=tuple(f"{source}: {named}" for source, named in list(found.items())[:NAMED]),
        against=("the source addresses are judged forged",) if forged else (),
        settled_by="the page that the survey keeps about itself, and its own answer to a complaint",
        packets=subject.first_packets,
    )
