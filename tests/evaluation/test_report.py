from __future__ import annotations

import json

import pytest

from evaluation.report import GUIDE, README, has_markers, main, render, results_markdown, speed_markdown
from recsys.errors import InputError

TEMPLATE = (
    "top\n<!-- results:begin -->\nold\n<!-- results:end -->\nmiddle\n<!-- speed:begin --><!-- speed:end -->\nend\n"
)


def row(model="lstm", value=0.3, spread=0.01, data="ml1m", sha="a" * 64):
    interval = {"value": value, "low": value - spread, "high": value + spread}
    return {
        "data": data,
        "protocol": {"split": "leave-last-1-out", "part": "test", "n_users": 6040, "n_titles": 3416},
        "split_sha256": sha,
        "model": model,
        "config": {},
        "seeds": [0],
        "command": f"python -m evaluation.run --data {data} --model {model}",
        "commit": "c",
        "versions": {},
        "train_seconds": 90.0,
        "peak_memory_mb": None,
        "metrics": {
            "recall@10": interval,
            "ndcg@10": interval,
            "coverage@10": {"value": 0.5, "low": None, "high": None},
        },
    }


def test_the_readme_and_the_result_files_agree():
    if not README.is_file() or not has_markers(README.read_text(encoding="utf-8")):
        pytest.skip("the README has no results yet")
    text = README.read_text(encoding="utf-8")
    assert text == render(text), "run: python -m evaluation.report"


def test_the_judges_readme_and_the_result_files_agree():
    if not GUIDE.is_file():
        pytest.skip("evaluation/README.md is not here: this is an installed package")
    text = GUIDE.read_text(encoding="utf-8")
    assert text == render(text), "run: python -m evaluation.report"


def test_the_best_stands_first_and_is_bold_only_when_clear():
    text = results_markdown([row("als", 0.2), row("lstm", 0.3)])
    assert text.index("[lstm]") < text.index("[als]")
    assert "lstm leads in NDCG@10: 0.300, which is 0.100 (95 % 0.080–0.120) above als." in text
    assert "**0.3000** <sub>0.290–0.310</sub>" in text
    assert "0.2000 <sub>" in text
    assert "**0.2000**" not in text
    assert "**0.2" not in results_markdown([row("als", 0.285), row("lstm", 0.295)])
    assert "No clear difference in NDCG@10 between lstm (0.295) and als (0.285)." in results_markdown(
        [row("als", 0.285), row("lstm", 0.295)]
    )


def test_a_row_leads_to_its_file_and_says_what_it_costs():
    text = results_markdown([row()])
    line = next(line for line in text.splitlines() if line.startswith("| [lstm]"))
    assert line == (
        "| [lstm](evaluation/results/ml1m--lstm.json) | 0.3000 <sub>0.290–0.310</sub> | 0.3000 <sub>0.290–0.310</sub> "
        "| 0.5000 | 1.5 min | – | – |"
    )
    assert "test set `aaaaaaaaaaaa`" in text
    later = row() | {"serve_seconds": 2.0, "peak_memory_mb": 1234.5}
    assert "| 1.5 min | 3,000 | 1,234 MB |" in results_markdown([later])


def test_several_seeds_show_their_spread():
    several = row() | {"seeds": [0, 1], "seed_values": {"recall@10": [0.29, 0.31], "ndcg@10": [0.3, 0.3]}}
    text = results_markdown([several])
    assert "0.3000 <sub>0.290–0.310 ±0.014</sub> | 0.3000 <sub>0.290–0.310 ±0.000</sub>" in text


def test_several_data_sets_have_an_overview():
    text = results_markdown([row("als", 0.2), row(), row("als", 0.3, data="annict"), row(value=0.2, data="annict")])
    overview = text.partition("\n\n")[0].splitlines()
    assert overview[0] == "| NDCG@10 | `ml1m` | `annict` |"
    assert overview[2:] == ["| als | 0.2000 | **0.3000** |", "| lstm | **0.3000** | 0.2000 |"]
    assert "| NDCG@10 | `" not in results_markdown([row("als", 0.2), row()])


def test_names_are_no_markdown():
    text = results_markdown([row("a|b*c<d")])
    assert "| [a\\|b\\*c\\<d](" in text


def test_rows_of_different_test_sets_are_refused():
    with pytest.raises(InputError, match="ml1m were judged on 2 different test sets"):
        results_markdown([row("als"), row("lstm", sha="b" * 64)])
    validation = row("als")
    validation["protocol"]["part"] = "validation"
    with pytest.raises(InputError, match=r"ml1m differ in part \(test, validation\)"):
        results_markdown([validation, row("lstm")])
    older = row("als")
    older["protocol"]["ties"] = "a tied target ranks behind"
    results_markdown([older, row("lstm")])
    results_markdown([row("als"), row("lstm", data="own", sha="b" * 64)])


def test_speed_shows_ratios_and_machines():
    machine = {"processor": "X", "cores": 2, "memory_gb": 8.0, "python": "3.12"}
    measures = {"recommend": {"seconds": 0.123456, "runs": [0.1, 0.2]}, "users": 73_516}
    text = speed_markdown(
        {"cold_start": {"command": "run it", "machine": machine, "measures": measures, "ratios": {"a / b": 0.3333}}}
    )
    assert "a / b: **0.333**" in text
    assert "recommend, seconds: 0.123<br>users: 73,516" in text
    assert "cold_start: X, 2 cores, 8.0 GB, Python 3.12." in text


def test_tables_are_written_between_the_markers_and_checked(tmp_path, capsys):
    readme, results = tmp_path / "README.md", tmp_path / "results"
    readme.write_text(TEMPLATE)
    results.mkdir()
    (results / "ml1m--lstm.json").write_text(json.dumps(row()))
    words = ["--readme", str(readme), "--results", str(results)]
    assert main([*words, "--check"]) == 1
    assert readme.read_text() == TEMPLATE
    assert main(words) == 0
    text = readme.read_text()
    assert text.startswith("top\n")
    assert "\nmiddle\n" in text
    assert text.endswith("\nend\n")
    assert "\nold\n" not in text
    assert "[lstm]" in text
    assert "No results yet." in text
    assert main([*words, "--check"]) == 0
    assert main(words) == 0
    assert readme.read_text() == text


def test_several_readmes_are_checked_together(tmp_path, capsys):
    agrees, differs = tmp_path / "a.md", tmp_path / "b.md"
    agrees.write_text("no markers")
    differs.write_text("<!-- newcomers:begin --><!-- newcomers:end -->")
    words = ["--readme", str(agrees), str(differs), "--results", str(tmp_path)]
    assert main([*words, "--check"]) == 1
    assert "b.md differs" in capsys.readouterr().out
    assert main(words) == 0
    assert agrees.read_text() == "no markers"
    assert differs.read_text() == "<!-- newcomers:begin -->\nNo results yet.\n<!-- newcomers:end -->"
    assert main([*words, "--check"]) == 0


def test_a_broken_readme_is_refused(tmp_path, capsys):
    readme = tmp_path / "README.md"
    assert main(["--readme", str(readme)]) == 2
    readme.write_text("<!-- results:begin -->")
    assert main(["--readme", str(readme), "--results", str(tmp_path)]) == 2
    assert "has <!-- results:begin --> without <!-- results:end -->" in capsys.readouterr().err
