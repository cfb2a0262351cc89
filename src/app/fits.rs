//! Whether a playbook fits the configuration of this bot: what it does that is refused here, and
//! what it will not be able to see.

use crate::config::{Config, Dialect};
use crate::diagnostics::{Code, Diagnostic, Location, SourceText};
use crate::playbook::{Playbook, Step};
use crate::prometheus::{parse_promql, with_matchers};
use crate::web::Origin;

/// What a playbook does that it cannot do on this bot: its queries, and the fields that it changes.
pub fn refused_playbook(config: &Config, playbook: &Playbook) -> Vec<Diagnostic> {
    let patchable = config.actions.patchable();
    let fields = playbook.wrong_fields(|kind, field| patchable.refusal(kind, field, &playbook.kinds));
    let commands = unallowed_commands(config, playbook).into_iter().filter(Diagnostic::is_error);
    let mut refused = [refused_queries(config, playbook), fields].concat();
    refused.extend(commands);
    refused
}

/// Queries that cannot be asked here: those to which `prometheus.match` cannot be added, as without
/// it they would be about all clusters, and those that `prometheus.dialect` does not know.
fn refused_queries(config: &Config, playbook: &Playbook) -> Vec<Diagnostic> {
    let Some(prometheus) = &config.prometheus else { return Vec::new() };
    let unmatched = |expr: &str| with_matchers(expr, &prometheus.matchers).err();
    let mut refused = playbook.wrong_queries(Code::UnmatchedQuery, unmatched);
    if prometheus.dialect == Some(Dialect::Promql) {
        let foreign = |expr: &str| {
            let wrong = parse_promql(expr).err().filter(|wrong| wrong.is_metricsql)?;
            Some(format!("`prometheus.dialect` is promql: {}", wrong.message))
        };
        refused.extend(playbook.wrong_queries(Code::InvalidQuery, foreign));
    }
    refused
}

/// Whether the configuration settles what is doubtful without it: it says what `k8s.patch` may
/// change; and by `prometheus.dialect`, VictoriaMetrics takes what Prometheus would not. What is
/// wrong with it all the same, [`refused_playbook`] has.
pub fn is_settled(config: &Config, problem: &Diagnostic) -> bool {
    if problem.code == Code::FieldNotAllowed && !problem.is_error() {
        return true;
    }
    let dialect = config.prometheus.as_ref().and_then(|prometheus| prometheus.dialect);
    let is_foreign = match dialect {
        None => false,
        Some(Dialect::Promql) => problem.code == Code::InvalidQuery,
        Some(Dialect::Metricsql) => matches!(problem.code, Code::UnknownFunction | Code::InvalidQuery),
    };
    is_foreign && !problem.is_error()
}

/// The steps that ask whom the configuration does not name. Where it names nobody, those that can
/// do without the answer are as they are meant to be.
pub fn unnamed_hosts(config: &Config, playbook: &Playbook) -> Vec<Diagnostic> {
    let named: Vec<Origin> = config.http.hosts.iter().filter_map(|host| Origin::parse(&host.url).ok()).collect();
    let is_odd = |(step, origin, _): &(&Step, Origin, Location)| {
        !(named.contains(origin) || named.is_empty() && step.goes_on_without)
    };
    let odd = playbook.origins().filter(is_odd).map(|(step, origin, at)| {
        let end = if step.goes_on_without { "goes on without an answer" } else { "fails" };
        let message = format!("`http.hosts` of the configuration does not name {origin}, so that this step {end}");
        let remedy = format!(
            "if playbooks may read what it answers, write `http: {{ hosts: [{{ url: \"{origin}\" }}] }}` there"
        );
        playbook.warning(Code::HostNotAllowed, at, message).with_remedy(remedy)
    });
    let reach = config.network.reach();
    let uncovered = playbook.hosts().filter(|(_, host, _)| reach.check(host).is_err()).map(|(step, host, at)| {
        let end = if step.goes_on_without { "goes on without an answer" } else { "fails" };
        let message = format!("`network.hosts` of the configuration does not cover {host}, so that this step {end}");
        let remedy = format!(
            "if playbooks may look at it, write `network: {{ hosts: [\"{host}\"] }}` there, beside those that it has"
        );
        playbook.warning(Code::HostNotAllowed, at, message).with_remedy(remedy)
    });
    let commands = unallowed_commands(config, playbook).into_iter().filter(|problem| !problem.is_error());
    odd.chain(uncovered).chain(commands).collect()
}

/// The steps that run a program in a container that this bot may not run: an error, or where the
/// playbook goes on without, a warning.
fn unallowed_commands(config: &Config, playbook: &Playbook) -> Vec<Diagnostic> {
    let commands = config.exec.commands();
    let unallowed = playbook.commands().filter_map(|(step, words)| {
        let why = commands.refusal(&words)?;
        let source = SourceText { path: &playbook.path, text: &playbook.source };
        if !step.goes_on_without {
            return Some(source.error(Code::CommandNotAllowed, step.at, why));
        }
        // Where nothing is run at all, that is as it is meant.
        (!commands.is_empty()).then(|| playbook.warning(Code::CommandNotAllowed, step.at, why))
    });
    unallowed.collect()
}
