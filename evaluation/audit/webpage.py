"""An audit as one HTML file with its plots."""

from __future__ import annotations

from pathlib import Path

from evaluation.audit.figures import draw
from evaluation.audit.findings import Audit, Finding, Severity
from evaluation.audit.screen import HEADINGS, heading_of, summary
from evaluation.page import Cell, Page

_ORDER = {Severity.WARNING: 0, Severity.NOTICE: 1, Severity.INFO: 2}


def audit_page(audit: Audit) -> Page:
    """Lay out the warnings and notices first, then every finding and figure by topic."""
    page = Page(f"Audit of {audit.data}", f"{heading_of(audit)}. {summary(audit)}")
    loud = sorted((one for one in audit.findings if one.severity is not Severity.INFO), key=_rank)
    page.heading("What to heed")
    if loud:
        rows = [[Cell(one.severity, strong=one.severity is Severity.WARNING), _named(one), one.action] for one in loud]
        page.table(["severity", "finding", "what to do"], rows)
    else:
        page.text("Nothing: no check has found anything that results would have to be read with care for.")
    pictures = draw(audit.series)
    for topic, heading in HEADINGS.items():
        page.heading(heading)
        found = [one for one in audit.findings if one.topic == topic]
        rows = [[one.name, Cell(one.shown, small=one.meaning), Cell(one.severity)] for one in found]
        page.table(["check", "found", "severity"], rows)
        if topic == "split" and audit.series.get("parts"):
            parts = audit.series["parts"]
            page.table(list(parts[0]), [list(part.values()) for part in parts], caption=_parts_caption(audit))
        for picture in pictures:
            if picture.topic == topic:
                page.figure(picture.figure, picture.caption, picture.caption)
    return page


def write_page(audit: Audit, path: str | Path) -> Path:
    """Write the page, whole or not at all; an older file is replaced."""
    return audit_page(audit).write(path)


def _named(finding: Finding) -> Cell:
    return Cell(f"{finding.name}: {finding.shown}", small=finding.meaning)


def _rank(finding: Finding) -> int:
    return _ORDER[finding.severity]


def _parts_caption(audit: Audit) -> str:
    return f"Split {audit.split}, seed {audit.seed}, test set {str(audit.facts['split_sha256'])[:12]}…"
