"""Files on a disk: what may be read, and what is said of the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.config import load
from reconciler.config.sources import SourceError
from reconciler.errors import ConfigError
from reconciler.sources import LARGEST, DiskSources


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(path: str, text: str = "version: 1\n") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def refusal(sources: DiskSources, path: str) -> tuple[str, str]:
    with pytest.raises(SourceError) as caught:
        sources.read(path)
    return caught.value.message, caught.value.hint


def problem(path: str) -> tuple[str, str, str]:
    with pytest.raises(ConfigError) as caught:
        load(DiskSources(path, {}))
    (found,) = caught.value.problems
    return str(found.place), found.message, found.hint


@pytest.mark.parametrize(
    ("given", "root"),
    [
        (".", "reconciler.yaml"),
        ("", "reconciler.yaml"),
        ("conf", "conf/reconciler.yaml"),
        ("conf/", "conf/reconciler.yaml"),
        ("conf/other.yml", "conf/other.yml"),
        ("../here/conf", "../here/conf/reconciler.yaml"),
    ],
)
def test_places_show_the_path_as_it_was_typed(given: str, root: str) -> None:
    for path in ("reconciler.yaml", "conf/reconciler.yaml", "conf/other.yml"):
        write(path, "version: 1\nservces: {}\n")
    assert problem(given) == (f"{root}:2:1", 'a configuration has no key "servces"', "did you mean services?")


def test_an_absolute_path_is_shown_as_one(here: Path) -> None:
    write("conf/reconciler.yaml")
    sources = DiskSources(str(here / "conf"))
    assert sources.root == (here / "conf/reconciler.yaml").as_posix()
    assert sources.read("reconciler.yaml") == b"version: 1\n"


def test_paths_that_lead_to_no_configuration() -> None:
    Path("empty").mkdir()
    write("folder/main.yml")
    write("other/readme.txt")
    assert problem("nowhere") == (
        "nowhere", "nowhere does not exist", "name a file, or a folder that holds reconciler.yaml",
    )  # fmt: skip
    assert problem("empty") == (
        "empty/reconciler.yaml",
        "the folder empty is empty",
        "write reconciler.yaml there; its first line is version: 1",
    )
    assert problem("folder") == (
        "folder/reconciler.yaml", "the folder folder holds no reconciler.yaml", "name the file: folder/main.yml",
    )  # fmt: skip
    assert problem("other") == (
        "other/reconciler.yaml", "the folder other holds no reconciler.yaml", "name the folder that holds it",
    )  # fmt: skip


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "\ud800"])
def test_a_path_that_is_none(path: str) -> None:
    with pytest.raises(ConfigError):
        load(DiskSources(path, {}))


def test_files_that_cannot_be_read(here: Path) -> None:
    write("reconciler.yaml")
    Path("sub").mkdir()
    os.mkfifo("pipe")
    Path("large").write_bytes(b"#" * (LARGEST + 1))
    Path("circle").symlink_to("circle")
    (here.parent / "outside").write_text("x", encoding="utf-8")
    Path("link").symlink_to("../outside")
    Path("device").symlink_to("/dev/zero")
    sources = DiskSources(".")
    assert refusal(sources, "no") == ("no does not exist", "check the name; it is relative to the file that names it")
    assert refusal(sources, "sub") == ("sub is a folder", "name a file")
    assert refusal(sources, "pipe") == ("pipe is no ordinary file", "name a file")
    assert refusal(sources, "large") == ("large is larger than 10 MB", "split it, and include the parts")
    assert refusal(sources, "circle")[0].startswith("circle cannot be read: ")
    leads_out = "put the file into that folder; links may not leave it either"
    assert refusal(sources, "link") == ("link leads out of the root file's folder", leads_out)
    assert refusal(sources, "device") == ("device leads out of the root file's folder", leads_out)
    assert refusal(sources, "../outside") == ("../outside leads out of the root file's folder", leads_out)


def test_a_missing_file_is_told_apart_from_one_that_is_refused() -> None:
    write(
        "reconciler.yaml",
        "version: 1\nservices: {s: {friendly_name: '${file:no:-a}'}, t: {friendly_name: '${file:sub:-b}'}}",
    )
    Path("sub").mkdir()
    assert problem(".")[1] == "sub is a folder"


def test_links_inside_the_folder_are_followed() -> None:
    write("real/a.yaml", "addresses: {'+1': {}}")
    write("reconciler.yaml", "version: 1\ninclude: [link.yaml]")
    Path("link.yaml").symlink_to("real/a.yaml")
    assert len(load(DiskSources(".")).resources) == 1


def test_the_root_file_may_be_a_link(here: Path) -> None:
    (here.parent / "shared.yaml").write_text("version: 1\n", encoding="utf-8")
    Path("reconciler.yaml").symlink_to("../shared.yaml")
    assert load(DiskSources(".")).resources == {}


def test_globs_stay_in_the_folder_and_skip_what_is_hidden() -> None:
    for path in ("a.yaml", "b.yml", ".h.yaml", "sub/c.yaml", "sub/deep/d.yaml", ".git/e.yaml", "sub/[x].yaml"):
        write(path)
    Path("sub/up").symlink_to("..")
    sources = DiskSources(".")
    assert sources.glob("*.yaml") == ["a.yaml"]
    assert sources.glob("sub/*.yaml") == ["sub/[x].yaml", "sub/c.yaml"]
    assert sources.glob("**/*.yaml") == ["a.yaml", "sub/[x].yaml", "sub/c.yaml", "sub/deep/d.yaml"]
    assert sources.glob("sub/**") == ["sub/[x].yaml", "sub/c.yaml", "sub/deep/d.yaml"]
    assert sources.glob("s?b/[x].y*ml") == ["sub/[x].yaml"]
    assert sources.glob("s?b/[cd].yaml") == []
    assert sources.glob("SUB/*.yaml") == sources.glob("s[!a-t]b/c.y*ml") == []
    assert sources.glob("none/*.yaml") == []
    assert sources.glob("*" * 100 + "x") == []


def test_environment_variables_are_those_that_were_given() -> None:
    assert DiskSources(".", {"A": "1"}).environment("A") == "1"
    assert DiskSources(".", {}).environment("PATH") is None
    assert DiskSources(".").environment("PATH") == os.environ["PATH"]


def test_a_path_of_the_command_line_is_seen_from_the_roots_folder() -> None:
    write("conf/reconciler.yaml")
    assert DiskSources("conf").relative("conf/prod.yaml") == "prod.yaml"
    assert DiskSources("conf").relative("prod.yaml") == "../prod.yaml"
    assert DiskSources(".").relative("sub/prod.yaml") == "sub/prod.yaml"


@pytest.mark.parametrize("path", [".env", ".git/config", "sub/.netrc"])
def test_hidden_files_are_not_read_whoever_names_them(path: str) -> None:
    write(path, "ghs_0123456789")
    write("reconciler.yaml")
    Path("plain").symlink_to(path)
    sources = DiskSources(".")
    for name in (path, "plain"):
        told = f"{name} is hidden, and hidden files are not read"
        assert refusal(sources, name) == (told, "give it a name without a dot")


def test_a_root_in_a_hidden_folder_is_read() -> None:
    write(".config/reconciler.yaml", "version: 1\ninclude: [a.yaml]")
    write(".config/a.yaml", "addresses: {'+1': {}}")
    assert len(load(DiskSources(".config")).resources) == 1


def test_a_file_that_is_exchanged_while_it_is_read_is_not_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("reconciler.yaml")
    write("a.yaml", "x-mine: 1")
    (here.parent / "secret").write_text("elsewhere", encoding="utf-8")
    opened = os.open

    def exchange(path: Any, flags: int) -> int:
        Path("a.yaml").unlink()
        Path("a.yaml").symlink_to(here.parent / "secret")
        return opened(path, flags)

    monkeypatch.setattr(os, "open", exchange)
    message, _hint = refusal(DiskSources("."), "a.yaml")
    assert message == "a.yaml cannot be read: Too many levels of symbolic links"
