//! What the desk cannot answer from the store alone: what a run would do, and the shift so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::action::World;
use crate::chat::{Handoffs, Previews};
use crate::engine::preview_run;
use crate::handoff::Reporter;
use crate::message::{clip, preview_text, timeline_lines};
use crate::model::RunId;
use crate::playbook::Catalog;
use crate::rehearse::asked_run;
use crate::store::{TimelineEntry, TimelineWhat};

/// The longest of what a playbook or an input makes be said, in one line. Unlike what stands on a log, it was not shortened and masked before.
const LONGEST: usize = 500;

fn said(error: &impl ToString) -> String {
    clip(&error.to_string(), LONGEST)
}

/// Diagnoses on the live cluster and shows the mitigation, with nothing changed and nothing written.
pub struct LivePreviews {
    world: World,
    catalog: watch::Receiver<Arc<Catalog>>,
    output_limit: usize,
}

impl LivePreviews {
    pub fn new(world: World, catalog: watch::Receiver<Arc<Catalog>>, output_limit: usize) -> Self {
        Self { world, catalog, output_limit }
    }
}

#[async_trait]
impl Previews for LivePreviews {
    async fn preview(&self, playbook: &str, set: &BTreeMap<String, String>) -> Result<String, String> {
        let catalog = self.catalog.borrow().clone();
        let Some(playbook) = catalog.get(playbook) else {
            if let Some(why) = catalog.why_disabled(playbook) {
                return Err(format!("{} is {why}", clip(playbook, 80)));
            }
            let known: Vec<&str> = catalog.iter().map(|playbook| playbook.name.as_str()).collect();
            return Err(format!("there is no playbook `{}`; there are: {}", clip(playbook, 80), known.join(", ")));
        };
        let now = self.world.clock.now();
        let frame = asked_run(playbook, set, now, self.output_limit)
            .map_err(|problems| problems.iter().map(said).collect::<Vec<_>>().join("\n"))?;
        let target = &frame.run.target;
        let run_preview = preview_run(&self.world, playbook, &frame).await;
        let timeline: Vec<TimelineEntry> = run_preview
            .events
            .into_iter()
            .map(|event| TimelineEntry { at: now, what: TimelineWhat::Run(RunId(0), event) })
            .collect();
        let mut text = format!("{} on {target}; nothing is changed\n", playbook.reference);
        for line in timeline_lines(&timeline) {
            text.push_str(&line);
            text.push('\n');
        }
        match (run_preview.preview, run_preview.end) {
            (Some(preview), _) => text.push_str(&format!("It would:\n{}", preview_text(&preview))),
            (None, Some((outcome, because))) => {
                text.push_str(&format!("It would end: {outcome}: {}", clip(&because, LONGEST)))
            }
            (None, None) => text.push_str("It would do nothing"),
        }
        Ok(text)
    }
}

/// The reports of the shifts under way.
pub struct ShiftReports(pub Reporter);

#[async_trait]
impl Handoffs for ShiftReports {
    async fn so_far(&self) -> Result<String, String> {
        self.0.so_far().await.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::cluster::sim::{SimCluster, build};
    use crate::network::ScriptedNetwork;
    use crate::patroni::SimPatroni;
    use crate::playbook::Playbook;
    use crate::prometheus::NoPrometheus;
    use crate::sql::ScriptedDatabases;
    use crate::web::ScriptedWeb;

    const LOOK: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: look, version: 1.0.0, owner: platform }
summary: somebody looks
severity: S3
autonomy: observe
triggers:
  - alert: SomethingOdd
inputs:
  least: { type: integer, default: 9 }
target: { kind: Deployment, namespace: kube-system, name: coredns }
diagnose:
  - require: target.spec.replicas >= inputs.least
    because: "it was started with PGPASSWORD=hunter2hunter2 \e[2J"
escalate:
  - page: { message: "somebody must look" }
"#;

    /// Previews of one playbook in a cluster with a CoreDNS of four replicas, while the
    /// sender of the catalog is kept.
    fn previews_of(playbook: &str) -> (watch::Sender<Arc<Catalog>>, LivePreviews) {
        let clock: Arc<dyn crate::clock::Clock> = Arc::new(SystemClock::default());
        let coredns = build::deployment("kube-system", "coredns", 4);
        let cluster = SimCluster::from_objects(clock.clone(), vec![coredns]).unwrap();
        let patroni = Arc::new(SimPatroni::new(cluster.clone(), clock.clone()));
        let world = World {
            cluster: Arc::new(cluster),
            prometheus: Arc::new(NoPrometheus),
            patroni,
            web: Arc::new(ScriptedWeb::default()),
            network: Arc::new(ScriptedNetwork::default()),
            databases: Arc::new(ScriptedDatabases::default()),
            alertmanager: Arc::new(crate::alertmanager::NoAlertmanager),
            past: Arc::new(crate::action::ScriptedPast::default()),
            clock,
            patchable: crate::action::Patchable::default(),
            commands: crate::action::Commands::default(),
        };
        let (catalog, problems) = Catalog::of(vec![Playbook::from_store(playbook).unwrap()]);
        assert!(problems.is_empty(), "{problems:?}");
        let (catalogs, catalog) = watch::channel(Arc::new(catalog));
        (catalogs, LivePreviews::new(world, catalog, 64 * 1024))
    }

    #[tokio::test]
    async fn what_is_shown_of_a_run_holds_no_secrets_and_moves_no_cursor() {
        let (_catalogs, previews) = previews_of(LOOK);
        let shown = previews.preview("look", &BTreeMap::new()).await.unwrap();
        assert!(shown.ends_with("It would end: escalated: it was started with PGPASSWORD=*** [2J"), "{shown}");
        let set = BTreeMap::from([("least".to_owned(), "password=hunter2hunter2\u{1b}".to_owned())]);
        let wrong = previews.preview("look", &set).await.unwrap_err();
        assert!(!wrong.contains("hunter2") && !wrong.contains('\u{1b}'), "{wrong}");
        let strange = previews.preview(&"x\u{1b}".repeat(500), &BTreeMap::new()).await.unwrap_err();
        assert!(strange.len() < 300 && !strange.contains('\u{1b}'), "{strange}");
    }
    /// A diagnosis may wait and tell, and be shown all the same: nobody is told, and nothing waits.
    #[tokio::test]
    async fn what_a_diagnosis_tells_and_waits_for_is_shown() {
        let diagnosis = "  - wait: 10m\n  - notice: { message: \"{{target.spec.replicas}} replicas\" }\n  - done_if: target.spec.replicas == 4\n    because: it has four\n";
        let (before, after) = LOOK.split_once("diagnose:\n").unwrap();
        let (_, escalate) = after.split_once("escalate:").unwrap();
        let playbook = format!("{before}diagnose:\n{diagnosis}escalate:{escalate}");
        let (_catalogs, previews) = previews_of(&playbook);
        let shown = previews.preview("look", &BTreeMap::new()).await.unwrap();
        assert!(shown.contains("notice to team platform: 4 replicas"), "{shown}");
        assert!(shown.ends_with("It would end: nothing to do: it has four"), "{shown}");
    }
}
