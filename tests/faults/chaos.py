"""A program of applies in which everything goes wrong, and what has to hold after each of them and at the end.

Takes an account, files, and for each apply: faults, a moment at which the process dies, and what somebody else does to
the account meanwhile. Everything is drawn before it runs and time is counted, not waited for, so a program that found
something finds it again.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.api.client import Client, ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.fetch import fetch
from reconciler.api.retry import Retry
from reconciler.api.transport import in_process
from reconciler.config.model import Approval, Config
from reconciler.emulator import Rules
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.emulator.faults import Faults, Faulty
from reconciler.errors import ApiError, MatchError
from reconciler.execution.apply import apply
from reconciler.planning.options import PlanOptions
from reconciler.planning.plan import Plan
from reconciler.report import Outcome, Report, Silent
from reconciler.workflow.planning import fetch_and_plan
from tests.properties.accounts import inhabited, only_named_differs
from tests.properties.strategies import Call
from tests.properties.test_convergence import explained
from tests.world import ACCOUNT, World, read

LAG = 2000.0
"""Milliseconds: late work and stale reads together lag behind by no more than the client waits (README)."""
_HELD = 20409
_CREDENTIALS = Credentials(ACCOUNT, "emulator", ACCOUNT)
_URL = "https://x.example.com"

Side = Literal["before", "after"]


class Killed(BaseException):
    """The end of the process, as far as one in a test can have one."""


@dataclass(frozen=True)
class Edit:
    """What somebody else does.

    Attributes:
        at: before which request of ours.
        op: ``create``, ``update`` or ``delete``.
        kind: of what, in the emulator's words.
        number: which of them, counted round.
    """

    at: int
    op: str
    kind: str
    number: int


@dataclass(frozen=True)
class Episode:
    """One apply.

    Attributes:
        rates: the faults and how often.
        seed: what befalls whom.
        pages: how many items a page has; 0 for as many as are asked for.
        crowd: above how many requests at once the answer is 429; 0 for never.
        kill: the request at which the process dies, and whether before it is sent or when it has been carried out.
        edits: what somebody else does meanwhile.
        attempts: how often a request is sent at most.
        is_new: whether the files are other ones from now on.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    pages: int = 0
    crowd: int = 0
    kill: tuple[int, Side] | None = None
    edits: tuple[Edit, ...] = ()
    attempts: int = 8
    is_new: bool = False


@dataclass
class Figures:
    """What was run."""

    runs: int = 0
    skipped: int = 0
    read_otherwise: int = 0
    refused: int = 0
    applies: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    edits: int = 0
    requests: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        def told(counter: Counter[str]) -> str:
            return ", ".join(f"{name} {number}" for name, number in sorted(counter.items()))

        return (
            f"{self.runs} runs ({self.skipped} that cannot be planned, {self.read_otherwise} under other readings than "
            f"the default ones, {self.refused} that ended in a refusal), {sum(self.applies.values())} applies "
            f"({told(self.applies)}), {self.requests} requests, {sum(self.faults.values())} faults "
            f"({told(self.faults)}), {sum(self.kills.values())} kills ({told(self.kills)}), {self.edits} edits by "
            f"somebody else, steps: {told(self.outcomes)}"
        )


class Clock:
    """Seconds that go by when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


class Mortal:
    """An ASGI application whose client dies at a request, and before whose requests somebody else acts."""

    def __init__(self, faulty: Faulty, program: Chaos, episode: Episode) -> None:
        self.faulty = faulty
        self.program = program
        self.episode = episode
        self.seen = 0
        self.is_dead = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        number, self.seen = self.seen, self.seen + 1
        for edit in self.episode.edits:
            if edit.at == number:
                # What others write is read stale, too.
                self.faulty.about_to_write()
                self.program.edit(edit)
        at, side = self.episode.kill or (-1, "before")
        if number == at and side == "before":
            self.is_dead = True
        if self.is_dead:
            raise Killed
        await self.faulty(scope, receive, send)
        if number == at:
            self.is_dead = True
        if self.is_dead:
            raise Killed


class Chaos:
    """One program.

    Args:
        world: the account.
        files: what it is to be, first and from some episode on.
        figures: counts what happens.
    """

    def __init__(self, world: World, files: tuple[Config, Config], figures: Figures) -> None:
        self.world = world
        self.files, self.other_files = files
        self.figures = figures
        self.clock = Clock()
        self.plans: list[Plan] = []
        self.expected = world.snapshot()
        self.theirs = set(self.expected)
        self.managed: set[str] = set()
        self.made_meanwhile: set[str] = set()
        self.attempts = 8

    # --- what happens ------------------------------------------------------------------------------------------------

    def run(self, episodes: tuple[Episode, ...]) -> None:
        """Every episode, and then one apply in peace; raises what does not hold."""
        for episode in episodes:
            if episode.is_new and not self.changes_files():
                break
            self.episode(episode)
        self.attempts = 8
        report = self.apply(self.world.emulator)
        bad = [outcome for outcome in _outcomes(report) if outcome.status not in {"done", "unchanged", "withheld"}]
        if self.world.rules == Rules():
            # Who in all conversations holds a role is not looked for: its delete is refused, and told.
            assert [outcome for outcome in bad if outcome.refusal is None or outcome.refusal.code != _HELD] == []
        elif bad:
            # An API that keeps or refuses what the files want cannot be brought to it; what it said is told.
            self.figures.refused += 1
            assert {outcome.status for outcome in bad} <= {"failed", "skipped"}, bad
            assert explained(report), bad
        again = asyncio.run(self._planned(self.world.emulator, ReadClient))
        # What was withheld because of what this very apply changed may follow in the next one.
        held = {result.change.address for result in report.results if result.change.guard is not None}
        held |= {change.address for change in again.changes if change.guard is not None}
        held |= {result.change.address for result in report.results if {*result.outcomes} & {*bad}}
        assert [change for change in again.changes if change.address not in held] == []
        # What they made while we were making the same is what the files name, even where no plan says so.
        for sid in self.made_meanwhile & (self.managed | set(again.execution.sids.values())):
            self.expected.pop(sid, None)
        only_named_differs(self.expected, self.world.snapshot(), self.plans)
        self.nothing_twice(again)

    def changes_files(self) -> bool:
        """Let the files be others; gives whether they can be planned from what is there."""
        self.managed |= set(self.world.plan(self.files).execution.sids.values())
        self.files, self.other_files = self.other_files, self.files
        try:
            self.world.plan(self.files)
        except MatchError:
            self.files, self.other_files = self.other_files, self.files
            return False
        return True

    def episode(self, episode: Episode) -> None:
        self.attempts = episode.attempts
        faults = Faults(episode.rates, crowd=episode.crowd, pages=episode.pages, lag=LAG)
        done: list[tuple[str, str]] = []

        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            """What the account really did."""

            async def judged(message: Any) -> None:
                if message["type"] == "http.response.start" and message["status"] < 300:
                    done.append((scope["method"], scope["path"]))
                await send(message)

            await self.world.emulator(scope, receive, judged)

        faulty = Faulty(
            recorded, faults, seed=episode.seed, emulator=self.world.emulator, clock=self.clock, sleep=self.clock.sleep
        )
        before, plans, edits = self.world.snapshot(), len(self.plans), self.figures.edits
        mortal = Mortal(faulty, self, episode)
        report, misfits = None, set[str]()
        try:
            report = self.apply(mortal)
            self.figures.applies[f"exit {report.exit_code}" if report.results else "nothing to do"] += 1
        except Killed:
            self.figures.kills[(episode.kill or (0, ""))[1]] += 1
            self.figures.applies["killed"] += 1
        except ApiError:
            self.figures.applies["not read"] += 1
        except MatchError as error:
            misfits = {problem.code for problem in error.problems}
            self.figures.applies["not matched"] += 1
        # A former state, shown once more, need not fit together; but nothing of ours is ever twice.
        assert not misfits or (episode.rates.keys() & {"stale", "shifted"} and "ambiguous-name" not in misfits), misfits
        # Where reading failed for good, nothing was written.
        assert report is not None or episode.kill or not [method for method, _ in done if method != "GET"]
        # What was taken is done, and everybody sees it: how long that takes at most is the promise's condition.
        self.clock.seconds += LAG / 1000
        asyncio.run(faulty.finish_late())
        faulty.close()
        self.figures.requests += mortal.seen
        self.figures.faults.update(faulty.injected)
        if report is not None and len(self.plans) > plans:
            self.figures.outcomes.update(outcome.status for outcome in _outcomes(report))
            if self.figures.edits == edits:
                self.report_is_honest(report, self.plans[-1], before, done)

    def apply(self, app: Any) -> Report:
        """Plan and apply as the command does, destructive changes approved."""

        async def both() -> Report:
            made = await self._planned(app, ReadClient)
            if not made.changes:
                return Report(results=())
            self.plans.append(made)
            async with self._client(app, Client) as client:
                return await apply(made, client, Silent())

        return asyncio.run(both())

    def _client(self, app: Any, kind: Any) -> Any:
        retry = Retry(
            attempts=self.attempts, sleep=self.clock.sleep, clock=self.clock, uniform=random.Random(1).uniform
        )
        return kind(_URL, _CREDENTIALS, transport=in_process(app), retry=retry)

    async def _planned(self, app: Any, kind: Any) -> Plan:
        async with self._client(app, kind) as client:
            state = await fetch(self.files, client, Silent())

            async def planned(options: PlanOptions) -> Plan:
                return await fetch_and_plan(self.files, client, Silent(), options, state=state)

            made = await planned(PlanOptions())
            wanting = [
                Approval(change.address, "replace" if change.action == "replace" else "delete")
                for change in made.changes
                if change.guard and change.guard.name == "approval"
            ]
            made = await planned(PlanOptions(approved=tuple(wanting)))
            assert made.blocking() == ()
            return made

    # --- what somebody else does -------------------------------------------------------------------------------------

    def edit(self, edit: Edit) -> None:
        before = self.world.snapshot()
        call = _call(edit, before, self.world.rules)
        if call is None or self.world.emulator.call(*call).status >= 300:
            return
        self.figures.edits += 1
        after = self.world.snapshot()
        for sid in before.keys() | after.keys():
            if sid not in after:
                self.expected.pop(sid, None)
            elif before.get(sid) != after[sid] and (sid in self.expected or sid not in before):
                self.theirs.add(sid)
                # What they put into what is ours goes with it.
                if after[sid]["parent"] in {*self.expected, None}:
                    self.expected[sid] = after[sid]
                    self.made_meanwhile |= {sid} - before.keys()

    # --- what has to hold --------------------------------------------------------------------------------------------

    def nothing_twice(self, made: Plan) -> None:
        """Whatever is there and nobody else made is what the files name, or what Twilio made along with it."""
        managed = self.managed | set(made.execution.sids.values())
        for sid, row in self.world.snapshot().items():
            if sid in self.theirs or sid in managed or _comes_along(row, self.world.rules):
                continue
            raise AssertionError(f"nobody asked for {sid}: {row}")

    def report_is_honest(
        self, report: Report, made: Plan, before: Mapping[str, Any], done: list[tuple[str, str]]
    ) -> None:
        after = self.world.snapshot()
        outcomes = _outcomes(report)
        unknown = any(outcome.status == "interrupted" and outcome.op != "delete" for outcome in outcomes)
        steps = {step.id: step for change in made.changes for step in change.steps}
        new = {sid for sid in after.keys() - before.keys() if not _comes_along(after[sid], self.world.rules)}
        told = {outcome.sid for outcome in outcomes}
        assert unknown or new <= told, (new - told, outcomes)
        written = Counter(path.rpartition("/")[2] for method, path in done if method == "POST")
        deleted = Counter(path.rpartition("/")[2] for method, path in done if method == "DELETE")
        updates = Counter(step.sid for step in steps.values() if step.op == "update")
        for outcome in outcomes:
            step = steps[outcome.step]
            match outcome.op, outcome.status:
                case "create", "done":
                    assert outcome.sid in after, outcome
                case "delete", "done" | "unchanged":
                    assert outcome.sid not in after, outcome
                case "delete", "failed" | "skipped" | "withheld":
                    assert not deleted[outcome.sid], outcome
                case "update", "failed" if _says_what_was_kept(outcome):
                    assert self.world.rules != Rules(), outcome
                case "update", "failed" | "skipped" | "withheld" if step.sid and updates[step.sid] == 1:
                    assert not written[step.sid], outcome
                case _:
                    pass
        fresh = self.world.plan(self.files)
        changes = {change.address: {item.path for item in change.fields} for change in fresh.changes}
        for result in report.results:
            if result.status == "done" and result.change.action != "replace":
                again = changes.get(result.change.address, set())
                sent = {item.path for item in result.change.fields}
                assert not (again & sent), (result, again)


def _outcomes(report: Report) -> list[Outcome]:
    return [outcome for result in report.results for outcome in result.outcomes]


def _says_what_was_kept(outcome: Outcome) -> bool:
    """Whether a step failed because the API took what was sent, and made something else of it."""
    return outcome.refusal is None and "kept its own value of" in outcome.message


def _comes_along(row: Mapping[str, Any], rules: Rules) -> bool:
    """Whether Twilio makes such a thing by itself: the roles of a new service, and users of new participants."""
    built_in = {"channel admin", "channel user", "service admin", "service user"}
    if rules.guest_role:
        built_in.add("guest")
    return row["kind"] == "user" or (row["kind"] == "role" and row["friendly_name"] in built_in)


_COLLECTIONS = {
    "role": "Roles",
    "user": "Users",
    "conversation": "Conversations",
    "participant": "Participants",
    "webhook": "Webhooks",
    "address": "Addresses",
    "credential": "Credentials",
}
_UPDATES: dict[str, dict[str, str]] = {
    "user": {"FriendlyName": "theirs"},
    "conversation": {"FriendlyName": "theirs", "Attributes": '{"theirs": 1}'},
    "participant": {"Attributes": '{"theirs": 1}'},
    "address": {"FriendlyName": "theirs"},
    "service": {"ReachabilityEnabled": "true"},
}
_CREATES: dict[str, dict[str, str]] = {
    "role": {"FriendlyName": "theirs", "Type": "conversation", "Permission": "sendMessage"},
    "user": {"Identity": "ada"},
    "conversation": {"UniqueName": "lounge"},
    "participant": {"Identity": "Zoë"},
    "webhook": {
        "Target": "webhook",
        "Configuration.Url": "https://theirs.example.com",
        "Configuration.Filters": "onMessageAdded",
    },
    "address": {"Address": "+14155550101", "Type": "sms"},
    "credential": {"Type": "fcm", "FriendlyName": "theirs", "Secret": "x"},
    "service": {"FriendlyName": "Theirs"},
}
EDITED = tuple(_CREATES)


def _call(edit: Edit, rows: Mapping[str, Any], rules: Rules) -> tuple[str, str, dict[str, str]] | None:
    """The request by which somebody does it; None when there is nothing to do it to."""

    def one_of(kind: str) -> str | None:
        # Without the roles that Twilio makes, files that name them fit no more, which is nobody's fault.
        sids = [
            sid
            for sid, row in rows.items()
            if row["kind"] == kind and not (kind == "role" and _comes_along(row, rules))
        ]
        return sids[edit.number % len(sids)] if sids else None

    def home(kind: str, parent: str) -> str:
        if kind in {"participant", "webhook"}:
            return f"/v1/Services/{rows[parent]['parent']}/Conversations/{parent}"
        return "/v1/Configuration" if kind == "address" else "/v1" if kind == "credential" else f"/v1/Services/{parent}"

    if edit.op == "create":
        if edit.kind == "service":
            return ("POST", "/v1/Services", _CREATES["service"])
        parent = one_of("conversation" if edit.kind in {"participant", "webhook"} else "service")
        if parent is None:
            return None
        return ("POST", f"{home(edit.kind, parent)}/{_COLLECTIONS[edit.kind]}", _CREATES[edit.kind])
    sid = one_of(edit.kind)
    if sid is None:
        return None
    if edit.kind == "service":
        path = f"/v1/Services/{sid}"
        if edit.op == "delete" and any(
            (row.get("configuration") or {}).get("default_chat_service_sid") == sid for row in rows.values()
        ):
            return None  # as without Twilio's roles: files may pin the account's default service
        return ("DELETE", path, {}) if edit.op == "delete" else ("POST", f"{path}/Configuration", _UPDATES["service"])
    path = f"{home(edit.kind, rows[sid]['parent'])}/{_COLLECTIONS[edit.kind]}/{sid}"
    if edit.op == "delete":
        return ("DELETE", path, {})
    form = _UPDATES.get(edit.kind)
    return None if form is None else ("POST", path, form)


def run(
    texts: tuple[str, str], calls: list[Call], episodes: tuple[Episode, ...], figures: Figures, readings: Rules
) -> None:
    """A whole program; one whose account does not fit the files from the beginning is left out."""
    world = inhabited(calls, readings)
    figures.read_otherwise += readings != Rules()
    files = (read(texts[0]), read(texts[1]))
    figures.runs += 1
    try:
        world.plan(files[0])
    except MatchError:
        figures.skipped += 1
        return
    try:
        Chaos(world, files, figures).run(episodes)
    except MatchError as error:
        # A service that they make comes with a role of this name and, it turns out, of another type.
        unfit = {problem.address.rpartition(".")[2] for problem in error.problems if problem.severity == "error"}
        if not readings.guest_role or unfit != {"guest"}:
            raise
        figures.refused += 1
