"""``doctor``: diagnoses the installation and suggests fixes."""

import json

import click
import msgspec

from modelctl.cli.output import Coloured
from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.doctor.finding import Finding, Level
from modelctl.language.catalogue import _, _n

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.FAILED: "red"}


@click.command(cls=Verb, example="modelctl doctor --online")
@click.option("--online", is_flag=True, help="Also check that the hub can be reached.")
@pass_session
def doctor(session: Session, online: bool) -> None:
    """Diagnose problems of this installation and suggest fixes; changes nothing. Exit code 1: a check failed."""
    from modelctl.doctor.examination import examine

    findings = []
    for finding in examine(session.client, online=online):
        findings.append(finding)
        if not session.json:
            _show(session, finding)
    failed = sum(finding.level is Level.FAILED for finding in findings)
    warned = sum(finding.level is Level.WARNING for finding in findings)
    if session.json:
        session.json_line(json.dumps({"ok": not failed, "findings": msgspec.to_builtins(findings)}))
    elif failed or warned:
        warnings = _n("{count} warning", "{count} warnings", warned).format(count=warned)
        session.line(_("{count} failed, {warnings}").format(count=failed, warnings=warnings))
    else:
        session.line(_("No problems found."))
    if failed:
        raise click.exceptions.Exit(1)


def _show(session: Session, finding: Finding) -> None:
    """Print a finding, and its fix on a second line."""
    names = {Level.OK: _("ok"), Level.WARNING: _("warning"), Level.FAILED: _("failed")}
    width = max(map(len, names.values()))
    label = Coloured(f"{names[finding.level]:<{width}}", _COLOURS[finding.level])
    session.line(label, f"  {finding.title()}: {finding.text}")
    if finding.fix:
        session.line(f"{'':{width}}  → {finding.fix}")
