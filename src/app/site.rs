//! What a playbook needs that a cluster and its Prometheus do not have now.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::action::Commands;
use crate::cluster::{Access, Cluster};
use crate::diagnostics::{Code, Diagnostic, DiagnosticSeverity};
use crate::model::ObjectKey;
use crate::playbook::{Playbook, TargetPart, rights_where};
use crate::prometheus::Prometheus;

use super::series::{Lacking, Series};

/// Looks playbooks up where they are to work. What was asked once is not asked again.
pub struct Site {
    cluster: Arc<dyn Cluster>,
    commands: Commands,
    allowed: BTreeMap<Access, Result<bool, String>>,
    series: Series,
}

impl Site {
    /// `commands`: the programs that are run in containers, and so need a right.
    pub fn new(
        cluster: Arc<dyn Cluster>,
        prometheus: Arc<dyn Prometheus>,
        commands: Commands,
        now: DateTime<Utc>,
    ) -> Self {
        Self { cluster, commands, allowed: BTreeMap::new(), series: Series::new(prometheus, now) }
    }

    /// Errors for what it cannot work without: its kinds, its target where that has a name, its
    /// rights. Warnings for metrics of which there are no series now, as some are there only in
    /// trouble, and for what could not be asked.
    pub async fn missing(&mut self, playbook: &Playbook) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let of_file = |severity, code, message: String| Diagnostic::of_file(severity, code, &playbook.path, message);
        for kind in playbook.custom_kinds() {
            if let Err(error) = self.cluster.kind(&kind).await {
                found.push(of_file(DiagnosticSeverity::Error, Code::MissingKind, error.to_string()));
            }
        }
        if let Some(target) = literal(playbook) {
            match self.cluster.get(&target).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    let wrong = of_file(
                        DiagnosticSeverity::Error,
                        Code::MissingTarget,
                        format!("its target {target} is not there"),
                    );
                    found.push(wrong.with_remedy("write what it is called here, or take the playbook away"));
                }
                Err(error) => {
                    let message = format!("whether its target is there is not known: {error}");
                    found.push(of_file(DiagnosticSeverity::Warning, Code::MissingTarget, message));
                }
            }
        }
        for right in rights_where(playbook, Some(&self.commands)) {
            found.extend(self.right(playbook, right).await);
        }
        found.extend(self.metrics(playbook).await);
        found
    }

    async fn right(&mut self, playbook: &Playbook, right: Access) -> Option<Diagnostic> {
        if !self.allowed.contains_key(&right) {
            let answer = self.cluster.allowed(&right).await.map_err(|error| error.to_string());
            self.allowed.insert(right.clone(), answer);
        }
        let of_file =
            |severity, message: String| Diagnostic::of_file(severity, Code::MissingRight, &playbook.path, message);
        match self.allowed.get(&right)? {
            Ok(true) => None,
            Ok(false) => {
                let wrong = of_file(DiagnosticSeverity::Error, format!("it may not {}", told(&right)));
                Some(wrong.with_remedy("grant it: `dogwatch rbac` prints the role"))
            }
            Err(error) => {
                let message = format!("whether it may {} is not known: {error}", told(&right));
                Some(of_file(DiagnosticSeverity::Warning, message))
            }
        }
    }

    async fn metrics(&mut self, playbook: &Playbook) -> Vec<Diagnostic> {
        let told = |Lacking { metric, at, is_known }| {
            let message = if is_known {
                format!("Prometheus has no series `{metric}` now")
            } else {
                format!("whether Prometheus has series `{metric}` is not known: it did not answer")
            };
            let wrong = playbook.warning(Code::MissingSeries, at, message);
            wrong.with_remedy("look whether it is scraped; some are there only in trouble")
        };
        self.series.lacking(playbook).await.into_iter().map(told).collect()
    }
}

/// The target, where it is the same in each run.
fn literal(playbook: &Playbook) -> Option<ObjectKey> {
    let part = |part: &TargetPart| match part {
        TargetPart::None | TargetPart::Unsaid => Some(String::new()),
        TargetPart::Given(given) => given.literal().cloned(),
        TargetPart::Label(_) => None,
    };
    let [target] = playbook.target.kinds.as_slice() else { return None };
    Some(ObjectKey::new(&target.kind, part(&playbook.target.namespace)?, part(&target.name)?))
}

fn told(right: &Access) -> String {
    let subresource = if right.subresource.is_empty() { "" } else { "/" };
    let place = match right.namespace.as_str() {
        "" => String::new(),
        namespace => format!(" in {namespace}"),
    };
    format!("{} {}{subresource}{}{place}", right.verb, right.resource, right.subresource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock};
    use crate::cluster::SimCluster;
    use crate::cluster::sim::build;
    use crate::prometheus::{NoPrometheus, ScriptedPrometheus};

    const PLAYBOOK: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: look, version: 1.0.0, owner: platform }
summary: something is slow
severity: S3
autonomy: auto
triggers: [{ alert: Slow }]
target: { kind: Deployment, namespace: shop, name: web }
limits: { runs: 1 per 1h }
diagnose:
  - id: slow
    prometheus.query: { expr: 'rate(seconds_sum{app=\"web\"}[5m]) / rate(seconds_count[5m])' }
  - done_if: slow.value < 1
    because: it is fast
mitigate:
  - id: more
    k8s.scale: { by: 50%, max: 4 }
    verify: { query: slow, until: value < 1, settle: 6m, within: 15m }
escalate:
  - page: { message: 'slow: {{because}}' }
";

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(DateTime::UNIX_EPOCH))
    }

    async fn missing(cluster: SimCluster, prometheus: Arc<dyn Prometheus>) -> Vec<String> {
        let playbook = Playbook::parse(std::path::Path::new("look.yaml"), PLAYBOOK).unwrap();
        let mut site = Site::new(Arc::new(cluster), prometheus, Commands::default(), clock().now());
        site.missing(&playbook).await.iter().map(|wrong| format!("{}: {wrong}", wrong.severity.word())).collect()
    }

    #[tokio::test]
    async fn what_a_playbook_needs_and_is_not_there_is_told() {
        let prometheus = ScriptedPrometheus::default();
        prometheus.follows("seconds_count", || Some(3.0));
        let empty = SimCluster::new(clock()).restricted(vec![]);
        let told = missing(empty, Arc::new(prometheus)).await;
        insta::assert_snapshot!(told.join("\n"), @r#"
        warning: look.yaml: whether its target is there is not known: not allowed to get deployment/web in shop: cannot get resource "deployments" in API group "apps" in the namespace "shop"; `dogwatch rbac` prints the role that the bot needs
        error: look.yaml: it may not get configmaps in shop; grant it: `dogwatch rbac` prints the role
        error: look.yaml: it may not get namespaces; grant it: `dogwatch rbac` prints the role
        error: look.yaml: it may not get deployments in shop; grant it: `dogwatch rbac` prints the role
        error: look.yaml: it may not get horizontalpodautoscalers in shop; grant it: `dogwatch rbac` prints the role
        error: look.yaml: it may not list deployments in shop; grant it: `dogwatch rbac` prints the role
        error: look.yaml: it may not list horizontalpodautoscalers in shop; grant it: `dogwatch rbac` prints the role
        error: look.yaml: it may not patch configmaps in shop; grant it: `dogwatch rbac` prints the role
        error: look.yaml: it may not patch deployments/scale in shop; grant it: `dogwatch rbac` prints the role
        error: look.yaml: it may not patch horizontalpodautoscalers in shop; grant it: `dogwatch rbac` prints the role
        warning: look.yaml:12:31: Prometheus has no series `seconds_sum` now; look whether it is scraped; some are there only in trouble
        "#);
    }

    #[tokio::test]
    async fn where_all_is_there_nothing_is_told() {
        let cluster = SimCluster::from_objects(clock(), vec![build::deployment("shop", "web", 2)]).unwrap();
        let prometheus = ScriptedPrometheus::default();
        prometheus.follows("count(", || Some(3.0));
        assert_eq!(missing(cluster.clone(), Arc::new(prometheus)).await, Vec::<String>::new());
        // Which metrics there are is asked of nobody where nobody is configured.
        assert_eq!(missing(cluster, Arc::new(NoPrometheus)).await, Vec::<String>::new());
    }
}
