//! A file of cases: what is there, what happens, and what must come of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::alertmanager::OtherAlert;
use super::history::EarlierRun;
use super::network::NetworkAnswers;
use super::series::Series;
use super::sql::{SqlAnswers, SqlSession};
use crate::cluster::sim::{ContainerLog, ContainerProgram, Fault};
use crate::model::{Autonomy, HumanDuration, ObjectKey, Outcome};

/// The schema (draft 2020-12) of a file of cases.
pub fn schema() -> Value {
    schemars::schema_for!(CaseFile).to_value()
}

/// Cases of a playbook: what is there, what happens, and what must come of it.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "Cases")]
pub struct CaseFile {
    #[schemars(with = "String", extend("const" = "dogwatch/v1"))]
    pub api_version: Spanned<String>,
    #[schemars(with = "String", extend("const" = "Cases"))]
    pub kind: Spanned<String>,
    /// The playbook's `metadata.name`.
    #[schemars(with = "String")]
    pub playbook: Spanned<String>,
    /// What this cluster is called, as in `cluster.name` of dogwatch.yaml; alerts name theirs with
    /// the label `cluster`.
    pub cluster: Option<String>,
    /// Who is of which team, where a run asks for the yes of one. Left out: whoever answers in a
    /// case is of each team that is asked.
    #[serde(default)]
    pub teams: BTreeMap<String, Vec<String>>,
    /// Manifests that every case begins with. A text `${now-2h}` stands for a time.
    #[serde(default)]
    #[schemars(with = "Vec<Value>")]
    pub objects: Vec<Spanned<Value>>,
    /// Answers that every case begins with.
    #[serde(default)]
    #[schemars(with = "Vec<Answers>")]
    pub prometheus: Vec<Spanned<Answers>>,
    /// What services answer to `http.request`, in every case. One that no entry speaks of is one
    /// that dogwatch.yaml does not name.
    #[serde(default)]
    #[schemars(with = "Vec<WebAnswers>")]
    pub http: Vec<Spanned<WebAnswers>>,
    /// What the network looks like, in every case. What no entry speaks of is what dogwatch.yaml
    /// does not cover.
    #[serde(default)]
    #[schemars(with = "Vec<NetworkAnswers>")]
    pub network: Vec<Spanned<NetworkAnswers>>,
    /// What databases answer to `sql.query`, in every case. What no entry speaks of is as where no
    /// role is configured.
    #[serde(default)]
    #[schemars(with = "Vec<SqlAnswers>")]
    pub sql: Vec<Spanned<SqlAnswers>>,
    /// What was done about the target before, in every case: what `history.runs` tells.
    #[serde(default)]
    #[schemars(with = "Vec<EarlierRun>")]
    pub history: Vec<Spanned<EarlierRun>>,
    /// What fires in Alertmanager beside the alert of a case, in every case; `[]`: nothing does.
    /// Left out here and in the case: none is configured.
    #[schemars(with = "Option<Vec<OtherAlert>>")]
    pub alertmanager: Option<Vec<Spanned<OtherAlert>>>,
    /// Sessions in databases that steps with `sql.terminate` may end, in every case.
    #[serde(default)]
    pub sessions: Vec<SqlSession>,
    /// What containers have written, in every case.
    #[serde(default)]
    pub logs: Vec<ContainerLog>,
    /// What programs in containers say, in every case. One that no entry speaks of is not there.
    #[serde(default)]
    pub exec: Vec<ContainerProgram>,
    #[schemars(with = "Vec<Case>")]
    pub cases: Vec<Spanned<Case>>,
}

/// One case.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A sentence that would be wrong if the case failed.
    pub name: String,
    /// The alert that fires; without one, a person asks for the run with `set`.
    pub alert: Option<CaseAlert>,
    /// The time has come that a `schedule` of the playbook is for: no alert fires, and nobody asks.
    #[serde(default)]
    pub planned: bool,
    /// The inputs that the person gives, by their names.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Instead of the playbook's own.
    pub autonomy: Option<Autonomy>,
    /// Manifests of this case: one of the same kind, namespace and name takes the place of the file's.
    #[serde(default)]
    #[schemars(with = "Vec<Value>")]
    pub objects: Vec<Spanned<Value>>,
    /// Objects of the file that this case does not have: `StorageClass/fast` or `Pod/kube-system/coredns-1`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub without: Vec<Spanned<String>>,
    /// Answers of this case; asked before the file's.
    #[serde(default)]
    #[schemars(with = "Vec<Answers>")]
    pub prometheus: Vec<Spanned<Answers>>,
    /// What services answer in this case; asked before the file's.
    #[serde(default)]
    #[schemars(with = "Vec<WebAnswers>")]
    pub http: Vec<Spanned<WebAnswers>>,
    /// What the network looks like in this case; asked before the file's.
    #[serde(default)]
    #[schemars(with = "Vec<NetworkAnswers>")]
    pub network: Vec<Spanned<NetworkAnswers>>,
    /// What databases answer in this case; asked before the file's.
    #[serde(default)]
    #[schemars(with = "Vec<SqlAnswers>")]
    pub sql: Vec<Spanned<SqlAnswers>>,
    /// What was done about the target before, in this case beside the file's.
    #[serde(default)]
    #[schemars(with = "Vec<EarlierRun>")]
    pub history: Vec<Spanned<EarlierRun>>,
    /// What fires in Alertmanager in this case, beside the file's and the case's own alert.
    #[schemars(with = "Option<Vec<OtherAlert>>")]
    pub alertmanager: Option<Vec<Spanned<OtherAlert>>>,
    /// Sessions of this case, beside the file's.
    #[serde(default)]
    pub sessions: Vec<SqlSession>,
    /// What containers have written in this case; asked before the file's.
    #[serde(default)]
    pub logs: Vec<ContainerLog>,
    /// What programs in containers say in this case; asked before the file's.
    #[serde(default)]
    pub exec: Vec<ContainerProgram>,
    /// What goes wrong in the cluster. A fault that nothing runs into fails the case.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// What happens while the run is under way, each at its time after the alert.
    #[serde(default)]
    #[schemars(with = "Vec<During>")]
    pub during: Vec<Spanned<During>>,
    #[schemars(with = "Expect")]
    pub expect: Spanned<Expect>,
}

/// An alert that fires.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseAlert {
    /// Its `alertname`.
    pub name: String,
    /// Its other labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// What Prometheus answers to queries that contain a text.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// A part of the expression.
    pub query: String,
    /// One answer for each time it is asked; the last one stays. `null`: no samples; a number: one without labels; several:
    /// `[{ labels: { pod: db-0 }, value: 1 }]`; how one ran, for `prometheus.range`: `{ points:
    /// [40, 71] }`.
    pub answers: Vec<Series>,
    /// How old the samples are that they are made of; by default as fresh as can be.
    pub age: Option<HumanDuration>,
    /// Why they are only a part of what there is: a store that did not answer.
    pub warning: Option<String>,
    /// What it is from then on, when the cluster has come so far: what was changed must have arrived to help.
    pub once: Option<Once>,
}

/// How far the simulated cluster must have come.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Once {
    pub object: ObjectKey,
    /// A JSON pointer to a number or a quantity: `/status/readyReplicas`.
    pub field: String,
    /// A number or a quantity, such as `120Gi`.
    pub reaches: Value,
    /// The answer then. `null`: no samples.
    #[serde(default)]
    pub then: Series,
}

/// What a service answers to requests whose URL contains a text.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebAnswers {
    /// A part of the URL, as it is sent.
    pub url: String,
    /// One answer for each time it is asked; the last one stays.
    pub answers: Vec<WebReply>,
}

/// One answer over HTTP, or none.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebReply {
    /// Left out: 200.
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// The body, of which it says that it is JSON.
    pub json: Option<Value>,
    /// The body, where it is no JSON.
    pub text: Option<String>,
    /// Where it says that something else is.
    pub location: Option<String>,
    /// Whether its body is longer than is read, and is cut off behind what stands here.
    #[serde(default)]
    pub truncated: bool,
    /// There is no answer, and why.
    pub fails: Option<WebFault>,
}

/// How a request comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebFault {
    /// Its time is over.
    NoAnswer,
    /// Nobody listens there.
    Refused,
}

/// Something that happens.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct During {
    /// So long after the alert.
    pub after: HumanDuration,
    /// The alert is over, and Alertmanager says so.
    #[serde(default)]
    pub alert_resolves: bool,
    /// This person approves what the run asks for, or these, one after the other.
    #[serde(default)]
    pub approve: Names,
    /// This person denies what the run asks for.
    #[serde(default)]
    pub deny: Names,
    /// Why they deny it.
    pub reason: Option<String>,
    /// This person resolves the incident, and so stops the run.
    pub resolve: Option<String>,
    /// Manifests that replace what is there, as another controller would write them.
    #[serde(default)]
    #[schemars(with = "Vec<Value>")]
    pub objects: Vec<Spanned<Value>>,
}

/// One name, or a list of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl schemars::JsonSchema for Names {
    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names = json!({ "type": "array", "minItems": 1, "items": { "type": "string" } });
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, names] })
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a list of names")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names(vec![name.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Names, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(names)).map(Names)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// What must come of it.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// How the run ends; not beside `no_run`.
    pub outcome: Option<Outcome>,
    /// The alert is not this playbook's: none of its triggers takes it, and nothing of it runs.
    #[serde(default)]
    pub no_run: bool,
    /// The playbooks that it goes through by `hand_over_to`, this one first. The outcome is that of
    /// the last one, and the changes are those of all.
    pub runs: Option<Vec<String>>,
    /// A part of the reason that the run gives.
    pub because: Option<String>,
    /// All changes that were made, in order, as the run tells them.
    #[serde(default)]
    pub changes: Vec<String>,
    /// The teams that are paged, in order; where the severity pages nobody, the teams that are
    /// asked in chat.
    #[serde(default)]
    pub pages: Vec<String>,
    /// What becomes of the items of each loop, by its id: of all of them, by their keys.
    #[serde(default)]
    pub items: BTreeMap<String, ExpectedItems>,
    /// The branch that each `choose` takes, by its id, or by where it stands (`diagnose.2`): one,
    /// or in a loop maybe several.
    #[serde(default)]
    pub branches: BTreeMap<String, Names>,
    /// A part of what the page says, or of what is told to those who were paged already.
    pub page_says: Option<String>,
}

/// What becomes of the items of a loop.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedItems {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unneeded: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_alone: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untouched: Vec<String>,
}
