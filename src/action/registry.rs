//! All actions.

use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer};

use super::{
    Action, Declaration, Declared, alertmanager, certmanager, dns, history, http, k8s, patroni, pgbackrest, prometheus,
    sql, tcp, tell, tls,
};

/// The list and what follows from it.
macro_rules! registry {
    ($($action:ty),* $(,)?) => {
        const DECLARATIONS: &[&Declaration] = &[$(&<$action as Declared>::DECLARATION),*];

        const NAMES: &[&str] = &[$(<$action as Declared>::DECLARATION.name),*];

        /// Reads the arguments of the action `name` from the value that comes next in `map`, so
        /// that errors stay located. `None` when no action has that name; the value is then still
        /// to be read.
        ///
        /// # Errors
        /// When the arguments are not those of the action.
        pub fn parse<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Option<Result<Action, A::Error>> {
            $(if name == <$action as Declared>::DECLARATION.name {
                return Some(map.next_value::<Checked<$action>>().map(|action| action.0.into_action()));
            })*
            None
        }
    };
}

// In the order in which `dogwatch check` and `dogwatch actions` list them.
registry![
    prometheus::query::PrometheusQuery,
    prometheus::range::PrometheusRange,
    alertmanager::alerts::AlertmanagerAlerts,
    http::request::HttpRequest,
    dns::lookup::DnsLookup,
    tcp::connect::TcpConnect,
    tls::inspect::TlsInspect,
    k8s::get::K8sGet,
    k8s::list::K8sList,
    k8s::events::K8sEvents,
    k8s::pods::K8sPods,
    k8s::logs::K8sLogs,
    k8s::exec::K8sExec,
    k8s::last_change::K8sLastChange,
    history::runs::HistoryRuns,
    k8s::owners::K8sOwners,
    k8s::claim_owner::K8sClaimOwner,
    k8s::rollout_history::K8sRolloutHistory,
    k8s::rollout_status::K8sRolloutStatus,
    k8s::endpoints::K8sEndpoints,
    k8s::quota::K8sQuota,
    k8s::images::K8sImages,
    k8s::top::K8sTop,
    k8s::scale::K8sScale,
    k8s::hpa_set::K8sHpaSet,
    k8s::expand_pvc::K8sExpandPvc,
    k8s::delete_job::K8sDeleteJob,
    k8s::create_job::K8sCreateJob,
    k8s::suspension::suspend::K8sSuspendCronJob,
    k8s::suspension::resume::K8sResumeCronJob,
    k8s::rollout_undo::K8sRolloutUndo,
    k8s::rollout_restart::K8sRolloutRestart,
    k8s::pausing::pause::K8sRolloutPause,
    k8s::pausing::resume::K8sRolloutResume,
    k8s::set_resources::K8sSetResources,
    k8s::set_image::K8sSetImage,
    k8s::patch::K8sPatch,
    k8s::configmap_patch::K8sConfigMapPatch,
    k8s::annotate::K8sAnnotate,
    k8s::label::K8sLabel,
    k8s::cordon::K8sCordon,
    k8s::uncordon::K8sUncordon,
    k8s::evict::K8sEvict,
    k8s::delete_pod::K8sDeletePod,
    certmanager::renew::CertManagerRenew,
    sql::query::SqlQuery,
    sql::terminate::SqlTerminate,
    pgbackrest::info::PgBackRestInfo,
    patroni::cluster::PatroniCluster,
    patroni::history::PatroniHistory,
    patroni::pausing::pause::PatroniPause,
    patroni::pausing::resume::PatroniResume,
    patroni::restart::PatroniRestart,
    patroni::switchover::PatroniSwitchover,
    patroni::failover::PatroniFailover,
    patroni::reinitialize::PatroniReinitialize,
    tell::Page,
    tell::Notice,
];

/// All actions.
pub fn declarations() -> &'static [&'static Declaration] {
    DECLARATIONS
}

/// The names of all actions.
pub fn names() -> &'static [&'static str] {
    NAMES
}

/// Arguments that don't contradict each other. They are checked while they are read, so that the
/// error has a place.
struct Checked<T>(T);

impl<'de, T: Declared> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let action = T::deserialize(deserializer)?;
        action.check().map_err(D::Error::custom)?;
        Ok(Self(action))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fmt;

    use serde::de::Visitor;

    use super::*;

    /// An action as a step of a playbook holds it: `k8s.scale: { by: 50%, max: 10 }`.
    pub(in crate::action) fn action(yaml: &str) -> Result<Action, String> {
        serde_saphyr::from_str::<One>(yaml).map(|one| one.0).map_err(|error| error.to_string())
    }

    /// What is wrong with an action that came as JSON: serde's own words.
    pub(in crate::action) fn error_in_json(json: &str) -> String {
        serde_json::from_str::<One>(json).map(|one| format!("{:?}", one.0)).unwrap_err().to_string()
    }

    struct One(Action);

    impl<'de> Deserialize<'de> for One {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct OneKey;

            impl<'de> Visitor<'de> for OneKey {
                type Value = One;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("one action")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<One, A::Error> {
                    let name = map.next_key::<String>()?.ok_or_else(|| A::Error::custom("no action"))?;
                    parse(&name, &mut map).ok_or_else(|| A::Error::custom("unknown action"))?.map(One)
                }
            }

            deserializer.deserialize_map(OneKey)
        }
    }

    pub(in crate::action) fn error(yaml: &str) -> String {
        action(yaml).map(|action| format!("{action:?}")).unwrap_err()
    }

    #[test]
    fn rights_are_those_of_the_namespace_that_is_named() {
        let rights = |yaml: &str, target: &str| -> Vec<String> {
            let action = action(yaml).unwrap();
            let access = action.describe().access(target, &crate::cluster::Kinds::new()).into_iter();
            access.map(|a| format!("{} {} {}", a.verb, a.resource, a.namespace).trim_end().to_owned()).collect()
        };
        assert_eq!(rights("k8s.get: { kind: Pod, namespace: infra, name: x }", "Job"), ["get pods infra"]);
        assert_eq!(rights("k8s.get: { kind: Node, name: x }", "Job"), ["get nodes"]);
        assert_eq!(rights("k8s.list: { kind: Job }", "Job"), ["list jobs"]);
        assert_eq!(rights("k8s.events: {}", "Job"), ["list events"]);
        assert_eq!(rights("k8s.events: {}", "Node"), ["list events default"]);
        assert_eq!(rights("k8s.events: { kind: Node, name: x }", "Job"), ["list events default"]);
    }

    #[test]
    fn a_mistake_is_told_where_it_stands() {
        for (yaml, told) in [
            ("k8s.scale: { by: 50%, max: 10, mx: 3 }", "unknown field `mx`"),
            ("k8s.scale: { by: 50% }", "missing field `max`"),
            ("k8s.scale: { max: 10 }", "say how many: `by: 50%` or `to: 6`"),
            ("k8s.scale: { by: 50%, to: 6, max: 10 }", "`by` and `to` are both given"),
            ("k8s.scale: { by: half, max: 10 }", "`half` is no number of replicas to add; write `50%` or `2`"),
            ("k8s.scale: { to: 12, max: 10 }", "`to: 12` is beyond `max: 10`"),
            ("k8s.scale: { to: 1, max: 0 }", "scaling to nothing is never automatic"),
            ("k8s.expand_pvc: { by: 20% }", "missing field `max`"),
            ("k8s.expand_pvc: { by: 20%, max: lots }", "`lots` is no size"),
            ("k8s.get: { kind: Secret, name: x }", "secrets are never read"),
            ("k8s.get: { kind: '{{inputs.kind}}', name: x }", "`kind` must be written out"),
            ("k8s.get: { kind: Pod, namespace: '{{inputs.ns}}', name: x }", "`namespace` must be written out"),
            ("k8s.list: { kind: secrets }", "secrets are never read"),
            ("k8s.list: { kind: Job, labels: '{{#if x}}a{{/if}}' }", "`labels` takes plain holes"),
            ("k8s.events: { kind: Pod }", "`kind` and `name` belong together"),
            ("prometheus.query: { expr: ' ' }", "`expr` is empty"),
            ("prometheus.query: { expr: 'up{a=\"{{lookup x y}}\"}' }", "`expr` takes plain holes"),
            ("prometheus.range: { expr: up, over: 10s }", "`over: 10s` is not from 1m to 31d"),
            ("prometheus.range: { expr: up, over: 1d, step: 1m }", "1440 points, and 500 is the most"),
            ("prometheus.range: { expr: up, full_at: much }", "no number and no quantity; write it as `20` or `120Gi`"),
            ("prometheus.range: { expr: '1', max_age: 5m }", "`max_age` cannot be held to `expr`"),
            ("alertmanager.alerts: { matchers: [] }", "`matchers` takes 1 to 20 matchers"),
            ("alertmanager.alerts: { matchers: [shop] }", "`shop` is no matcher: write it like namespace=db"),
            ("alertmanager.alerts: { matchers: ['a=~({{x}}'] }", "its expression cannot be read"),
            ("alertmanager.alerts: { matchers: ['a={{#if x}}1{{/if}}'] }", "`matchers` takes plain holes"),
            ("alertmanager.alerts: { matchers: [a=b], limit: 101 }", "`limit: 101` is not from 1 to 100"),
            ("k8s.last_change: { field: /spec/x }", "is no path of a field"),
            ("k8s.logs: { lines: 501 }", "`lines: 501` is not from 1 to 500"),
            ("k8s.cordon: { at_most: 200% }", "`200%` is no share or number of all of them; write `5%` or `2`"),
            ("k8s.delete_job: { recreate_from: thin air }", "write `cronjob` or `self`"),
            ("k8s.rollout_undo: {}", "missing field `to_revision`"),
            ("k8s.rollout_undo: { to_revision: 0 }", "`to_revision: 0` is no revision"),
            ("k8s.rollout_undo: { to_revision: 6, from_revision: 6 }", "both 6: nothing would change"),
            ("k8s.set_resources: { container: web }", "say what grows"),
            ("k8s.set_resources: { container: web, memory: { by: 25% } }", "missing field `max`"),
            ("k8s.set_resources: { container: web, memory: { by: lots, max: 1Gi } }", "`lots` is no growth of a limit"),
            ("k8s.set_resources: { container: web, cpu: { by: 25%, max: 0 } }", "`0` is no amount of a resource"),
            ("k8s.annotate: { key: '{{inputs.key}}', value: x }", "`key` must be written out"),
            ("k8s.annotate: { key: leader, value: x }", "`leader` has no domain"),
            ("k8s.label: { key: topology.kubernetes.io/zone, value: a }", "labels of `kubernetes.io` mean something"),
            ("k8s.label: { key: example.com/x, value: a b }", "is no value of a label"),
            ("k8s.annotate: { key: dogwatch/hands-off, value: 'false' }", "annotations of `dogwatch` mean something"),
            ("k8s.create_job: { from_object: '{}' }", "this is no Job to make again"),
        ] {
            let error = error(yaml);
            assert!(error.contains(told), "{yaml}: {error}");
            assert!(error.contains("line 1"), "{yaml}: {error}");
        }
    }
}
