"""Files on a disk: what may be read, and what is said of the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.config import load
from reconciler.config.sources import SourceError
from reconciler.errors import ConfigError
from reconciler.sources.disk import LARGEST, DiskSources


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
        "nowhere", "nowhere does not exist", "use a file, or a folder that contains reconciler.yaml",
    )  # fmt: skip
    assert problem("empty") == (
        "empty/reconciler.yaml",
        "the folder empty contains no reconciler.yaml",
        "`reconciler init empty` creates one, and `reconciler export --out FOLDER` writes one from a live account",
    )
    assert problem("folder") == (
        "folder/reconciler.yaml", "the folder folder contains no reconciler.yaml", "use the file folder/main.yml",
    )  # fmt: skip
    assert problem("other") == (
        "other/reconciler.yaml",
        "the folder other contains no reconciler.yaml",
        "`reconciler init other` creates one, and `reconciler export --out FOLDER` writes one from a live account",
    )


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
    assert refusal(sources, "no") == (
        "no does not exist",
        "check the name; it is relative to the file that refers to it",
    )
    assert refusal(sources, "sub") == ("sub is a folder", "use a file")
    assert refusal(sources, "pipe") == ("pipe is not a regular file", "use a file")
    assert refusal(sources, "large") == ("large is larger than 10 MB", "split it, and include the parts")
    assert refusal(sources, "circle") == ("circle is a link to itself", "remove the link")
    leads_out = "move the file into that folder; links must not leave it"
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
        assert refusal(sources, name) == (told, "rename it without the leading dot")


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


# --- what an include pattern must not leave out ---


def told(pattern: str) -> list[tuple[str, str, str]]:
    """Severity, code, and message of everything that is wrong with a root file that includes a pattern."""
    write("reconciler.yaml", f"version: 1\ninclude: ['{pattern}']\n")
    try:
        problems = load(DiskSources(".")).warnings
    except ConfigError as error:
        problems = error.problems
    assert {str(item.place) for item in problems} <= {"reconciler.yaml:2:11"}
    return [(item.severity, item.code, item.message) for item in problems]


ADDRESS = "addresses: {'+14155550100': {}}"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("../shared/gone.yaml", "parts/b.yaml is a link to ../shared/gone.yaml, which does not exist"),
        ("b.yaml", "parts/b.yaml is a link to itself"),
        ("../loop.yaml", "parts/b.yaml is a link to itself"),
        ("../../outside.yaml", "parts/b.yaml leads out of the root file's folder"),
        ("/etc/passwd", "parts/b.yaml leads out of the root file's folder"),
        ("../.hidden.yaml", "parts/b.yaml is hidden, and hidden files are not read"),
        ("../pipe", "parts/b.yaml is not a regular file"),
        ("../folder", "parts/b.yaml is a folder"),
    ],
)
@pytest.mark.parametrize("pattern", ["parts/*.yaml", "parts/?.yaml", "**/*.yaml", "p*/b.yaml", "parts/b.yaml"])
def test_a_link_that_a_pattern_matches_is_read_or_an_error(here: Path, target: str, message: str, pattern: str) -> None:
    write("parts/a.yaml", "x-mine: 1")
    write(".hidden.yaml", ADDRESS)
    (here.parent / "outside.yaml").write_text(ADDRESS, encoding="utf-8")
    Path("loop.yaml").symlink_to("parts/b.yaml")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("parts/b.yaml").symlink_to(target)
    if pattern.startswith("**"):
        Path("loop.yaml").unlink()
        message = message if "loop" not in target else "parts/b.yaml is a link to ../loop.yaml, which does not exist"
    assert told(pattern) == [("error", "unreadable-file", message)]


def test_what_is_no_file_is_an_error_where_its_name_fits() -> None:
    write("parts/a.yaml", "x-mine: 1")
    Path("parts/b.yaml").mkdir()
    os.mkfifo("parts/c.yaml")
    Path("parts/folder").mkdir()
    assert told("parts/*.yaml") == [
        ("error", "unreadable-file", "parts/b.yaml is a folder"),
        ("error", "unreadable-file", "parts/c.yaml is not a regular file"),
    ]
    Path("parts/b.yaml").rmdir()
    Path("parts/c.yaml").unlink()
    assert told("parts/*") == []


def test_files_behind_a_link_to_a_folder_are_not_left_out_silently(here: Path) -> None:
    write("services/desk/main.yaml", "x-mine: 1")
    write("shared/main.yaml", ADDRESS)
    Path("services/support").symlink_to("../shared")
    behind = "services/support/main.yaml lies behind a link to a folder, and patterns do not follow those"
    for pattern in ("services/*/main.yaml", "services/**/*.yaml", "services/**"):
        assert told(pattern) == [("error", "unreadable-file", behind)]
    # What is matched without the link as well is not lost, nor is what no pattern leads to.
    assert told("**/main.yaml") == told("services/*.yaml")[1:] == []
    Path("services/support").unlink()
    (here.parent / "elsewhere").mkdir()
    Path("services/support").symlink_to(here.parent / "elsewhere")
    assert told("services/*/main.yaml") == [
        ("error", "unreadable-file", "services/support leads out of the root file's folder")
    ]


def test_a_pattern_that_matches_nothing_is_a_warning() -> None:
    assert told("none/*.yaml") == [("warning", "include-nothing", '"none/*.yaml" matches no file')]


def test_a_folder_that_cannot_be_listed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    write("parts/a.yaml", ADDRESS)
    listed = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "parts":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    for pattern in ("parts/*.yaml", "**/*.yaml"):
        assert told(pattern) == [("error", "unreadable-file", "the folder parts cannot be listed: Permission denied")]


@pytest.mark.parametrize("is_link", [True, False])
def test_one_file_under_two_names_is_read_once(*, is_link: bool) -> None:
    write("parts/a.yaml", "services: {s: {}}")
    if is_link:
        Path("parts/b.yaml").symlink_to("a.yaml")
    else:
        os.link("parts/a.yaml", "parts/b.yaml")
    assert told("parts/*.yaml") == [
        ("warning", "included-twice", "parts/b.yaml and parts/a.yaml are the same file, which is read once")
    ]


def test_names_that_are_one_on_other_systems() -> None:
    write("parts/a.yaml", "x-mine: 1")
    write("parts/A.yaml", "x-mine: 1")
    if len(list(Path("parts").iterdir())) == 1:
        pytest.skip("names differ in more than case here")
    assert told("parts/*.yaml") == [
        ("warning", "similar-files", "parts/a.yaml and parts/A.yaml differ only in case or in Unicode form")
    ]


@pytest.mark.parametrize(
    "pattern", ["parts/*/*.yaml", "parts/**/*.yaml", "parts/*/b.yaml", "**/*.yaml", "parts/s/*.yaml"]
)
def test_a_link_to_a_folder_that_does_not_exist_is_an_error(pattern: str) -> None:
    write("parts/x/b.yaml", "x-mine: 1")
    Path("parts/s").symlink_to("../shared")
    if pattern.startswith("**"):
        Path("reconciler.yaml").unlink(missing_ok=True)
    assert told(pattern) == [
        ("error", "unreadable-file", "parts/s is a link to ../shared, which does not exist"),
    ]


@pytest.mark.parametrize("pattern", ["parts/*.yaml", "parts/x/*.yaml", "other/*/*.yaml"])
def test_a_link_to_nothing_outside_of_the_pattern_is_no_error(pattern: str) -> None:
    write("parts/a.yaml", "x-mine: 1")
    write("parts/x/b.yaml", "x-mine: 1")
    write("other/y/c.yaml", "x-mine: 1")
    Path("parts/s").symlink_to("../shared")
    Path("parts/.#a.yaml").symlink_to("ada@host.123")
    assert told(pattern) == []
