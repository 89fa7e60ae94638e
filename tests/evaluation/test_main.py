from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

from evaluation.__main__ import VERBS, main


def test_help_names_every_verb(capsys):
    for arguments in ([], ["--help"]):
        assert main(arguments) == 0
        shown = capsys.readouterr().out
        assert all(f"  {verb} " in shown for verb in VERBS)


def test_an_unknown_verb_is_refused(capsys):
    assert main(["compere"]) == 2
    assert "There is no verb 'compere'.\nKnown: run, compare, report" in capsys.readouterr().err


def test_a_verb_gets_the_arguments_after_it(capsys):
    assert main(["compare", "nowhere", "nothing"]) == 2
    assert "There is no result 'nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize("module", [module for module, _ in VERBS.values()])
def test_every_verb_has_a_main(module):
    assert "arguments" in inspect.signature(importlib.import_module(module).main).parameters


def test_neither_dispatch_nor_comparison_imports_a_framework():
    code = "import sys, evaluation.__main__, evaluation.compare, evaluation.screen\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not set(done.stdout.split()) & {"tensorflow", "keras", "matplotlib", "implicit", "optuna", "pandas"}
