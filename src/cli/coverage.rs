//! `dogwatch coverage`: which of a site's own alerts have a playbook.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use super::kinds::KindsArgs;
use super::named::{ShippedArgs, playbooks_in};
use super::output::{Exit, Failure, say, warn};
use crate::app::{self, Series, all_playbooks, is_settled, refused_playbook};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Catalogue, Config};
use crate::coverage::{Coverage, Lacking, Rule, RuleFiles};
use crate::diagnostics::{Diagnostic, json};
use crate::files::is_folder;
use crate::playbook::Playbook;
use crate::prometheus::{self, AlertRule, HttpPrometheus, Prometheus};
use crate::sightings::WatchedFor;

/// Tell which of your own alert rules have a playbook, and which playbooks have a rule
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("asked").required(true).multiple(true))]
#[command(after_help = "\
Examples:
  dogwatch coverage --shipped --rules rules/           what is shipped, and your files of rules
  dogwatch coverage --rules rules/ --fail-under 80%    your own playbooks/, for CI
  dogwatch coverage --shipped --prometheus http://localhost:9090
  dogwatch coverage --config dogwatch.yaml --prometheus

  kubectl get prometheusrules -A -o yaml > rules.yaml
  dogwatch coverage --shipped --rules rules.yaml

The first line is what it comes to:
  142 alert rules: 96 have a playbook, 4 may have one, 42 have none (67 %)

A rule has a playbook where the name of its alert is that of a trigger, and no `where` says no. It may have one \
where a `where` asks for labels that only the alert itself has: those of its series. What Alertmanager or \
relabelling adds is not known here. Rule files, PrometheusRules and ConfigMaps of rule files are read, also in Lists. \
With --prometheus it says, too, which series playbooks ask for and that Prometheus does not have.")]
pub(super) struct Args {
    /// The folder of the playbooks [default: playbooks, or all that the configuration has count]
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,

    #[command(flatten)]
    shipped: ShippedArgs,

    /// A file of alert rules, or a folder of such with the folders in it; may be repeated
    #[arg(long, value_name = "FILE|DIR", group = "asked")]
    rules: Vec<PathBuf>,

    /// Also the rules that this Prometheus has now, and which series it has not that playbooks ask
    /// for [without a URL: that of the configuration, with its credentials]
    #[arg(long, value_name = "URL", group = "asked")]
    prometheus: Option<Option<String>>,

    /// The configuration: which playbooks count, and where Prometheus is
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// For whom: text (people) or json
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    format: Format,

    /// Exit with 1 where fewer of the rules have a playbook for certain
    #[arg(long, value_name = "N%", value_parser = percent)]
    fail_under: Option<u8>,

    #[command(flatten)]
    kinds: KindsArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    // No doc comments here: they would make the help text long.
    Text,
    Json,
}

/// How long a Prometheus may take that no configuration says more of.
const PATIENCE: Duration = Duration::from_secs(10);

fn percent(text: &str) -> Result<u8, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end().parse::<u8>().ok();
    number.filter(|number| *number <= 100).ok_or_else(|| "write a whole number from 0% to 100%".to_owned())
}

pub(super) async fn go(args: &Args) -> anyhow::Result<Exit> {
    let config = args.config.as_deref().map(Config::load).transpose()?;
    if args.prometheus == Some(None) && config.as_ref().is_none_or(|config| config.prometheus.is_none()) {
        let message = "`--prometheus` without a URL asks that of the configuration: name a URL, or with `--config` a \
                       configuration that has `prometheus.url`";
        return Err(Failure::usage(message));
    }
    let (playbooks, roots, mut problems) = playbooks(args, config.as_ref())?;
    let mut read = RuleFiles::default();
    args.rules.iter().for_each(|path| read.read(path));
    problems.append(&mut read.problems);
    let mut rules = read.rules;
    // What is away keeps nobody from what the files say.
    let mut away = None;
    if let Some(url) = &args.prometheus {
        match told(url.as_deref(), config.as_ref()).await {
            Ok(told) => rules.extend(told),
            Err(error) => away = Some(error),
        }
    }
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    // Without a rule there is no document that has them.
    if args.format == Format::Text || rules.is_empty() {
        problems.iter().for_each(|problem| anstream::eprintln!("{}", problem.render(true)));
    }
    if rules.is_empty() {
        return Err(away.unwrap_or_else(|| Failure::with(Exit::Problems, "no alert rule was found in what was named")));
    }
    let sighted = sighted(config.as_ref());
    let mut coverage = Coverage::of(rules, &playbooks, &roots, &sighted);
    if let (Some(url), None) = (&args.prometheus, &away) {
        coverage.lacking = Some(lacking(url.as_deref(), config.as_ref(), &coverage, &playbooks).await?);
    }
    match args.format {
        Format::Text => say(&coverage.text())?,
        Format::Json => {
            let mut document = coverage.json();
            let mut told = json(&problems, playbooks.len());
            document.insert("diagnostics".to_owned(), told["diagnostics"].take());
            say(&serde_json::to_string_pretty(&document)?)?;
        }
    }
    if let Some(error) = away {
        return Err(error);
    }
    let totals = coverage.totals();
    let is_under = args.fail_under.is_some_and(|least| totals.covered * 100 < usize::from(least) * totals.rules);
    if let Some(least) = args.fail_under.filter(|_| is_under) {
        warn(format!("{} % of the rules have a playbook for certain, and {least} % are asked for", totals.percent()));
    }
    Ok(if errors > 0 || is_under { Exit::Problems } else { Exit::Done })
}

/// The playbooks that count, the folders that they are of, and what is wrong with others.
type Counting = (Vec<Arc<Playbook>>, Vec<PathBuf>, Vec<Diagnostic>);

fn playbooks(args: &Args, config: Option<&Config>) -> anyhow::Result<Counting> {
    let of_config = config.filter(|_| args.dir.is_none() && !args.shipped.is_given());
    let folders = match of_config {
        Some(config) => config.playbooks.folders(),
        None => vec![args.shipped.folder(args.dir.as_deref())],
    };
    if let Some(folder) = folders.iter().find(|folder| !is_folder(folder)) {
        let message = format!(
            "there is no folder {}: name that of your playbooks, or take those that come with the program: `--shipped`",
            folder.display()
        );
        return Err(Failure::usage(message));
    }
    let (kinds, mut problems) = args.kinds.read(folders.iter().map(PathBuf::as_path));
    let (mut playbooks, wrong) = match (of_config, folders.as_slice()) {
        (Some(config), folders) if config.playbooks.catalogue == Catalogue::Shipped || folders.len() != 1 => {
            let (catalog, wrong) = all_playbooks(config, &kinds);
            (catalog.iter().cloned().collect(), wrong)
        }
        (_, [folder]) => playbooks_in(folder, &kinds),
        _ => Default::default(),
    };
    problems.extend(wrong);
    if let Some(config) = config {
        problems.retain(|problem| !is_settled(config, problem));
        let refused: Vec<Diagnostic> = playbooks.iter().flat_map(|it| refused_playbook(config, it)).collect();
        playbooks.retain(|playbook| refused.iter().all(|problem| problem.path != playbook.path));
        problems.extend(refused);
    }
    Ok((playbooks, folders, problems))
}

/// The alerts that the bot itself makes of what it sees: those that it is to look for, or all.
fn sighted(config: Option<&Config>) -> Vec<&'static str> {
    let Some(config) = config else { return WatchedFor::ALERTS.to_vec() };
    let sources = config.cluster_sources();
    sources.iter().flat_map(|source| &source.watches).map(|watch| watch.what.alert()).collect()
}

/// The rules that a Prometheus has: that at `url`, or that of the configuration. Its credentials go
/// to no other one.
async fn told(url: Option<&str>, config: Option<&Config>) -> anyhow::Result<Vec<Rule>> {
    let (url, rules): (&str, Vec<AlertRule>) = match (url, config) {
        (Some(url), _) => (url, prometheus::alert_rules(url, None, PATIENCE).await?),
        (None, Some(config)) => {
            let url = config.prometheus.as_ref().map_or("", |prometheus| prometheus.url.as_str());
            (url, app::alert_rules(config).await?)
        }
        (None, None) => return Ok(Vec::new()),
    };
    Ok(rules.into_iter().map(|rule| Rule::told(url, rule)).collect())
}

/// What playbooks ask it for that it has not: those that something starts here, as the others do
/// not come to it.
async fn lacking(
    url: Option<&str>,
    config: Option<&Config>,
    coverage: &Coverage,
    playbooks: &[Arc<Playbook>],
) -> anyhow::Result<BTreeMap<String, Lacking>> {
    let prometheus: Arc<dyn Prometheus> = match (url, config) {
        (Some(url), _) => Arc::new(HttpPrometheus::new(url, None, PATIENCE)?),
        (None, Some(config)) => app::prometheus(config)?,
        (None, None) => return Ok(BTreeMap::new()),
    };
    let mut series = Series::new(prometheus, SystemClock::default().now());
    let mut found: BTreeMap<String, Lacking> = BTreeMap::new();
    let starting = |name: &str| coverage.playbooks.iter().any(|it| it.name == name && it.starts());
    for playbook in playbooks.iter().filter(|playbook| starting(&playbook.name)) {
        for app::Lacking { metric, is_known, .. } in series.lacking(playbook).await {
            let of = found.entry(playbook.name.clone()).or_default();
            if is_known { of.metrics.push(metric) } else { of.unknown.push(metric) }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_whole_and_of_a_hundred() {
        assert_eq!(["80%", "0", "100 %"].map(percent), [Ok(80), Ok(0), Ok(100)]);
        for wrong in ["101", "-1", "80.5%", "%", "most"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }
}
