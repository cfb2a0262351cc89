//! `tls.inspect`: which certificate a service shows.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};

use crate::action::net::{Port, check_host, check_literal_timeout, endpoint, literal_host, timeout};
use crate::action::typed::{Arguments as _, Typed, arguments, output};
use crate::action::{AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, StepContext, World};
use crate::language::{Arg, Location};
use crate::model::{Autonomy, HumanDuration};
use crate::network::{Certificate, Endpoint, StartTls, TlsRequest};

arguments! {
    pub(in crate::action) struct TlsInspect {
        /// A name or an address that `network.hosts` covers
        host: Arg<String>,
        /// `1` to `65535`
        port: Option<Arg<Port>> = "443",
        /// The name that is asked for and that the certificate must be for. Left out: `host`
        server_name: Option<Arg<String>>,
        /// How TLS begins: at once (`none`), or as PostgreSQL's does (`postgres`)
        starttls: Option<Arg<StartTls>> = "none",
        /// From the look-up of the name to the end of the handshake; `1s` to `25s`
        timeout: Option<Arg<HumanDuration>> = "10s",
    }
}

output! {
    struct Shown {
        /// Until when it is valid
        not_after: String,
        /// How many days that is from now; less than 0: it has expired
        days_left: f64,
        /// From when on it is valid
        not_before: String,
        /// For which names and addresses it is
        names: Vec<String>,
        /// Whom it is about, as X.500 writes it
        subject: String,
        /// Who has signed it
        issuer: String,
        /// How many certificates are shown, its own included
        chain: usize,
        /// Whether a client would trust it that knows this machine's authorities and those of
        /// `network.ca_file`
        trusted: bool,
        /// Why it would not
        why: Option<String>,
        /// `TLSv1.2` or `TLSv1.3`; empty where the service breaks off behind its certificate
        version: String,
    }
}

impl Typed for StartTls {
    const WORDS: &'static str = "`none` or `postgres`";
}

/// The longest name of a certificate that is kept, in characters.
const LONGEST_NAME: usize = 300;

const SECONDS_OF_A_DAY: f64 = 86_400.0;

impl Declared for TlsInspect {
    const DECLARATION: Declaration = Declaration {
        name: "tls.inspect",
        summary: "Reads the certificate that a service shows",
        effect: Effect::Reads,
        about: "A handshake from where the bot runs, and nothing behind it: what a client meets, whatever a Secret or a Certificate \
            object says. A certificate that has expired, is for another name or of an unknown authority is an answer of this step, \
            and no error: look at `days_left`, `trusted` and `why`. Only hosts are asked that `network.hosts` of dogwatch.yaml \
            covers: by default Services (`*.svc`, `*.svc.cluster.local`). Loopback, link-local and metadata addresses never are.",
        errors: "A host that `network.hosts` does not cover, that is never asked, or whose name leads nowhere; one that does not \
            answer in time, or does not speak TLS 1.2 or 1.3.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Shown::FIELDS,
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: shown
  tls.inspect: { host: db.shop.svc, port: 5432, starttls: postgres }
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn host(&self) -> Option<(String, Location)> {
        literal_host(&self.host)
    }

    fn check(&self) -> Result<(), String> {
        check_host(&self.host)?;
        if let Some(name) = &self.server_name {
            check_host(name)?;
        }
        check_literal_timeout(self.timeout.as_ref())
    }
}

#[async_trait]
impl Read for TlsInspect {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let endpoint = endpoint(&self.host, self.port(step.scope)?.0, step.scope)?;
        let server_name = match &self.server_name {
            Some(name) => Endpoint::new(&name.resolve(step.scope)?, endpoint.port).map_err(ActionError::fail)?.host,
            None => endpoint.host.clone(),
        };
        let timeout = timeout(self.timeout(step.scope)?)?.0;
        let request = TlsRequest { endpoint, server_name, start: self.starttls(step.scope)?, timeout };
        let certificate = world.network.certificate(&request).await?;
        Ok(output(&request, certificate, world.clock.now()))
    }
}

fn output(request: &TlsRequest, certificate: Certificate, now: DateTime<Utc>) -> Output {
    let Certificate { subject, issuer, names, not_before, not_after, chain, distrust, version } = certificate;
    let days_left = (not_after - now).as_seconds_f64() / SECONDS_OF_A_DAY;
    let cut = |name: String| name.chars().take(LONGEST_NAME).collect::<String>();
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let until = if days_left < 0.0 { "ended at" } else { "is valid until" };
    let mut summary = format!("the certificate of {} {until} {}", request.endpoint, time(not_after));
    if let Some(why) = &distrust {
        summary.push_str(&format!("; a client would not trust it: {why}"));
    }
    let shown = Shown {
        not_after: time(not_after),
        days_left,
        not_before: time(not_before),
        names: names.into_iter().map(cut).collect(),
        subject: cut(subject),
        issuer: cut(issuer),
        chain,
        trusted: distrust.is_none(),
        why: distrust,
        version,
    };
    Output::new(&shown, summary)
}
