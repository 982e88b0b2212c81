"""Names that match nothing: the output says so, and has the line to paste."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli import main
from tests.commands import Run as Cli
from tests.commands import forget_surroundings

FILES = """\
version: 1
account: {configuration: {default_closed_timer: "${var:timer}"}}
variables: {timer: P30D}
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
      lead: {friendly_name: Team lead, type: conversation, permissions: [sendMessage]}
    configuration: {default_conversation_role: agent}
    users: {ada@example.com: {friendly_name: Ada}}
credentials:
  push: {type: apn, friendly_name: Mobile push, certificate: "${secret:CERT}", private_key: "${secret:KEY}"}
templates: {standard: {}}
environments: {prod: {account_sid: AC00000000000000000000000000000000}}
"""
ROLES = "services.support.roles"
LEAD = "      lead: {friendly_name: Team lead, type: conversation, permissions: [sendMessage]}\n"
USERS = "    users:"
PRUNE = LEAD + "    configuration"
INSTEAD = "  = Use this instead:\n      "


@dataclass(frozen=True)
class Row:
    """One place where a name can be wrong.

    Attributes:
        place: The place.
        typed: The words of the command.
        lines: What it says, whole lines; SIDs are shortened.
        replaced: What to replace in the configuration, and by what.
        added: What to add to the end of the configuration.
    """

    place: str
    typed: Sequence[str]
    lines: str
    replaced: tuple[str, str] = ("", "")
    added: str = ""


def option(option: str, wrong: str, right: str) -> Row:
    """An option with an address that matches nothing."""
    lines = f"error: {option} {wrong}: no such resource. Did you mean {right}?\n{INSTEAD}{option} {right}\n"
    return Row(f"{option} {wrong}", ("plan", option, wrong), lines)


def approval(wrong: str, right: str) -> Row:
    """An approval of something that does not exist."""
    address, meant = wrong.removeprefix("replace:"), right.removeprefix("replace:")
    lines = (
        f"Warning[unused-approval]: --approve: no such resource {address}. Did you mean {meant}?\n"
        f"  Use this instead:\n    --approve {right}\n"
    )
    return Row(f"--approve {wrong}", ("plan", "--approve", wrong), lines)


def usage(typed: str, line: str) -> Row:
    """A wrong word of the command line."""
    return Row(typed, typed.split(), f"Error: {line}\n")


def key(place: str, replaced: tuple[str, str], line: str, meant: str, added: str = "") -> Row:
    """A wrong word of the configuration, which is invalid."""
    return Row(place, ("validate",), f"error: {line}\n@  = did you mean {meant}?\n", replaced, added)


def doubt(place: str, replaced: tuple[str, str], lines: str, added: str = "") -> Row:
    """A name of the configuration that matches nothing in the account."""
    return Row(place, ("plan",), f"Warning[{lines}\n", replaced, added)


ADDRESSES = [
    option("--target", f"{ROLES}.agnet", f"{ROLES}.agent"),
    option("--target", f'{ROLES}["Team lead"]', f"{ROLES}.lead"),
    option("--target", 'services["Customer Support"].roles["Team lead"]', f"{ROLES}.lead"),
    option("--target", "services.support.rolles.agnet", f"{ROLES}.agent"),
    option("--target", "agent", f"{ROLES}.agent"),
    option("--exclude", "service.support", "services.support"),
    option("--rotate", "credentials.psuh", "credentials.push"),
    option("--rotate", 'credentials["Mobile push"]', "credentials.push"),
    approval("services.suport", "services.support"),
    approval('services["Customer Support"]', "services.support"),
    approval(f"replace:{ROLES}.agnet", f"replace:{ROLES}.agent"),
    Row(
        "sids --target",
        ("sids", "--target", "services.suport"),
        "Error: --target services.suport: the configuration has no such resource. Did you mean this?\n"
        "         --target services.support\n",
    ),
    Row(
        "accept by name",
        ("accept", f'{ROLES}["Team lead"]', "--yes"),
        f'Error: {ROLES}["Team lead"]: no such resource or field. Did you mean this?\n         {ROLES}.lead\n',
    ),
    Row(
        "accept a field",
        ("accept", f"{ROLES}.agent.permisions", "--yes"),
        f"Error: {ROLES}.agent.permisions: no such resource or field. Did you mean this?\n"
        f"         {ROLES}.agent.permissions\n",
    ),
    Row(
        "accept --unmanaged",
        ("accept", "--unmanaged", 'services["Default Conversations"]', "--yes"),
        'Error: --unmanaged services["Default Conversations"]: no such unmanaged resource. Did you mean this?\n'
        "         --unmanaged 'services[\"IS…\"]'\n",
    ),
]
WORDS = [
    usage("plna", "no such command 'plna'. Did you mean `reconciler plan`?"),
    usage("plan --targett x", "no such option --targett. Did you mean --target?"),
    usage("drift --formt text", "no such option --formt. Did you mean --format?"),
    usage(
        "plan --format txt",
        "Invalid value for '--format': 'txt' is not one of 'text', 'markdown', 'html', 'json', 'github'. "
        "Did you mean text?",
    ),
    usage(
        "drift --fail-on difference,unmanagd",
        "Invalid value for '--fail-on': use differences, unmanaged, pending, or several of them, separated by commas. "
        "Did you mean differences,unmanaged?",
    ),
    usage(
        "plan --approve delet:services.support",
        "Invalid value for '--approve': invalid address 'delet:services.support': unexpected ':services.support'; "
        "did you mean --approve delete:services.support?",
    ),
    usage(
        "export conversations",
        "Got unexpected extra argument (conversations). export reads an account and takes no PATH. Use --out for the "
        "folder that it writes",
    ),
    usage("undo .", ". is a folder. The report of the apply comes first: `reconciler undo REPORT .`"),
    usage("docs troublshooting", "no page 'troublshooting'. Did you mean `reconciler docs troubleshooting`?"),
    usage("help plna", "no help for 'plna'. Did you mean `reconciler help plan`?"),
    usage("help emulator srve", "no help for 'emulator srve'. Did you mean `reconciler help emulator serve`?"),
    usage("history 42", "42 is not a PATH. Did you mean `reconciler history show 42`?"),
    usage("history shwo 42", "shwo is not a PATH. Did you mean `reconciler history show 42`?"),
    usage("history shw 2 c", "shw is not a PATH. Did you mean `reconciler history show 2 c`?"),
    usage("version", "no such command 'version'. Did you mean `reconciler --version`?"),
    usage("-V", "no such option -V. Did you mean `reconciler --version`?"),
    usage("history -v", "no such option -v. Did you mean `reconciler --version`?"),
    usage("plan -v", "no such option -v. Did you mean `--verbose`?"),
    usage("help plan x", "no help for 'plan x'. plan has no commands of its own. Use `reconciler help plan`"),
    usage(
        "accept addresses.+14155550123",
        "invalid address 'addresses.+14155550123': unexpected '.+14155550123'; an address looks like "
        'services.support.webhooks.method or addresses["+14155550100"]',
    ),
    Row("accept a path", ("accept", "reconcilr", "services.support"), "error: reconcilr does not exist\n"),
    usage("undo 42", "there is no file 42. REPORT is a file of `apply --report`, not the number of an entry"),
    usage("undo reconcilr.yaml", "cannot read reconcilr.yaml: No such file or directory"),
    usage(
        "show reconcilr.yaml", "cannot read reconcilr.yaml: No such file or directory. Did you mean reconciler.yaml?"
    ),
    usage("history reconcilr.yaml", "reconcilr.yaml does not exist. Did you mean reconciler.yaml?"),
    Row("a path", ("plan", "reconcilr.yaml"), "  = did you mean reconciler.yaml?\n"),
    Row("--overlay", ("plan", "--overlay", "reconcilr.yaml"), "  = did you mean reconciler.yaml?\n"),
    Row("--env", ("plan", "--env", "prd"), 'error: unknown environment "prd"\n  = did you mean prod?\n'),
    Row(
        "--var",
        ("plan", "--var", "tmier=P1D"),
        'Warning[unused-variable]: the variable "tmier" of --var is not used\n  did you mean timer?\n',
    ),
    Row(
        "schema",
        ("schema", "reprot"),
        "'validation', 'error'. Did you mean report?\n",
    ),
]
CONFIGURATION = [
    key("a key", ("    roles:", "    rolles:"), 'a service has no key "rolles"', "roles"),
    key(
        "a key of the root", ("version", "limts: {deletes: 1}\nversion"), 'a configuration has no key "limts"', "limits"
    ),
    key("a template", (USERS, "    template: standrd\n" + USERS), 'unknown template "standrd"', "standard"),
    key("a variable", ("var:timer", "var:tmier"), "variable tmier is not defined", "timer"),
    key(
        "an include",
        ("version", "include: [reconcilr.yaml]\nversion"),
        "reconcilr.yaml does not exist",
        "reconciler.yaml",
    ),
    key("prune", (USERS, "    prune: [role]\n" + USERS), '"role" cannot be pruned here', "roles"),
    key("on_removal", ("version", "on_removal: {role: delete}\nversion"), 'on_removal has no key "role"', "roles"),
    key(
        "ignore_changes",
        (USERS, "    webhooks: {lifecycle: {ignore_changes: [methd]}}\n" + USERS),
        'a service webhook has no field "methd"',
        "method",
    ),
    key(
        "the address of an approval",
        ("version", "approvals: [{address: services.support.rolles.agent, action: replace}]\nversion"),
        'no resource that can be deleted or replaced has the address "services.support.rolles.agent"',
        "services.support.roles.agent",
    ),
    key(
        "the address of removed",
        ("version", "removed: [{address: services.support.webhook.method, action: forget}]\nversion"),
        'no resource or field can have the address "services.support.webhook.method"',
        "services.support.webhooks.method",
    ),
    key(
        "a reference by name",
        ("role: agent", "role: Team lead"),
        'default_conversation_role refers to "Team lead", but there is no such role in services.support',
        "lead",
    ),
    doubt(
        "absent by handle",
        (LEAD, "      lead: {type: conversation, absent: true}\n"),
        'unused-absent]: absent: no role "lead" in support. Did you mean "Team lead"? (reconciler.yaml:9)\n'
        "  Pin it with its SID, or write its friendly_name exactly as it is live.\n"
        "    lead: {sid: RL…, absent: true}",
    ),
    doubt(
        "renamed_from",
        (LEAD, LEAD.replace("lead: {friendly_name: Team lead", "boss: {renamed_from: Teamlead")),
        'unused-renamed-from]: renamed_from: no role "Teamlead" in support. Did you mean "Team lead"? '
        "(reconciler.yaml:9)\n"
        f"  Otherwise {ROLES}.boss is created. Write renamed_from exactly as the live name, or remove it.\n"
        "    renamed_from: Team lead",
    ),
    doubt(
        "approvals",
        ("version", "approvals: [{address: services.suport, at_most: {active_conversations: 0}}]\nversion"),
        "unused-approval]: approvals: no such resource services.suport. Did you mean services.support? "
        "(reconciler.yaml:1)\n  Use this instead:\n"
        "    approvals: [{address: services.support, action: delete, at_most: {active_conversations: 0}}]",
    ),
    doubt(
        "match of a prune rule",
        (PRUNE, "    prune: {roles: {match: 'Teamlead*'}}\n    configuration"),
        'unused-match]: match: no role in support matches "Teamlead*". Did you mean "Team lead"? (reconciler.yaml:9)\n'
        "  Patterns match the friendly_name, not the handle or the SID. Correct the pattern or remove it.\n"
        "    match: [Team lead]",
    ),
    doubt(
        "except of a prune rule",
        (USERS, "    prune: {roles: {except: [lead]}}\n" + USERS),
        'unused-except]: except: no role in support matches "lead". Did you mean "Team lead"? (reconciler.yaml:11)\n'
        "  Patterns match the friendly_name, not the handle or the SID. Correct the pattern or remove it.\n"
        "    except: [Team lead]",
    ),
    doubt(
        "unmanaged.ignore",
        ("version", "unmanaged: {ignore: [services.suport.roles.*]}\nversion"),
        'unused-ignore]: ignore: no unmanaged resource matches "services.suport.roles.*". '
        "Did you mean services.support.roles.*?\n"
        "  Use an address shown by `reconciler plan`, or remove the pattern.\n"
        "    unmanaged: {ignore: ['services.support.roles.*']}",
    ),
    doubt(
        "acknowledge",
        (USERS, "    prune: {roles: {match: 'zzz*'}}\n" + USERS),
        "unused-acknowledgement]: acknowledge: no warning unused-mtch. Did you mean code unused-match? "
        "(reconciler.yaml:17)\n  Remove the item, or correct it.\n    acknowledge: [{code: unused-match}]",
        "acknowledge: [{code: unused-mtch}]\n",
    ),
    doubt(
        "a word that Twilio may add",
        ("[sendMessage]}\n      lead", "[sendMesage]}\n      lead"),
        'unknown-word]: permissions: "sendMesage" is not known to this release (reconciler.yaml:8)\n'
        "  did you mean sendMessage?",
    ),
]
OFFLINE = {"docs", "help", "history", "show", "schema", "validate", "plna"}


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An account that matches the configuration, without its credentials."""
    folder = tmp_path_factory.mktemp("applied")
    (folder / "reconciler.yaml").write_text(re.sub(r"credentials:\n.*\n", "", FILES))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        forget_surroundings(patch)
        assert main(["apply", "--emulator", "demo.db", "--yes"]) == 0
    return folder / "demo.db"


@pytest.mark.parametrize("row", [*ADDRESSES, *WORDS, *CONFIGURATION], ids=lambda row: row.place)
def test_a_near_miss_has_the_line_to_paste(
    cli: Cli, applied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: Row
) -> None:
    monkeypatch.setenv("COLUMNS", "240")
    shutil.copy(applied, tmp_path)
    changed = FILES.replace(*row.replaced) if row.replaced[0] else FILES
    (tmp_path / "reconciler.yaml").write_text(changed + row.added)
    account = () if row.typed[0] in OFFLINE else ("--emulator", "demo.db")
    result = cli(*row.typed, *account)
    told = re.sub(r"\b([A-Z]{2})[0-9a-f]{32}\b", r"\1…", result.out + result.err)
    if row.typed == ("validate",):
        told = re.sub(r"\n *-->.*\n(?: *[0-9]* \|.*\n)*", "\n@", told)
        told = re.sub(r"@ *=", "@  =", told)
    assert row.lines in told
    assert (result.code == 0) == row.lines.startswith("Warning")


def test_only_a_file_of_the_right_sort_is_meant(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text("version: 1\nservices: {support: {}}\n")
    assert cli("plan", "--emulator", "demo.db", "--out", "plan1.json").code == 0
    assert cli("apply", "--emulator", "demo.db", "--plan", "plan1.json", "--report", "report1.json").code == 0
    plan = cli("apply", "--emulator", "demo.db", "--plan", "plan2.json").err
    assert "cannot read plan2.json: No such file or directory. Did you mean plan1.json?\n" in plan
    assert cli("apply", "--plan", "report2.json").err.endswith("cannot read report2.json: No such file or directory\n")
    assert "Did you mean report1.json?" in cli("undo", "report2.json", "--emulator", "demo.db").err


def test_an_unknown_environment_names_the_variable_that_selects_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reconciler.yaml").write_text(FILES)
    monkeypatch.setenv("RECONCILER_ENV", "prd")
    assert "= RECONCILER_ENV selects it; did you mean prod?\n" in cli("validate").err
    assert "= did you mean prod?\n" in cli("validate", "--env", "prd").err
