//! `dogwatch test --from RUN-7`: a real run becomes a case.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::{Map, Value};

use crate::cli::client::{ServerArgs, asked};
use crate::cli::kinds::KindsArgs;
use crate::cli::named::playbook_called;
use crate::cli::output::{Exit, Failure, say_or_write, warn};
use crate::cli::yaml;
use crate::model::RunId;
use crate::playbook::Playbook;
use crate::rehearse::cases::{CaseOfRun, RecordedRun, case_of_run, handed_to, parse_cases, run_case};

pub(super) async fn go(
    run: RunId,
    folder: &Path,
    kinds: &KindsArgs,
    out: Option<&Path>,
    server: &ServerArgs,
) -> anyhow::Result<Exit> {
    let answer = asked(server, &format!("/log {run}")).await?;
    let recorded: RecordedRun = serde_json::from_str(&answer)
        .with_context(|| format!("the server's answer about {run} is not understood: is it of another version?"))?;
    let playbook = playbook_called(&recorded.run.playbook.name, folder, kinds)?;
    let case = case_of_run(&recorded, &playbook).map_err(|error| Failure::with(Exit::Problems, error))?;
    let differs = differences(&document(&case, &playbook.name, &[]), &playbook).await?;
    let text = document(&case, &playbook.name, &differs);
    say_or_write(&text, out)?;
    if !differs.is_empty() {
        warn("on the simulated cluster it does not come to what came of the run; the file says why");
    }
    Ok(Exit::Done)
}

/// The file: what it says of itself, then the case.
fn document(case: &CaseOfRun, playbook: &str, differs: &[String]) -> String {
    let mut text = String::from("apiVersion: dogwatch/v1\nkind: Cases\n");
    text.push_str(&yaml::document(&Value::Object(Map::from_iter([("playbook".to_owned(), Value::from(playbook))]))));
    text.push_str("cases:\n");
    let mut comment = |what: &str| {
        for line in what.lines() {
            text.push_str(&format!("  # {}\n", line.chars().filter(|c| !c.is_control()).collect::<String>()));
        }
    };
    comment("Made of a run. The name should say what it shows.");
    case.notes.iter().for_each(|note| comment(&format!("Not on its log: {note}.")));
    differs.iter().for_each(|wrong| comment(&format!("On the simulated cluster: {wrong}")));
    for (number, (field, value)) in case.fields.iter().enumerate() {
        let field = yaml::document(&Value::Object(Map::from_iter([((*field).to_owned(), value.clone())])));
        for (line, content) in field.lines().enumerate() {
            let margin = if number == 0 && line == 0 { "  - " } else { "    " };
            text.push_str(&format!("{margin}{content}\n"));
        }
    }
    text
}

/// What comes of it now that did not come of the run.
async fn differences(text: &str, playbook: &Arc<Playbook>) -> anyhow::Result<Vec<String>> {
    let path = playbook.path.with_extension("cases.yaml");
    let file = match parse_cases(&path, text, Some(playbook)) {
        Ok(file) => file,
        Err(wrong) => return Ok(wrong.0.iter().map(|wrong| wrong.in_file()).collect()),
    };
    let mut differs = Vec::new();
    for case in &file.cases {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        match run_case(playbook, &handed_to(playbook), &file, &case.value, folder.path()).await {
            Ok(came) => differs.extend(came.wrong),
            Err(error) => differs.push(format!("it cannot be set up: {error:#}")),
        }
    }
    Ok(differs)
}
