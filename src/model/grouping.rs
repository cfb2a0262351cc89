//! What makes alerts one incident.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{IncidentId, ObjectKey};

/// What alerts have in common. Never the text of a summary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Grouping {
    /// They are about one object.
    Object { object: ObjectKey, origin: Origin },
    /// They name no object, and say the same of where they are: `labels` in one order.
    Place { alert: String, labels: String, origin: Origin },
    /// They share their name and Alertmanager's own group, whose key is what it calls it.
    Group { source: String, alert: String, group_key: String, cluster: Option<String> },
    /// They are about what belongs to, runs on or is made from one object: pods of a StatefulSet or
    /// of a node, claims of a StorageClass, what an operator manages.
    Under { object: ObjectKey, scope: Scope },
    /// They are about what is in one zone.
    Zone { zone: String, scope: Scope },
    /// One alert began in many places within minutes.
    Alert { alert: String, scope: Scope },
    /// Runs of one playbook stopped for the same reason.
    Stop { playbook: String, because: String, team: String },
    /// What must keep coming does not.
    Heartbeat { source: String, key: String },
    /// Somebody tests whether a team is reached.
    TestPage { team: String },
    /// What came in could not be worked on.
    SetAside,
    /// A source leaves alerts out.
    Cut { source: String },
    /// A source sends what cannot be read.
    Damaged { source: String },
    /// As an earlier version wrote it down.
    Other { text: String },
}

/// Whose word it is that an alert is about an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A source that may speak of it.
    Home,
    /// A source that may start nothing for it: it joins nobody else's incident.
    Source(String),
    /// It is in another cluster.
    Cluster(String),
}

/// Among which alerts something is looked for in common: those of one source and one origin that
/// one team is called for. A join calls nobody anew, so what another team is to know is an incident
/// of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    pub source: String,
    pub team: String,
    pub origin: Origin,
}

impl Grouping {
    /// The one text that stands for it: incidents are found by it. What earlier versions wrote is
    /// spelt as they did.
    pub fn key(&self) -> String {
        match self {
            Grouping::Object { object, origin } => match origin {
                Origin::Home => format!("target:{}", object.key()),
                Origin::Source(source) => format!("target@{source}:{}", object.key()),
                Origin::Cluster(cluster) => format!("target:{} in the cluster {cluster}", object.key()),
            },
            Grouping::Place { alert, labels, origin } => match origin {
                Origin::Home => format!("place:{alert}:{labels}"),
                Origin::Source(source) => format!("place@{source}:{alert}:{labels}"),
                Origin::Cluster(cluster) => format!("place:{alert}:{labels} in the cluster {cluster}"),
            },
            Grouping::Group { source, alert, group_key, cluster } => {
                let cluster = cluster.as_ref().map(|name| format!(" in the cluster {name}")).unwrap_or_default();
                format!("alert:{source}:{alert}:{group_key}{cluster}")
            }
            Grouping::Under { object, scope } => format!("under:{}:{}", scope.key(), object.key()),
            Grouping::Zone { zone, scope } => format!("zone:{}:{zone}", scope.key()),
            Grouping::Alert { alert, scope } => format!("name:{}:{alert}", scope.key()),
            Grouping::Stop { playbook, because, team } => format!("stop:{team}:{playbook}:{because}"),
            Grouping::Heartbeat { source, key } => format!("heartbeat:{source}:{key}"),
            Grouping::TestPage { team } => format!("dogwatch:test:{team}"),
            Grouping::SetAside => "dogwatch:set-aside".to_owned(),
            Grouping::Cut { source } => format!("dogwatch:cut:{source}"),
            Grouping::Damaged { source } => format!("dogwatch:damaged:{source}"),
            Grouping::Other { text } => text.clone(),
        }
    }

    /// Whether that is the key of one object.
    pub fn is_key_of_object(key: &str) -> bool {
        key.starts_with("target:") || key.starts_with("target@")
    }

    /// When others join it by this.
    pub fn joins(&self) -> Joins {
        match self {
            Grouping::Group { .. }
            | Grouping::Under { .. }
            | Grouping::Zone { .. }
            | Grouping::Alert { .. }
            | Grouping::Stop { .. } => Joins::Near,
            Grouping::Object { .. }
            | Grouping::Place { .. }
            | Grouping::Heartbeat { .. }
            | Grouping::TestPage { .. }
            | Grouping::SetAside
            | Grouping::Cut { .. }
            | Grouping::Damaged { .. }
            | Grouping::Other { .. } => Joins::Always,
        }
    }

    /// The object that they are about, if it is one.
    pub fn object(&self) -> Option<&ObjectKey> {
        match self {
            Grouping::Object { object, .. } => Some(object),
            _ => None,
        }
    }
}

/// Why they are one incident, as people say it.
impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grouping::Object { object, origin } => match origin {
                Origin::Home => write!(f, "they are about {object}"),
                Origin::Source(source) => write!(f, "{source} says that they are about {object}"),
                Origin::Cluster(cluster) => write!(f, "they are about {object} of the cluster {cluster}"),
            },
            Grouping::Place { alert, labels, .. } => write!(f, "all are {alert} with {labels}"),
            Grouping::Group { source, alert, group_key, .. } => {
                write!(f, "{source} sent them as {alert} of one group within minutes: {group_key}")
            }
            Grouping::Under { object, .. } => match object.kind.as_str() {
                "Node" => write!(f, "they began within minutes on the node {}", object.name),
                "StorageClass" => write!(f, "they began within minutes, and share the storage class {}", object.name),
                _ => write!(f, "they began within minutes, and belong to {object}"),
            },
            Grouping::Zone { zone, .. } => write!(f, "they began within minutes in the zone {zone}"),
            Grouping::Alert { alert, .. } => write!(f, "{alert} began in many places within minutes"),
            Grouping::Stop { playbook, because, .. } => {
                write!(f, "runs of {playbook} stopped for the same reason: {because}")
            }
            Grouping::Heartbeat { source, key } => write!(f, "the heartbeat {key} of {source} is missing"),
            Grouping::TestPage { team } => write!(f, "team {team} is tested"),
            Grouping::SetAside => f.write_str("what came in could not be worked on"),
            Grouping::Cut { source } => write!(f, "{source} leaves alerts out"),
            Grouping::Damaged { source } => write!(f, "{source} sends what cannot be read"),
            Grouping::Other { text } => match text.strip_prefix("target:") {
                Some(object) => write!(f, "they are about {object}"),
                None => write!(f, "they have the grouping {text}"),
            },
        }
    }
}

impl Scope {
    fn key(&self) -> String {
        let Self { source, team, origin } = self;
        match origin {
            Origin::Home => format!("{source}/{team}"),
            Origin::Source(_) => format!("{source}!/{team}"),
            Origin::Cluster(cluster) => format!("{source}/{team}@{cluster}"),
        }
    }
}

/// When alerts join an incident by what they have in common with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Joins {
    Always,
    /// Within minutes of what joined it last.
    Near,
    /// If enough have it in common.
    Perhaps,
}

/// An incident that is part of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The one that it was put into.
    pub into: IncidentId,
    /// The one in which all that came of it is told: `into`, or what that is part of in turn.
    pub root: IncidentId,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Incidents that are open at an upgrade are found by what the version before wrote.
    #[test]
    fn keys_stay_what_they_were() {
        let object =
            Grouping::Object { object: ObjectKey::new("Deployment", "kube-system", "coredns"), origin: Origin::Home };
        assert_eq!(object.key(), "target:Deployment/kube-system/coredns");
        assert!(Grouping::is_key_of_object(&object.key()));
        let group = |cluster: Option<&str>| Grouping::Group {
            source: "alertmanager".into(),
            alert: "PostgresDown".into(),
            group_key: "{}:{}".into(),
            cluster: cluster.map(str::to_owned),
        };
        assert_eq!(group(None).key(), "alert:alertmanager:PostgresDown:{}:{}");
        assert_eq!(group(Some("b")).key(), "alert:alertmanager:PostgresDown:{}:{} in the cluster b");
        let heartbeat = Grouping::Heartbeat { source: "alertmanager".into(), key: "Watchdog".into() };
        assert_eq!(heartbeat.key(), "heartbeat:alertmanager:Watchdog");
        assert_eq!(Grouping::SetAside.key(), "dogwatch:set-aside");
        assert_eq!(Grouping::Cut { source: "a".into() }.key(), "dogwatch:cut:a");
        assert_eq!(Grouping::Damaged { source: "a".into() }.key(), "dogwatch:damaged:a");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let scope = Scope { source: "am".into(), team: "dba".into(), origin: Origin::Home };
        for grouping in [
            Grouping::Alert { alert: "X".into(), scope: scope.clone() },
            Grouping::Under { object: ObjectKey::new("Node", "", "n7"), scope },
            Grouping::SetAside,
            Grouping::Object { object: ObjectKey::new("Pod", "db", "p"), origin: Origin::Source("tenant".into()) },
        ] {
            let text = serde_json::to_string(&grouping).unwrap();
            assert_eq!(serde_json::from_str::<Grouping>(&text).unwrap(), grouping, "{text}");
        }
    }
}
