//! `dogwatch check`: mistakes, before they cost a night.

mod configuration;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::ValueEnum;

use super::against::Against;
use super::kinds::KindsArgs;
use super::named::{ShippedArgs, playbooks_in, taken_apart};
use super::output::{Exit, Failure, say};
use crate::app::{Site, all_playbooks, cluster, is_settled, no_playbooks, prometheus, refused_playbook, unnamed_hosts};
use crate::clock::{Clock as _, SystemClock};
use crate::cluster::Kinds;
use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity, Diagnostics, SourceText, closest, github, json, sarif};
use crate::files::{self, FileError};
use crate::oncall::OnCall;
use crate::playbook::{CASES, FilesOf, LARGEST_PLAYBOOK, Playbook, files_of, root_of};
use crate::rehearse::cases::read_cases;

/// Look for mistakes in playbooks, their cases and the configuration, without a cluster or a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch check                               the playbooks in playbooks/ and its folders
  dogwatch check my/pvc-filling.yaml           one file
  dogwatch check --config dogwatch.yaml        the configuration, and all that it names
  dogwatch check --format github               marks in a pull request
  dogwatch check --against origin/main         what was changed has a new version
  dogwatch check --live --config dogwatch.yaml and whether it can work in the cluster

Each mistake comes with its place, its code and what to write instead. Warnings alone are no failure.")]
pub(super) struct Args {
    /// Folders and files of playbooks
    #[arg(value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    shipped: ShippedArgs,

    /// Also this configuration, and what it names
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Playbooks that were changed since this revision of git have a new version
    #[arg(long, value_name = "REV")]
    against: Option<String>,

    /// For whom: text (people), json, github (workflow commands) or sarif (2.1.0)
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    format: Format,

    /// Also ask the cluster and the Prometheus of the configuration for what playbooks need there:
    /// targets, kinds, rights and metrics. Nothing is changed
    #[arg(long)]
    live: bool,

    #[command(flatten)]
    kinds: KindsArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    // No doc comments here: they would make the help text long.
    Text,
    Json,
    Github,
    Sarif,
}

pub(super) async fn go(args: &Args) -> anyhow::Result<Exit> {
    let mut found = Found::default();
    let mut paths = args.paths.clone();
    if args.shipped.is_given() {
        paths = paths.iter().map(|path| args.shipped.folder(Some(path))).collect();
        if paths.is_empty() {
            paths.push(args.shipped.folder(None));
        }
    }
    let config = match &args.config {
        Some(path) => found.configuration(path)?,
        None => None,
    };
    if paths.is_empty() {
        match &config {
            // With what is shipped, whose place they may take, and as the configuration sets them.
            Some(config) if config.playbooks.is_more_than_a_folder() => found.folders = config.playbooks.folders(),
            // That it is not there was told by the check of the configuration.
            Some(config) => paths.extend(config.playbooks.dir().filter(|dir| dir.is_dir())),
            // A configuration that cannot be read does not say where the playbooks are.
            None if args.config.is_some() => {}
            None => paths.push(PathBuf::from("playbooks")),
        }
    }
    let of_config = found.folders.clone();
    let (kinds, wrong) = args.kinds.read(paths.iter().chain(&of_config).map(PathBuf::as_path));
    found.kinds = kinds;
    found.diagnostics.extend(wrong);
    if let Some(config) = config.as_ref().filter(|_| !of_config.is_empty()) {
        let (catalog, problems) = all_playbooks(config, &found.kinds);
        found.loaded.extend(catalog.iter().cloned());
        // That a folder is not there was told by the check of the configuration.
        found.diagnostics.extend(problems.into_iter().filter(|it| !of_config.contains(&it.path) || it.path.exists()));
        of_config.iter().for_each(|folder| found.cases(folder));
    }
    for path in &paths {
        found.playbooks(path)?;
    }
    // Of one folder they were looked for as it was loaded.
    if paths.len() > 1 || paths.iter().any(|path| files::is_file(path)) {
        found.conflicts();
    }
    let today = SystemClock::default().now().date_naive();
    let due: Vec<Diagnostic> = found.loaded.iter().filter_map(|playbook| playbook.review_due(today)).collect();
    found.diagnostics.extend(due);
    if let Some(revision) = &args.against {
        found.against(revision)?;
    }
    if let Some(config) = &config {
        let wrong: Vec<Diagnostic> =
            found.loaded.iter().flat_map(|playbook| refused_playbook(config, playbook)).collect();
        found.diagnostics.retain(|problem| !is_settled(config, problem));
        found.loaded.retain(|playbook| wrong.iter().all(|problem| problem.path != playbook.path));
        found.diagnostics.extend(wrong);
        let unnamed: Vec<Diagnostic> =
            found.loaded.iter().flat_map(|playbook| unnamed_hosts(config, playbook)).collect();
        found.diagnostics.extend(unnamed);
    }
    if args.live {
        let config = config.clone().unwrap_or_default();
        found.live(&config).await?;
    }
    if let (Some(oncall), Some(config)) = (found.oncall.take(), &config) {
        found.teams(&oncall, config);
    }
    found.end(args.format)
}

/// What was looked at, and what was found.
#[derive(Default)]
struct Found {
    diagnostics: Vec<Diagnostic>,
    loaded: Vec<Arc<Playbook>>,
    /// Those that were named.
    folders: Vec<PathBuf>,
    oncall: Option<OnCall>,
    /// What is known beside Kubernetes' own.
    kinds: Arc<Kinds>,
}

impl Found {
    /// Mistakes of files that are right by themselves.
    fn conflicts(&mut self) {
        let wrong = taken_apart(&mut self.loaded);
        let is_new: Vec<_> = wrong.into_iter().filter(|wrong| !self.diagnostics.contains(wrong)).collect();
        self.diagnostics.extend(is_new);
    }

    /// What the playbooks need of the cluster and of Prometheus, and is not there.
    async fn live(&mut self, config: &Config) -> anyhow::Result<()> {
        let (cluster, prometheus) = (cluster(config).await?, prometheus(config)?);
        cluster.version().await.context("the cluster was asked for what the playbooks need")?;
        let mut site = Site::new(cluster, prometheus, config.exec.commands(), SystemClock::default().now());
        for playbook in self.loaded.clone() {
            self.diagnostics.extend(site.missing(&playbook).await);
        }
        Ok(())
    }

    /// What was changed since that revision, and has no new version.
    fn against(&mut self, revision: &str) -> anyhow::Result<()> {
        let root = |playbook: &Playbook| {
            let named = self.folders.iter().find(|folder| playbook.path.starts_with(folder));
            named.cloned().unwrap_or_else(|| root_of(&playbook.path))
        };
        let mut against = Against::new(revision);
        for folder in &self.loaded.iter().map(|playbook| root(playbook)).collect::<BTreeSet<_>>() {
            against.read(folder)?;
        }
        let written = self.loaded.iter().map(Playbook::as_written);
        let wrong = written.filter_map(|playbook| against.wrong(&root(playbook), playbook));
        self.diagnostics.extend(wrong.collect::<Vec<_>>());
        Ok(())
    }

    /// The cases of these playbooks, and those of none.
    fn cases(&mut self, folder: &Path) {
        let Ok(FilesOf { playbooks, cases }) = files_of(folder) else { return };
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in &cases {
            let of = path.with_file_name(name(path).replace(CASES, ".yaml"));
            if !playbooks.contains(&of) {
                let beside = playbooks.iter().filter(|playbook| playbook.parent() == path.parent());
                let beside: Vec<String> = beside.map(|playbook| name(playbook)).collect();
                let elsewhere = playbooks.iter().find(|playbook| playbook.file_name() == of.file_name());
                let remedy = match (elsewhere, closest(&name(&of), beside.iter().map(String::as_str))) {
                    (Some(playbook), _) => format!("move it beside {}", playbook.display()),
                    (None, Some(meant)) => format!("call it `{}`", meant.replace(".yaml", CASES)),
                    (None, None) => "move it beside its playbook, or take it away".to_owned(),
                };
                let message = format!("there is no playbook `{}` beside these cases", name(&of));
                let wrong = Diagnostic::of_file(DiagnosticSeverity::Error, Code::OrphanCases, path, message);
                self.diagnostics.push(wrong.with_remedy(remedy));
            }
            self.cases_of(&of, path);
        }
    }

    fn cases_of(&mut self, playbook: &Path, cases: &Path) {
        // They are of what its file says, whatever the site sets.
        let playbook = self.loaded.iter().map(Playbook::as_written).find(|loaded| loaded.path == playbook);
        if let Err(Diagnostics(wrong)) = read_cases(cases, playbook.map(Arc::as_ref)) {
            self.diagnostics.extend(wrong);
        }
        // That it cannot be read was told.
        let text = files::read_in_place(cases, files::DOCUMENT);
        text.iter().for_each(|text| self.odd(cases, text));
    }

    /// Characters that deceive the reader of a file, but for those that a mistake of it names.
    fn odd(&mut self, path: &Path, text: &str) {
        let found = SourceText { path, text }.deceiving(DiagnosticSeverity::Warning);
        let place = |of: &Diagnostic| (of.path.clone(), of.line(), of.column());
        let told = self.diagnostics.iter().filter(|known| known.code == Code::OddCharacter).map(place);
        let told: BTreeSet<_> = told.collect();
        self.diagnostics.extend(found.into_iter().filter(|odd| !told.contains(&place(odd))));
    }

    fn playbooks(&mut self, path: &Path) -> anyhow::Result<()> {
        if files::is_folder(path) {
            let (playbooks, problems) = playbooks_in(path, &self.kinds);
            if playbooks.is_empty() && problems.is_empty() {
                self.warning(Code::NoPlaybooks, path, &no_playbooks(path));
            }
            self.loaded.extend(playbooks);
            self.folders.push(path.to_owned());
            self.diagnostics.extend(problems);
            self.cases(path);
            return Ok(());
        }
        let shown = path.display();
        if path.to_string_lossy().ends_with(CASES) {
            return Err(Failure::usage(format!("{shown} holds the cases of a playbook: `dogwatch test` reads them")));
        }
        let text = files::read_in_place(path, LARGEST_PLAYBOOK).map_err(|error| match error {
            FileError::NoText => Failure::usage(format!("{shown} is no text (it is not UTF-8)")),
            _ => Failure::usage(format!("{shown} cannot be read: {error}; name a folder or file of playbooks")),
        })?;
        match Playbook::parse_with(path, &text, &self.kinds) {
            Ok(playbook) => {
                self.diagnostics.extend(playbook.warnings.iter().cloned());
                self.loaded.push(Arc::new(playbook));
            }
            Err(problems) => self.diagnostics.extend(problems),
        }
        self.cases_of(path, &path.with_extension("cases.yaml"));
        Ok(())
    }

    fn error(&mut self, code: Code, path: &Path, message: &str) {
        self.of_file(DiagnosticSeverity::Error, code, path, message);
    }

    fn warning(&mut self, code: Code, path: &Path, message: &str) {
        self.of_file(DiagnosticSeverity::Warning, code, path, message);
    }

    fn of_file(&mut self, severity: DiagnosticSeverity, code: Code, path: &Path, message: &str) {
        self.diagnostics.push(Diagnostic::of_file(severity, code, path, message));
    }

    fn end(self, format: Format) -> anyhow::Result<Exit> {
        let Self { diagnostics, loaded, .. } = self;
        let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
        match format {
            Format::Text => say(&text(&diagnostics, loaded.len(), errors))?,
            Format::Json => say(&serde_json::to_string_pretty(&json(&diagnostics, loaded.len()))?)?,
            Format::Github if diagnostics.is_empty() => {}
            Format::Github => say(&github(&diagnostics))?,
            Format::Sarif => say(&serde_json::to_string_pretty(&sarif(&diagnostics, env!("CARGO_PKG_VERSION")))?)?,
        }
        Ok(if errors == 0 { Exit::Done } else { Exit::Problems })
    }
}

fn text(diagnostics: &[Diagnostic], playbooks: usize, errors: usize) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        // The stream takes the colours out where they don't belong.
        text.push_str(&diagnostic.render(true));
        text.push('\n');
    }
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    text.push_str(&format!(
        "{} without errors; {}, {}\n",
        plural(playbooks, "playbook"),
        plural(errors, "error"),
        plural(diagnostics.len() - errors, "warning")
    ));
    text
}
