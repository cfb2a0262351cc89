//! `dns.lookup`: what one name server answers.

use async_trait::async_trait;

use crate::action::masked::masked_text;
use crate::action::net::{check_literal_timeout, literal_host, timeout};
use crate::action::typed::{Arguments as _, Typed, arguments, output};
use crate::action::{AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, StepContext, World};
use crate::language::{Arg, Location};
use crate::model::{Autonomy, HumanDuration};
use crate::network::{Answer, DNS_PORT, Endpoint, NetworkError, Question, RecordKind};

arguments! {
    pub(in crate::action) struct DnsLookup {
        /// The whole name, such as `kubernetes.default.svc.cluster.local`: no search domain is
        /// added
        name: Arg<String>,
        /// What sort of record: `A`, `AAAA`, `CNAME`, `MX`, `NS`, `PTR`, `SOA`, `SRV` or `TXT`
        r#type: Option<Arg<RecordKind>> = "A",
        /// Who is asked, by address or name, with a port where it is not 53: one that
        /// `network.hosts` covers. Left out: the first name server of the bot's own
        /// `/etc/resolv.conf`
        server: Option<Arg<String>>,
        /// How long an answer may take; `1s` to `25s`
        timeout: Option<Arg<HumanDuration>> = "5s",
    }
}

output! {
    #[derive(Default)]
    struct Lookup {
        /// Whether an answer came in time
        answered: bool,
        /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`, ...; left out where none came
        code: Option<String>,
        /// What the records of that type say, sorted: addresses, names. An alias (CNAME) on the way
        /// is not among them
        records: Vec<String>,
        /// The shortest time that one of them may be kept, in seconds
        ttl: Option<u32>,
        /// The address that was asked; left out where none answered
        server: Option<String>,
        /// How long the answer took
        seconds: f64,
        /// Why no answer came
        why: Option<String>,
    }
}

impl Typed for RecordKind {
    const WORDS: &'static str = "type of record";
}

impl Typed for u32 {
    const WORDS: &'static str = "integer";
}

/// The longest record that is kept, in characters, and how many are.
const LONGEST_RECORD: usize = 500;
const MOST_RECORDS: usize = 100;

impl Declared for DnsLookup {
    const DECLARATION: Declaration = Declaration {
        name: "dns.lookup",
        summary: "Asks one name server about a name",
        effect: Effect::Reads,
        about: "One question over UDP, from where the bot runs, and over TCP where the answer does not fit; it is not asked again, so \
            that a lost answer shows. That none came in time, or a code such as `SERVFAIL`, is an answer of this step, and no error: \
            look at `answered` and `code`. The server is the one of the bot's own `/etc/resolv.conf`, or one that `network.hosts` of \
            dogwatch.yaml covers: by default Services (`*.svc`, `*.svc.cluster.local`); to ask single pods, name their network there. \
            Loopback, link-local and metadata addresses are asked only where `/etc/resolv.conf` names them. 100 records are kept, \
            of 500 characters each.",
        errors: "A server that `network.hosts` does not cover, that is never asked, or whose name leads nowhere; a name that is none; \
            what is no answer of a name server.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Lookup::FIELDS,
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: own_name
  dns.lookup: { name: kubernetes.default.svc.cluster.local, server: kube-dns.kube-system.svc }
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn host(&self) -> Option<(String, Location)> {
        self.server.as_ref().and_then(literal_host)
    }

    fn check(&self) -> Result<(), String> {
        if let Some(name) = self.name.literal() {
            check_name(name)?;
        }
        if let Some(server) = self.server.as_ref().and_then(Arg::literal) {
            Endpoint::parse(server, DNS_PORT)?;
        }
        check_literal_timeout(self.timeout.as_ref())
    }
}

/// The name that is asked for.
fn check_name(name: &str) -> Result<String, String> {
    Endpoint::new(name, DNS_PORT).map(|endpoint| endpoint.host)
}

#[async_trait]
impl Read for DnsLookup {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let server = match &self.server {
            Some(server) => Some(Endpoint::parse(&server.resolve(step.scope)?, DNS_PORT).map_err(ActionError::fail)?),
            None => None,
        };
        let question = Question {
            name: check_name(&self.name.resolve(step.scope)?).map_err(ActionError::fail)?,
            kind: self.r#type(step.scope)?,
            server,
            timeout: timeout(self.timeout(step.scope)?)?.0,
        };
        let asked_at = world.clock.now();
        let answer = world.network.look_up(&question).await;
        let seconds = (world.clock.now() - asked_at).as_seconds_f64();
        match answer {
            Ok(answer) => Ok(output(&question, answer, seconds)),
            Err(error @ (NetworkError::Away { .. } | NetworkError::Closed { .. })) => {
                let why = masked_text(&error.to_string());
                let summary = format!("{question}: {why}");
                Ok(Output::new(&Lookup { seconds, why: Some(why), ..Lookup::default() }, summary))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn output(question: &Question, answer: Answer, seconds: f64) -> Output {
    let Answer { server, code, records, ttl } = answer;
    let all = records.len();
    let cut = |record: String| masked_text(&record.chars().take(LONGEST_RECORD).collect::<String>());
    let records: Vec<String> = records.into_iter().take(MOST_RECORDS).map(cut).collect();
    let found = match (&records[..], all) {
        ([], _) if code == "NOERROR" => format!(", no {}", question.kind),
        ([], _) => String::new(),
        ([first], _) => format!(", {first}"),
        ([first, ..], all) => format!(", {first} and {} more", all - 1),
    };
    let summary = format!("{question}: {code}{found}");
    let server = Some(server.to_string());
    Output::new(&Lookup { answered: true, code: Some(code), records, ttl, server, seconds, why: None }, summary)
}
