"""Loading: text -> Config, in these stages.

    files            files -> one merged tree, with overlays
    environments     the selected environment, and every variable
    drafts           the resources and their addresses, with templates applied
    resource_reader  their fields and meta-arguments, typed
    references       names of other resources
    identities       duplicate declarations
    sealing          the settings that `sealed: true` declares as empty
    settings         the account, prune, limits, approvals
    digest           a digest of the configuration's meaning

Each stage continues after a problem, and reports nothing that depends on something that could not be read. So all
problems are reported at once, and none is only a consequence of another. All I/O goes through `Sources`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.address import Address
from reconciler.config.acknowledged import split_acknowledged
from reconciler.config.digest import digest
from reconciler.config.drafts import Draft, DraftBuilder
from reconciler.config.environments import (
    Environment,
    all_variables,
    read_environments,
    read_variables,
    select_environment,
)
from reconciler.config.files import FileLoader
from reconciler.config.findings import Findings, shown
from reconciler.config.identities import check_identities
from reconciler.config.interpolation import Interpolation
from reconciler.config.layout import Layout, settings_in
from reconciler.config.ledger import read_ledger
from reconciler.config.model import Approval, Config, Declared, Limits, OnRemoval, Prune, Removed
from reconciler.config.nodes import KeyValue, MapNode, ScalarNode
from reconciler.config.overlays import apply_overlays, apply_templates
from reconciler.config.references import References
from reconciler.config.removal_settings import RemovalReader
from reconciler.config.resolved_text import Variable
from reconciler.config.resource_reader import ResourceReader
from reconciler.config.sealing import sealed_drafts
from reconciler.config.settings import SettingsReader, account_guard
from reconciler.config.sources import Sources
from reconciler.config.text_resolver import TextResolver
from reconciler.errors import ConfigError, Place
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class _Source:
    """The files of a configuration for one environment, merged.

    Attributes:
        files: Reads the files.
        tree: The merged tree, with templates applied.
        templates: The templates by name.
        environments: Every environment by name.
        selected: The selected environment.
        base_variables: The variables of the files without overlays.
    """

    files: FileLoader
    tree: MapNode
    templates: Mapping[str, KeyValue]
    environments: Mapping[str, Environment]
    selected: Environment
    base_variables: Mapping[str, ScalarNode]


@dataclass(frozen=True, slots=True)
class _Settings:
    """The settings of a configuration as a whole; see `Config`."""

    account_sid: str | None
    account_place: Place | None
    prune: Mapping[Address, Prune]
    limits: Limits
    approvals: tuple[Approval, ...]
    unmanaged_ignore: tuple[str, ...]
    on_removal: Mapping[str, OnRemoval]
    removed: tuple[Removed, ...]


def load_with(
    layout: Layout,
    sources: Sources,
    *,
    environment: str,
    variables: Mapping[str, str],
    overlays: Sequence[str],
    strict: bool,
    allow_unset: bool,
    by_name: bool = False,
    secrets_later: bool = False,
    unknown: frozenset[str] = frozenset(),
    now: datetime | None = None,
) -> Config:
    """Load a configuration of the kinds in a layout; see `reconciler.config.load` for the other arguments."""
    findings = Findings()
    source = _read_files(sources, environment, overlays, findings)
    every_variable = all_variables(source.tree, source.base_variables, source.selected, variables, findings)
    interpolation = _interpolation(
        source, sources, every_variable, environment, findings, by_name=by_name, unknown=unknown
    )
    _check_top(source.tree, layout, findings)

    texts = TextResolver(findings, interpolation, allow_unset=allow_unset, secrets_later=secrets_later)
    drafts, template_drafts = _read_resources(source, layout, texts, interpolation, findings, now)
    reader = SettingsReader(layout, findings, texts, complete=source.files.complete)
    guard = account_guard(
        source.tree, source.selected, source.environments, interpolation, findings, allow_unset=allow_unset
    )
    settings = _read_settings(
        source.tree, reader, RemovalReader(layout, findings, texts), [*drafts, *template_drafts], guard
    )
    drafts += sealed_drafts(drafts, layout, reader.account_seal(source.tree), settings.unmanaged_ignore)
    _check_options(variables, interpolation, findings, complete=source.files.complete)
    if source.files.complete:
        _check_overriding(every_variable, interpolation.used, findings)
    interpolation.check_placeholders()
    acknowledge = reader.acknowledgements(source.tree)
    ledger = read_ledger(source.tree, posixpath.basename(sources.root), source.environments, findings)
    problems, acknowledged = split_acknowledged(acknowledge, findings.problems(strict=False))
    if strict:
        problems = tuple(replace(problem, severity="error") for problem in problems)
    lines = findings.without_secrets(source.files.lines)
    if any(problem.severity == "error" for problem in problems):
        raise ConfigError(problems, lines)
    config = _config(source, settings, drafts)
    return replace(
        config,
        warnings=problems,
        lines=lines,
        acknowledge=acknowledge,
        acknowledged=acknowledged,
        secrets=frozenset(interpolation.secrets),
        external=dict(sorted(interpolation.external.items())),
        ledger=ledger,
    )


def _interpolation(
    source: _Source,
    sources: Sources,
    variables: Mapping[str, Variable],
    environment: str,
    findings: Findings,
    *,
    by_name: bool,
    unknown: frozenset[str],
) -> Interpolation:
    """Prepare interpolation, and report the problems of the variables themselves."""
    interpolation = Interpolation(
        sources,
        findings,
        source.files.lines,
        variables=variables,
        elsewhere=_defined_elsewhere(source.environments, source.selected.name),
        environment=source.selected.name,
        complete=source.files.complete and (not environment or environment in source.environments),
        by_name=by_name,
        unknown=unknown,
    )
    interpolation.check_variables()
    return interpolation


def _read_files(sources: Sources, environment: str, overlays: Sequence[str], findings: Findings) -> _Source:
    files = FileLoader(sources, findings)
    base = files.base()
    environments = read_environments(base, findings)
    base_variables = read_variables(base.by_key.get("variables"), findings)
    selected = select_environment(environments, environment, findings, complete=files.complete)
    tree = apply_overlays(files, base, selected.overlays, overlays, findings)
    tree, templates = apply_templates(files, tree, findings)
    return _Source(files, tree, templates, environments, selected, base_variables)


def _read_resources(  # noqa: PLR0917 - the inputs of one stage
    source: _Source,
    layout: Layout,
    texts: TextResolver,
    interpolation: Interpolation,
    findings: Findings,
    now: datetime | None,
) -> tuple[list[Draft], list[Draft]]:
    """Read the resources, with their references resolved, and those of the templates."""
    builder = DraftBuilder(layout, findings)
    drafts = builder.build(source.tree)
    template_layout = layout.templated
    template_drafts: list[Draft] = []
    for pair in source.templates.values():
        if isinstance(pair.value, MapNode) and template_layout is not None:
            template_drafts += builder.build_template(pair.key, pair.value, template_layout)
    reader = ResourceReader(findings, interpolation, texts, now=now)
    for draft in [*drafts, *template_drafts]:
        reader.read(draft)
    References(drafts, layout.kinds, findings, complete=source.files.complete).resolve()
    check_identities(drafts, findings)
    return drafts, template_drafts


def _read_settings(
    tree: MapNode,
    reader: SettingsReader,
    removals: RemovalReader,
    drafts: list[Draft],
    guard: tuple[str | None, Place | None],
) -> _Settings:
    """Read the settings of the configuration as a whole, beside the account that it is for."""
    account_sid, account_place = guard
    return _Settings(
        account_sid=account_sid,
        account_place=account_place,
        prune=reader.prune(tree, drafts),
        limits=reader.limits(tree),
        approvals=reader.approvals(tree),
        unmanaged_ignore=reader.unmanaged_ignore(tree),
        on_removal=removals.on_removal(tree),
        removed=removals.removed(tree),
    )


def _config(source: _Source, settings: _Settings, drafts: list[Draft]) -> Config:
    drafts.sort(key=lambda draft: draft.address)
    return Config(
        account_sid=settings.account_sid,
        account_place=settings.account_place,
        environment=source.selected.name,
        resources={draft.address: _declared(draft) for draft in drafts},
        prune=settings.prune,
        limits=settings.limits,
        approvals=settings.approvals,
        warnings=(),
        lines={},
        digest=digest(
            account_sid=settings.account_sid,
            environment=source.selected.name,
            drafts=drafts,
            prune=settings.prune.values(),
            limits=settings.limits,
            approvals=settings.approvals,
            unmanaged_ignore=settings.unmanaged_ignore,
            on_removal=settings.on_removal,
            removed=settings.removed,
        ),
        unmanaged_ignore=settings.unmanaged_ignore,
        on_removal=settings.on_removal,
        removed=settings.removed,
        environments=tuple(sorted(source.environments)),
    )


def _defined_elsewhere(environments: Mapping[str, object], selected: str) -> Mapping[str, tuple[str, ...]]:
    """Return the environments that define each variable, except the selected one."""
    defining: dict[str, list[str]] = {}
    for name, environment in environments.items():
        if name != selected:
            for variable in getattr(environment, "variables", {}):
                defining.setdefault(variable, []).append(name)
    return {variable: tuple(sorted(names)) for variable, names in defining.items()}


def _check_top(tree: MapNode, layout: Layout, findings: Findings) -> None:
    """Report unknown keys at the top level and in ``account``."""
    for key, pair in tree.by_key.items():
        if key not in layout.top_keys:
            message = f"a configuration has no key {shown(key)}"
            findings.error("unknown-key", message, pair.key.place, findings.instead(key, layout.top_keys))
    for name, sections in layout.sections.items():
        below = tree.by_key.get(name)
        if not isinstance(sections, dict) or below is None or not isinstance(below.value, MapNode):
            continue
        known = ("sid", *(("sealed",) if settings_in(sections) else ()), *sections)
        for key, pair in below.value.by_key.items():
            if key not in known:
                message = f"{name} has no key {shown(key)}"
                findings.error("unknown-key", message, pair.key.place, findings.instead(key, known))


def _check_options(
    options: Mapping[str, str], interpolation: Interpolation, findings: Findings, *, complete: bool
) -> None:
    """Report variables of the command line that are unused, and probably misspelled, or empty."""
    for name in sorted(options):
        if not options[name].strip():
            hint = f'check the source of its value; to clear a value, define {name}: "" in the files'
            findings.error("empty-variable", f"--var {shown(name)} has no value", None, hint)
        if complete and name not in interpolation.used:
            meant = findings.closest(name, tuple(sorted(interpolation.used)))
            hint = f"did you mean {meant}?" if meant else "remove it from the command line"
            findings.warning("unused-variable", f"the variable {shown(name)} of --var is not used", None, hint)


def _check_overriding(variables: Mapping[str, Variable], used: Collection[str], findings: Findings) -> None:
    """Report unused variables of environments and overlays whose name is similar to a used one.

    Such a variable was probably meant to override the other, which silently keeps its value.
    """
    for name, variable in variables.items():
        if not variable.where or variable.scalar is None or name in used:
            continue
        others = [other for other in used if other not in variables or variables[other].where != variable.where]
        meant = findings.closest(name, tuple(sorted(others)))
        if meant:
            message = f"the variable {shown(name)} of {variable.where} is not used"
            findings.warning("unused-variable", message, variable.scalar.place, f"did you mean {meant}?")


def _declared(draft: Draft) -> Declared:
    return Declared(
        address=draft.address,
        kind=draft.kind,
        place=draft.key.place,
        parent=draft.parent.address if draft.parent is not None else None,
        values=draft.values,
        derived=draft.derived or {},  # not the shared empty one, which cannot be copied or pickled
        pin=draft.pin,
        pin_place=draft.pin_place,
        absent=draft.absent,
        renamed_from=draft.renamed_from,
        lifecycle=draft.lifecycle,
        sensitive=draft.sensitive,
    )
