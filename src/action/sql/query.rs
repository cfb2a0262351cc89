//! `sql.query`: what a database says, by a statement that has a name.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::action::amounts::Count;
use crate::action::masked::masked_text;
use crate::action::patience::check_timeout;
use crate::action::typed::{Arguments as _, Typed, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, FailureClass, HumanDuration, ObjectKey, redact_value};
use crate::patroni::scope_label;
use crate::sql::{BUILT_IN, Place, Rows, SITE, SqlError, SqlRequest, built_in, is_name};

arguments! {
    pub(in crate::action) struct SqlQuery {
        /// What is asked: `activity`, `archiver`, `blocking`, `checksums`, `connections`,
        /// `databases`, `disk`, `invalid_indexes`, `prepared_transactions`, `recovery`,
        /// `replication`, `sequences`, `settings`, `slots`, `tables`, `vacuum`, or `site.NAME` for
        /// one of `sql.statements` in dogwatch.yaml
        statement: Arg<StatementName>,
        /// In which pod of the target's namespace. Left out: the target, a pod
        pod: Option<Arg<String>>,
        /// In which of its databases. Left out: `sql.database` of dogwatch.yaml
        database: Option<Arg<String>>,
        /// How many rows are kept, the first; `1` to `200`
        limit: Option<Arg<Count>> = "50",
        /// From the connection to the last row; `1s` to `25s`
        timeout: Option<Arg<HumanDuration>> = "10s",
    }
}

output! {
    struct Answer {
        /// The rows in the statement's order: each a mapping from columns to values
        rows: Vec<Value>,
        /// How many they are
        count: usize,
        /// Whether there are more
        truncated: bool,
    }
}

/// The name of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StatementName(String);

impl Typed for StatementName {
    const WORDS: &'static str = "statement";
}

impl FromStr for StatementName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_known = match text.strip_prefix(SITE) {
            Some(own) => is_name(own),
            None => built_in(text).is_some(),
        };
        if is_known {
            return Ok(Self(text.to_owned()));
        }
        let names = || BUILT_IN.iter().map(|statement| statement.name);
        let near = names().max_by(|a, b| strsim::jaro(a, text).total_cmp(&strsim::jaro(b, text))).unwrap_or_default();
        let text: String = text.chars().take(60).collect();
        Err(format!(
            "no statement is called `{text}`; write `{near}`, another one of {}, or `site.NAME` for one of dogwatch.yaml",
            names().collect::<Vec<_>>().join(", ")
        ))
    }
}

impl fmt::Display for StatementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// More rows than a condition can sensibly look at, or the run's log should keep.
const MOST_ROWS: u32 = 200;

/// The longest text of a column that is kept, in characters.
const LONGEST_TEXT: usize = 500;

impl Declared for SqlQuery {
    const DECLARATION: Declaration = Declaration {
        name: "sql.query",
        summary: "Asks PostgreSQL in a pod, by a statement that has a name",
        effect: Effect::Reads,
        about: "Playbooks hold no SQL: `dogwatch actions sql.query` lists what is built in and may be asked by a member of `pg_monitor`, \
            and `sql.statements` of dogwatch.yaml adds a site's own. PostgreSQL is asked at the pod's own address and `sql.port`, as \
            `sql.user`, over a connection of its own, in a transaction that can only read, waits a second for a lock at most, and ends \
            with `timeout`. The password comes from one file, a file for each database or a program (`sql.password`). Literals in \
            queries of clients are replaced, texts are cut at 500 characters, and what looks like a secret is masked. Times are \
            texts, and spans are seconds.",
        errors: "No role is configured; a pod that is gone or has no address; PostgreSQL that does not answer, is not trusted, or refuses \
            (`too many connections`, `the database system is starting up`): with its words and SQLSTATE. No row is an answer: \
            look at `count`.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Answer::FIELDS,
        rights: &[Right::on_kind(Kind::POD, &["get"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: disk
  sql.query: { statement: disk }
- escalate_if: disk.rows[0].slots_keep_bytes > disk.rows[0].max_wal_bytes * 4
  because: \"a replication slot keeps {{disk.rows.[0].slots_keep_bytes}} bytes of WAL\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        if self.statement.literal().is_none() {
            return Err("`statement` must be written out, so that `check` knows what is asked".into());
        }
        if let Some(limit) = self.limit.as_ref().and_then(Arg::literal) {
            check_limit(*limit)?;
        }
        self.timeout.as_ref().and_then(Arg::literal).map_or(Ok(()), |timeout| check_timeout(*timeout))
    }
}

fn check_limit(limit: Count) -> Result<(), String> {
    if (1..=MOST_ROWS).contains(&limit.0) {
        Ok(())
    } else {
        Err(format!("`limit: {limit}` is not from 1 to {MOST_ROWS}"))
    }
}

#[async_trait]
impl Read for SqlQuery {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let key = match &self.pod {
            Some(pod) => ObjectKey::new("Pod", &step.target.namespace, &pod.resolve(step.scope)?),
            None if step.target.is_a("Pod") => step.target.clone(),
            None => {
                let message = format!("{} is no Pod: write in which pod PostgreSQL is asked, with `pod`", step.target);
                return Err(ActionError::fail(message));
            }
        };
        let pod = world.cluster.get(&key).await?;
        let pod = pod.ok_or_else(|| ActionError::fail(format!("{key} is not there")))?;
        let limit = self.limit(step.scope)?;
        check_limit(limit).map_err(ActionError::fail)?;
        let timeout = self.timeout(step.scope)?;
        check_timeout(timeout).map_err(ActionError::fail)?;
        let request = SqlRequest {
            place: place(&pod),
            statement: self.statement.resolve(step.scope)?.0,
            database: self.database.as_ref().map(|database| database.resolve(step.scope)).transpose()?,
            limit: limit.0 as usize,
            timeout: timeout.0,
        };
        let rows = world.databases.rows(&request).await?;
        Ok(output(&request, rows))
    }
}

/// Which database runs there.
pub(super) fn place(pod: &Object) -> Place {
    // CloudNativePG's, where Patroni's are not.
    let cluster = scope_label(pod).map(|(_, scope)| scope).or_else(|| pod.label("cnpg.io/cluster"));
    // Else by the StatefulSet, whose pods count on: db-0.
    let set = || pod.name().rsplit_once('-').filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit())).map(|(set, _)| set);
    Place {
        namespace: pod.namespace().to_owned(),
        cluster: cluster.or_else(set).unwrap_or(pod.name()).to_owned(),
        pod: pod.name().to_owned(),
        address: pod.text("/status/podIP").parse().ok(),
    }
}

fn output(request: &SqlRequest, found: Rows) -> Output {
    let Rows { rows, more } = found;
    let rows: Vec<Value> = rows.into_iter().map(masked).collect();
    let count = rows.len();
    let number = match count {
        0 => "no row".to_owned(),
        1 => "1 row".to_owned(),
        count => format!("{count} rows"),
    };
    let rest = if more { ", and there are more" } else { "" };
    let summary = format!("{} of {}: {number}{rest}", request.statement, request.place);
    Output::new(&Answer { rows, count, truncated: more }, summary)
}

fn masked(row: Map<String, Value>) -> Value {
    let mut row = Value::Object(row);
    redact_value(&mut row);
    if let Some(fields) = row.as_object_mut() {
        for value in fields.values_mut() {
            if let Value::String(text) = value {
                *text = masked_text(&text.chars().take(LONGEST_TEXT).collect::<String>());
            }
        }
    }
    row
}

impl From<SqlError> for ActionError {
    fn from(error: SqlError) -> Self {
        let class = if error.passes() { FailureClass::Retry } else { FailureClass::Fail };
        Self { class, message: masked_text(&error.to_string()) }
    }
}
