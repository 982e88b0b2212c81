"""Files at a commit: read from git's objects, with the work tree, the index and the network left alone."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.config import load
from reconciler.config.sources import SourceError
from reconciler.errors import ConfigError, UsageError
from reconciler.render.error_text import error_text
from reconciler.sources import git_process
from reconciler.sources.disk import LARGEST
from reconciler.sources.git import GitSources

ROOT = "version: 1\ninclude: [services/*.yaml]\n"
DESK = "services:\n  desk:\n    roles:\n      agent: {type: conversation, permissions: [sendMessage]}\n"
OUT = ("leads out of the root file's folder", "move the file into that folder; links must not leave it")


def begin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in an empty folder, with nobody's configuration of git."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder.parent / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository to be in, and nobody's configuration."""
    begin(tmp_path / "here", monkeypatch)
    git("init", "-q", "-b", "main")
    return tmp_path / "here"


def git(*arguments: str, at: str | Path = ".") -> str:
    done = subprocess.run(["git", *arguments], cwd=at, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def write(files: dict[str, str], at: str | Path = ".") -> None:
    for path, text in files.items():
        (Path(at) / path).parent.mkdir(parents=True, exist_ok=True)
        (Path(at) / path).write_text(text, encoding="utf-8")


def commit(files: dict[str, str] | None = None, message: str = "change") -> str:
    write(files or {})
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", message)
    return git("rev-parse", "HEAD")


def read(path: str, ref: str = "main", given: str = ".", *, from_top: bool = False) -> str:
    with GitSources(ref, given, from_top=from_top) as sources:
        return sources.read(path).decode()


def refusal(path: str, ref: str = "main", given: str = ".", *, from_top: bool = False) -> tuple[str, str]:
    with GitSources(ref, given, from_top=from_top) as sources, pytest.raises(SourceError) as caught:
        sources.read(path)
    return caught.value.message, caught.value.hint


def unusable(ref: str, given: str = ".", *, from_top: bool = False) -> str:
    with pytest.raises(UsageError) as caught:
        GitSources(ref, given, from_top=from_top)
    return str(caught.value)


def everything(folder: Path) -> dict[str, str]:
    """A digest and the times of every file, git's own included."""
    return {
        str(path.relative_to(folder)): f"{path.lstat().st_mtime_ns} "
        + (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in sorted(folder.rglob("*"))
    }


def test_a_file_is_read_as_it_stood_whatever_the_work_tree_holds() -> None:
    first = commit({"reconciler.yaml": "one\n"})
    commit({"reconciler.yaml": "two\n"})
    git("tag", "-a", "v2", "-m", "two")
    write({"reconciler.yaml": "three\n"})
    assert [read("reconciler.yaml", ref) for ref in (first, "main", "HEAD~1", "v2")] == ["one\n", "two\n"] * 2


def test_nothing_is_touched_nor_run(repository: Path) -> None:
    commit({"reconciler.yaml": ROOT, "services/desk.yaml": DESK, ".gitattributes": "* diff=x filter=x text eol=crlf\n"})
    write({"reconciler.yaml": "dirty\n", "new.yaml": "new\n"})
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        write({f".git/hooks/{hook}": "#!/bin/sh\ntouch ran\n"})
        Path(f".git/hooks/{hook}").chmod(0o755)
    for name in ("diff.x.textconv", "filter.x.smudge", "core.fsmonitor", "core.pager", "core.sshCommand"):
        git("config", name, "touch ran")
    before = everything(repository)
    with GitSources("main") as sources:
        assert sources.glob("services/*.yaml") == ["services/desk.yaml"]
        assert (sources.read("reconciler.yaml"), sources.read("services/desk.yaml")) == (ROOT.encode(), DESK.encode())
    assert everything(repository) == before


def test_a_configuration_loads_with_its_includes_files_and_overlays() -> None:
    commit(
        {
            "conf/reconciler.yaml": ROOT + "environments: {prod: {overlays: [over/prod.yaml]}}\n",
            "conf/services/desk.yaml": DESK + "    friendly_name: ${file:../name.txt}\n",
            "conf/name.txt": "Help desk\n",
            "conf/over/prod.yaml": "services: {desk: {roles: {agent: {permissions: [leaveConversation]}}}}\n",
        }
    )
    git("rm", "-rq", "conf")
    commit()
    with GitSources("HEAD~1", "conf") as sources:
        config = load(sources, environment="prod")
    service, role = config.resources.values()
    told = [
        (item.content, str(item.place), item.place.via) for item in (*service.values.values(), *role.values.values())
    ]
    assert told == [
        ("Help desk", "HEAD~1:conf/services/desk.yaml:5:20", ""),
        ("agent", "HEAD~1:conf/services/desk.yaml:4:7", ""),
        ("conversation", "HEAD~1:conf/services/desk.yaml:4:21", ""),
        (("leaveConversation",), "HEAD~1:conf/over/prod.yaml:1:48", "overlay over/prod.yaml"),
    ]


@pytest.mark.parametrize(
    ("at", "given", "from_top", "root"),
    [
        (".", ".", False, "main:./reconciler.yaml"),
        (".", "conf", False, "main:conf/reconciler.yaml"),
        (".", "conf/", False, "main:conf/reconciler.yaml"),
        (".", "conf/other.yml", False, "main:conf/other.yml"),
        ("conf", ".", False, "main:conf/reconciler.yaml"),
        ("conf", "other.yml", False, "main:conf/other.yml"),
        ("conf", "..", False, "main:./reconciler.yaml"),
        ("conf", "", True, "main:./reconciler.yaml"),
        ("conf", "conf/other.yml", True, "main:conf/other.yml"),
        (".git", "conf", False, "main:conf/reconciler.yaml"),
    ],
)
def test_a_path_is_one_in_the_current_folder_or_from_the_top(
    at: str,
    given: str,
    from_top: bool,  # noqa: FBT001 - a case, not a mode
    root: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = ("reconciler.yaml", "conf/reconciler.yaml", "conf/other.yml")
    commit(dict.fromkeys(files, "version: 1\nservces: {}\n"))
    monkeypatch.chdir(at)
    with GitSources("main", given, from_top=from_top) as sources, pytest.raises(ConfigError) as caught:
        load(sources)
    assert [str(problem.place) for problem in caught.value.problems] == [f"{root}:2:1"]


def test_a_ref_may_have_slashes_and_the_path_another_repository(tmp_path: Path) -> None:
    commit({"conf/reconciler.yaml": "one\n"})
    git("branch", "team/desk")
    other = tmp_path / "other"
    git("clone", "-q", ".", str(other))
    git("branch", "theirs", at=other)
    assert read("reconciler.yaml", "team/desk", "conf") == "one\n"
    assert read("reconciler.yaml", "theirs", str(other / "conf")) == "one\n"
    with GitSources("team/desk") as sources:
        assert sources.root == "team/desk:./reconciler.yaml"


def test_a_repository_that_the_files_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    commit({"conf/reconciler.yaml": "real\n"})
    git("init", "-q", "--bare", "conf")
    git("fetch", "-q", "..", "main:main", at=Path.cwd() / "conf")
    with pytest.raises(UsageError, match="looks like a git repository inside of another one"):
        GitSources("main", "conf")
    monkeypatch.chdir("conf")
    with pytest.raises(UsageError, match="looks like a git repository inside of another one"):
        GitSources("main")


def test_bare_repositories_work_trees_and_other_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit({"conf/reconciler.yaml": "one\n"})
    git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    git("worktree", "add", "-q", str(tmp_path / "beside"), "-b", "beside")
    git("init", "-q", "-b", "main", "--object-format=sha256", str(tmp_path / "long"))
    write({"conf/reconciler.yaml": "long\n"}, tmp_path / "long")
    git("add", ".", at=tmp_path / "long")
    git("commit", "-qm", "one", at=tmp_path / "long")
    found = []
    for folder in ("bare.git", "beside", "long"):
        monkeypatch.chdir(tmp_path / folder)
        found.append(read("reconciler.yaml", "main", "conf"))
    assert found == ["one\n", "one\n", "long\n"]


def test_within_a_hook_its_repository_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    commit({"conf/reconciler.yaml": "one\n"})
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert read("reconciler.yaml", "main", "conf") == "one\n"


@pytest.mark.parametrize("ref", ["", "-h", "--output=x", "a\nb", "main..HEAD", "a\0b"])
def test_what_is_no_ref_never_reaches_git(ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_process, "GIT", ("false",))
    assert unusable(ref) == f"git:{ref!r} is not a commit; write git:BRANCH, git:TAG or git:COMMIT"


# --- commits that are not there ---------------------------------------------------------------------------------------


def advice(ref: str, given: str = ".") -> str:
    """What is said about a commit that is not there."""
    told = unusable(ref, given)
    start = f"git:{ref}: this repository has no such commit"
    assert told.startswith(start), told
    return told.removeprefix(start).removeprefix("; ").removeprefix(":\n  ")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What each `clones` is copied from, which is ten times as fast as some thirty commands of git."""
    folder = tmp_path_factory.mktemp("clones")
    with pytest.MonkeyPatch.context() as monkeypatch:
        begin(folder / "here", monkeypatch)
        git("init", "-q", "-b", "main")
        for number in range(1, 6):
            commit({"reconciler.yaml": f"{number}\n"})
        git("branch", "side", "HEAD~3")
        git("branch", "feature/x", "HEAD~2")
        git("tag", "-a", "v1", "HEAD~1", "-m", "one")
        url = f"file://{Path.cwd()}"
        git("clone", "-q", "--depth=1", "--no-tags", url, str(folder / "shallow"))
        git("clone", "-q", url, str(folder / "whole"))
    return folder


@pytest.fixture
def clones(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with clones of a repository with some branches and tags: a shallow one and a whole one."""
    shutil.rmtree(tmp_path / "here")
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    for name in ("shallow", "whole"):
        config = tmp_path / name / ".git" / "config"
        config.write_text(config.read_text().replace(f"file://{template}/", f"file://{tmp_path}/"))
    monkeypatch.chdir(tmp_path / "shallow")
    return tmp_path


def pasted(told: str) -> None:
    """Run the first command of an advice, as a person would who pastes it."""
    found = re.search(r"\bgit (?:-C \S+ )?fetch [^\n]+", told)
    assert found is not None, told
    subprocess.run(["bash", "-ec", found[0]], check=True, capture_output=True)


FETCH = (
    "this clone is shallow and may lack it:\n  git fetch origin {0}\nthen compare with git:FETCH_HEAD, if origin has it"
)
DEEPEN = "this clone is shallow:\n  git fetch --deepen={0}\nor all of its history:\n  git fetch --unshallow"
KEPT = "refs/remotes/origin"


@pytest.mark.parametrize(
    ("ref", "told", "again", "content"),
    [
        ("side", FETCH.format("side"), "FETCH_HEAD", "2\n"),
        ("feature/x", FETCH.format("feature/x"), "FETCH_HEAD", "3\n"),
        ("v1", FETCH.format("v1"), "FETCH_HEAD", "4\n"),
        ("refs/heads/side", FETCH.format("side"), "FETCH_HEAD", "2\n"),
        ("v1~1", FETCH.format("v1").replace("FETCH_HEAD", "FETCH_HEAD~1"), "FETCH_HEAD~1", "3\n"),
        ("tags/v1", "git fetch origin tag v1\nif origin has that tag", "tags/v1", "4\n"),
        ("refs/tags/v1", "git fetch origin tag v1\nif origin has that tag", "v1", "4\n"),
        # A shallow clone keeps what it fetches under the name of its one branch only.
        ("origin/side", f"fetch it:\n  git fetch origin side:{KEPT}/side", "origin/side", "2\n"),
        ("origin/feature/x", f"fetch it:\n  git fetch origin feature/x:{KEPT}/feature/x", "origin/feature/x", "3\n"),
        ("refs/remotes/origin/side~0", f"fetch it:\n  git fetch origin side:{KEPT}/side", "origin/side", "2\n"),
        ("HEAD~1", DEEPEN.format(1), "HEAD~1", "4\n"),
        ("HEAD^", DEEPEN.format(1), "HEAD^", "4\n"),
        ("main~2^", DEEPEN.format(3), "main~2^", "2\n"),
        ("origin/main^^^{commit}", DEEPEN.format(2), "origin/main^^", "3\n"),
        ("@~4", DEEPEN.format(4), "@~4", "1\n"),
    ],
)
def test_the_advice_on_a_missing_commit_works_when_it_is_pasted(
    clones: Path, ref: str, told: str, again: str, content: str
) -> None:
    assert clones.exists()
    assert advice(ref) == told
    pasted(told)
    assert read("reconciler.yaml", again) == content


def test_a_command_to_paste_is_one_line_however_narrow_the_terminal(clones: Path) -> None:
    with pytest.raises(UsageError) as caught:
        GitSources("feature/" + "x" * 60)
    assert clones.exists()
    told = error_text(caught.value, colour=False, width=40).splitlines()
    assert f"git fetch origin feature/{'x' * 60}" in [line.strip() for line in told]


def test_a_full_object_name_is_fetched_by_it(clones: Path) -> None:
    name = git("rev-parse", "main~1", at=clones / "here")
    told = advice(name)
    assert told == FETCH.format(name)
    git("config", "uploadpack.allowAnySHA1InWant", "true", at=clones / "here")
    pasted(told)
    assert read("reconciler.yaml", "FETCH_HEAD") == read("reconciler.yaml", name) == "4\n"


def test_a_part_of_an_object_name_is_fetched_with_all_history(clones: Path) -> None:
    short = git("rev-parse", "--short=8", "main~2", at=clones / "here")
    told = advice(short)
    assert told == (
        "git fetch --unshallow origin\nif a branch of origin has it; other commits are fetched by their full name only"
    )
    pasted(told)
    assert read("reconciler.yaml", short) == "3\n"


def test_another_remote_is_named(clones: Path) -> None:
    git("remote", "add", "up/stream", f"file://{clones / 'here'}")
    git("remote", "add", "up", "file:///nowhere")
    told = advice("up/stream/side")
    assert told == "fetch it:\n  git fetch up/stream side"
    pasted(told)
    assert read("reconciler.yaml", "up/stream/side") == "2\n"
    git("remote", "remove", "origin")
    assert (
        advice("origin/side")
        == "there is no remote origin here:\n  git remote add origin URL\nthen:\n  git fetch origin side"
    )
    assert advice("HEAD~1") == (
        "this clone is shallow:\n  git fetch --deepen=1 up\nor all of its history:\n  git fetch --unshallow up"
    )


def test_in_a_whole_clone_a_name_is_looked_for_among_those_that_are_there(
    clones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clones / "whole")
    assert advice("side") == "did you mean git:origin/side?"
    assert advice("side~1") == "did you mean git:origin/side~1?"
    assert advice("mian") == (
        "did you mean git:main? If not:\n  git fetch origin mian\nthen compare with git:FETCH_HEAD, if origin has it"
    )
    assert advice("nope@{1}") == "this clone has no reflog of nope; use the commit itself"
    assert advice("nope") == "git fetch origin nope\nthen compare with git:FETCH_HEAD, if origin has it"
    assert advice("HEAD~9") == "the history of HEAD does not go back that far; see `git log HEAD`"
    assert advice("main@{7}") == "the reflog of main does not go back that far; use the commit itself (see `git log`)"
    assert advice("v1^{tree}") == "use a branch, a tag, or a commit"
    assert advice("HEAD:reconciler.yaml").startswith("HEAD:reconciler.yaml exists but is not a commit; ")
    assert advice("no such") == "this is not a valid name; write git:BRANCH, git:TAG, or git:COMMIT"
    git("branch", "later", at=clones / "here")
    told = advice("origin/later")
    assert told == "fetch it:\n  git fetch origin later"
    pasted(told)
    assert read("reconciler.yaml", "origin/later") == "5\n"


def test_a_repository_without_a_remote_or_a_commit_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert advice("HEAD") == advice("HEAD~1") == "there are no commits yet"
    commit({"reconciler.yaml": "one\n"})
    listed = "there is no remote to fetch it from; git branch --all and git tag list the available names"
    assert advice("nope") == listed
    assert advice("master") == listed
    assert (
        advice("origin/main")
        == "there is no remote origin here:\n  git remote add origin URL\nthen:\n  git fetch origin main"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    git("clone", "-q", "--depth=1", f"file://{tmp_path / 'here'}", "an other")
    git("remote", "add", "second", f"file://{tmp_path / 'here'}", at="an other")
    told = advice("second/main", "an other/reconciler.yaml")
    assert told == "fetch it:\n  git -C 'an other' fetch second main"


def test_without_a_repository_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert unusable("main") == (
        f"git:main: {tmp_path} is not in a git repository; run this in the clone that contains the files, "
        "or compare with "
        "a folder or a file"
    )
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    # What git says, it says in its own words.
    told = unusable("main")
    assert told.startswith("git:main cannot be read: git says '")
    assert f"{tmp_path}/elsewhere" in told
    assert told.endswith("'; fix what `git status` reports there")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert unusable("main") == (
        "git:main needs git, which cannot be run (No such file or directory); install git, or compare with a folder"
    )


def test_a_clone_without_contents_fetches_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit({"reconciler.yaml": "one\n"})
    git("config", "uploadpack.allowFilter", "true")
    git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{Path.cwd()}", str(tmp_path / "partial"))
    monkeypatch.chdir(tmp_path / "partial")
    assert refusal("reconciler.yaml") == (
        "main:./reconciler.yaml is in that commit, but this clone lacks its content",
        "git fetch --refetch --no-filter",
    )
    git("fetch", "-q", "--refetch", "--no-filter")
    assert read("reconciler.yaml") == "one\n"


def test_links_lead_where_they_lead_on_a_disk_and_never_out() -> None:
    write({"conf/a/real.yaml": "real\n", "outside.yaml": "outside\n", "conf/b/c.yaml": "c\n"})
    links = {
        "conf/link.yaml": "a/real.yaml",
        "conf/a/up.yaml": "../link.yaml",
        "conf/folder": "a",
        "conf/out.yaml": "../outside.yaml",
        "conf/out": "..",
        "conf/far.yaml": "../../../../etc/passwd",
        "conf/absolute.yaml": "/etc/passwd",
        "conf/one.yaml": "two.yaml",
        "conf/two.yaml": "one.yaml",
        "conf/dangling.yaml": "nothing.yaml",
        "conf/reconciler.yaml": "../outside.yaml",
        "conf/zgone": "gone",
        "linked": "conf/a",
    }
    for name, target in links.items():
        Path(name).symlink_to(target)
    commit()
    for path in ("a/real.yaml", "link.yaml", "a/up.yaml", "folder/real.yaml", "folder/up.yaml", "out/conf/link.yaml"):
        assert read(path, given="conf") == "real\n"
    # The root file itself may be a link, and a folder may be reached by one.
    assert read("reconciler.yaml", given="conf") == "outside\n"
    assert read("real.yaml", given="linked", from_top=True) == "real\n"
    for path in ("out.yaml", "out/outside.yaml", "far.yaml", "absolute.yaml"):
        assert refusal(path, given="conf") == (f"main:conf/{path} {OUT[0]}", OUT[1])
    assert refusal("one.yaml", given="conf")[0] == "main:conf/one.yaml cannot be read: its links form a cycle"
    assert refusal("dangling.yaml", given="conf")[0] == "main:conf/dangling.yaml does not exist"
    with GitSources("main", "conf") as sources:
        top = [
            "absolute.yaml", "dangling.yaml", "far.yaml", "link.yaml", "one.yaml", "out.yaml", "reconciler.yaml",
            "two.yaml",
        ]  # fmt: skip
        assert sources.glob("*.yaml") == top
        with pytest.raises(SourceError, match="zgone is a link to a path, which does not exist"):
            sources.glob("zgone*/*.yaml")
        with pytest.raises(SourceError, match="out leads out of the root file's folder"):
            sources.glob("**/*.yaml")
        Path("conf/out").unlink()
        Path("conf/zgone").unlink()
    commit()
    with GitSources("main", "conf") as sources:
        assert sources.glob("**/*.yaml") == ["a/real.yaml", "a/up.yaml", "absolute.yaml", "b/c.yaml", *top[1:]]
        assert sources.glob("folder/*.yaml") == ["folder/real.yaml", "folder/up.yaml"]
        assert sources.glob("nothing/*.yaml") == []


def test_what_is_no_file_of_its_own_is_told() -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    commit({"reconciler.yaml": "r\n", "big.pem": pointer, "folder/x": "x", "inner/y": "y"})
    git("init", "-q", "sub")
    git("commit", "-q", "--allow-empty", "-m", "x", at="sub")
    git("-c", "advice.addEmbeddedRepo=false", "add", "sub")
    commit()
    assert refusal("big.pem") == (
        "main:./big.pem is kept in Git LFS, and git's objects hold only a pointer to it",
        "compare with a folder instead: git worktree add --detach ../before main, then git -C ../before lfs pull",
    )
    assert refusal("folder") == ("main:./folder is a folder", "use a file")
    assert refusal("sub") == ("main:./sub is a submodule", "use a file of this repository")
    assert refusal("none.yaml") == (
        "main:./none.yaml does not exist", "check the name; it is relative to the file that refers to it",
    )  # fmt: skip
    assert refusal("reconciler.yaml", given="folder") == (
        "main:folder/reconciler.yaml does not exist in that commit",
        "use a file that existed there, or a folder that contained reconciler.yaml: git:main:PATH",
    )
    assert unusable("main", "../elsewhere", from_top=True) == "git:main: ../elsewhere is outside of the repository"


def test_a_large_file_is_refused_and_the_next_one_read() -> None:
    commit({"reconciler.yaml": "r\n", "large.txt": "x" * (LARGEST + 1)})
    with GitSources("main") as sources:
        with pytest.raises(SourceError) as caught:
            sources.read("large.txt")
        assert caught.value.message == "main:./large.txt is larger than 10 MB"
        assert sources.read("reconciler.yaml") == b"r\n"


def test_one_process_serves_all_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    commit({f"services/{number}.yaml": f"{number}\n" for number in range(200)} | {"reconciler.yaml": ROOT})
    started: list[list[str]] = []
    popen = subprocess.Popen

    def counted(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        started.append(command)
        return popen(command, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "Popen", counted)
    with GitSources("main") as sources:
        assert [int(sources.read(path)) for path in sources.glob("services/*.yaml")] == sorted(range(200), key=str)
    assert [command for command in started if "cat-file" in command] == [[*git_process.GIT, "cat-file", "--batch"]]


def test_the_environment_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    commit({"reconciler.yaml": "r\n"})
    monkeypatch.setenv("TOKEN", "t0ken")
    with GitSources("main") as sources:
        assert sources.environment("TOKEN") is None
