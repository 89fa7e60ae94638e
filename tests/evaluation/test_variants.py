from __future__ import annotations

import evaluation.variants as variants
from evaluation.rows import Row
from recsys.dataset.split import split_dataset
from recsys.models.lstm.config import LSTMConfig
from tests.worlds import chains


def test_variants_have_the_settings_of_the_row_but_no_teachers_and_no_linear_part(tmp_path, monkeypatch):
    data = chains(0.5, n_people=20)
    monkeypatch.setattr(variants, "load", lambda name, real: (data, split_dataset(data)))
    monkeypatch.setattr(variants, "find_row", lambda *_: Row("chains", "lstm", settings={"epochs": 3, "teachers": 2}))
    options = variants.parser_of("", folder="tracks", data="chains").parse_args(
        ["--real", str(tmp_path), "--out", str(tmp_path / "out")]
    )
    found = []

    def measure(data, split, settings, seeds):
        found.append((dict(settings), seeds))
        return {}

    assert variants.compare_variants(options, measure, ["python"]) == 0
    [(settings, seeds)] = found
    usual, alone = LSTMConfig().to_mapping(), {"epochs": 3, "wide_share": 0, "chain_share": 0, "names_odds": 0}
    assert {name: value for name, value in settings.items() if value != usual[name]} == alone
    assert "seed" not in settings
    assert seeds == (0, 1, 2)
    assert (tmp_path / "out" / "chains.json").is_file()
