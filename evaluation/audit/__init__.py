"""Audit a data set and its split before anyone trains: findings with their meaning and what to do."""

from evaluation.audit.examine import audit
from evaluation.audit.findings import Audit, Finding, Severity

__all__ = ["Audit", "Finding", "Severity", "audit"]
