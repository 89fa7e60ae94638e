"""Show an audit on a terminal: what matters first, with what it means and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.audit.findings import Audit, Finding, Severity, counted

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

MARKS = {Severity.WARNING: ("!", "bold red"), Severity.NOTICE: ("•", "yellow"), Severity.INFO: ("✓", "dim")}
HEADINGS = {"order": "Is the order real?", "content": "What is in it?", "split": "What does the split leave?"}


def audit_table(audit: Audit) -> Group:
    """Lay out one row a finding: below a warning stands what it means, below a notice, too, what to do."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for topic, heading in HEADINGS.items():
        table.add_row("", Text(heading, style="bold"), "")
        for finding in audit.findings:
            if finding.topic == topic:
                mark, style = MARKS[finding.severity]
                quiet = finding.severity is Severity.INFO
                table.add_row(Text(mark, style=style), Text(finding.name, style="" if quiet else style), _told(finding))
    return Group(Text(heading_of(audit), style="bold"), table, Text(summary(audit), style="bold"))


def heading_of(audit: Audit) -> str:
    """Name the data, its size and the split in one line."""
    facts = audit.facts
    size = ", ".join(counted(facts[name], name[:-1]) for name in ("users", "titles", "events"))
    synthetic = " (synthetic)" if facts["synthetic"] else ""
    return f"{audit.data}{synthetic}: {size}; split {audit.split or 'none'}"


def summary(audit: Audit) -> str:
    """Count warnings and notices."""
    warnings, notices = audit.count(Severity.WARNING), audit.count(Severity.NOTICE)
    return f"{counted(warnings, 'warning')}, {counted(notices, 'notice')}."


def _told(finding: Finding) -> Text:
    from rich.text import Text

    told = Text(finding.shown)
    if finding.severity is Severity.WARNING:
        told.append(f"\n{finding.meaning}", style="dim")
    if finding.severity is not Severity.INFO and finding.action:
        told.append(f"\n→ {finding.action}", style="cyan")
    return told
