from __future__ import annotations

import json

from recsys.dataset.prepared import Dataset


def test_audit_shows_and_writes_what_it_found(recsys, prepared, tmp_path) -> None:
    done = recsys("audit", prepared, "--no-lstm", "--json", tmp_path / "audit.json", "--html", tmp_path / "audit.html")
    assert done.code == 0
    for text in ("Is the order real?", "ascending ids", "look into the future", "notice"):
        assert text in done.out
    saved = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    assert saved["data"] == "small"
    assert saved["split"] == "leave-last-1-out"
    assert "<svg" in (tmp_path / "audit.html").read_text(encoding="utf-8")


def test_audit_of_a_chosen_split(recsys, prepared) -> None:
    done = recsys("audit", prepared, "--no-lstm", "--split", "random,n_targets=1", "--seed", 4)
    assert done.code == 0
    assert "random-1-out-seed-4" in done.out


def test_audit_keeps_earlier_files(recsys, prepared, tmp_path) -> None:
    (tmp_path / "audit.html").write_text("mine", encoding="utf-8")
    refused = recsys("audit", prepared, "--no-lstm", "--html", tmp_path / "audit.html")
    assert refused.code == 2
    assert (tmp_path / "audit.html").read_text(encoding="utf-8") == "mine"
    assert recsys("audit", prepared, "--no-lstm", "--json", tmp_path / "audit.html", "--overwrite").code == 0


def test_audit_refuses_what_it_cannot_do(recsys, small, tmp_path) -> None:
    assert "does not exist" in recsys("audit", tmp_path / "nowhere").err
    folder = small.save(tmp_path / "data")
    for plan, said in (("moon", "must be one of"), ("time,at=2050-01-01", "outside"), ("random,n_targets=9", "events")):
        refused = recsys("audit", folder, "--no-lstm", "--split", plan)
        assert refused.code == 2
        assert said in refused.err


def test_audit_of_one_user(recsys, small, tmp_path) -> None:
    alone = Dataset(
        "alone",
        small.histories.select([0]),
        type(small.users)([101]),
        small.items,
        small.catalogue,
        small.order,
    )
    done = recsys("audit", alone.save(tmp_path / "alone"), "--no-lstm")
    assert done.code == 0
    assert "1 user," in done.out


def test_two_kinds_of_output_need_two_files(recsys, prepared, tmp_path) -> None:
    refused = recsys("audit", prepared, "--no-lstm", "--json", tmp_path / "a", "--html", tmp_path / "a")
    assert refused.code == 2
    assert "--json and --html name one file" in refused.err
