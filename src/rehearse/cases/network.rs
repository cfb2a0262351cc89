//! What the network looks like in a case.

use std::net::{Ipv4Addr, SocketAddr};

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;

use crate::network::{self, Answer, Certificate, DNS_PORT};

/// What is answered to `dns.lookup`, `tcp.connect` and `tls.inspect` where what is asked contains a
/// text.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkAnswers {
    /// A part of what is asked, as summaries write it: `dns A db.shop.svc @10.96.0.10:53`,
    /// `tcp db.shop.svc:5432`, `tls shop.example.com:443`.
    pub asked: String,
    /// One answer for each time it is asked; the last one stays.
    pub answers: Vec<NetworkReply>,
}

/// One answer, or none: a `code`, `open`, a `certificate`, or `fails`.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkReply {
    /// Of a name server: `NOERROR`, `NXDOMAIN`, `SERVFAIL`, ...
    pub code: Option<String>,
    /// What the records say.
    #[serde(default)]
    pub records: Vec<String>,
    /// How long they may be kept, in seconds.
    pub ttl: Option<u32>,
    /// The port takes connections: `true`. For one that does not, write `fails`.
    #[serde(default)]
    pub open: bool,
    /// What a service shows.
    pub certificate: Option<ShownCertificate>,
    /// There is no answer, and why.
    pub fails: Option<NetworkFault>,
}

/// What a service shows.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShownCertificate {
    /// For how many days from the begin of the case on it is valid; less than 0: it has expired.
    #[schemars(range(min = -36500.0, max = 36500.0))]
    pub days_left: f64,
    /// For which names it is.
    #[serde(default)]
    pub names: Vec<String>,
    #[serde(default)]
    pub subject: String,
    #[serde(default)]
    pub issuer: String,
    /// Why a client would not trust it. Left out: it would.
    pub why: Option<String>,
}

/// How it comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkFault {
    /// Its time is over.
    NoAnswer,
    /// Nobody listens there.
    Refused,
}

/// So long are certificates in cases valid before they end.
const VALIDITY: Duration = Duration::days(90);

/// Where everything is in a case.
const SOMEWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 96, 0, 10)), DNS_PORT);

/// What is answered, as the real network would. `begin`: of the case.
pub(super) fn reply(reply: &NetworkReply, begin: DateTime<Utc>) -> network::Scripted {
    let NetworkReply { code, records, ttl, open: _, certificate, fails } = reply.clone();
    match (fails, code, certificate) {
        (Some(NetworkFault::NoAnswer), ..) => network::Scripted::Away("nothing came in time".into()),
        (Some(NetworkFault::Refused), ..) => network::Scripted::Closed,
        (None, Some(code), _) => network::Scripted::Dns(Answer {
            server: SOMEWHERE,
            ttl: ttl.or((!records.is_empty()).then_some(30)),
            code,
            records,
        }),
        (None, None, Some(shown)) => network::Scripted::Shows(Box::new(certificate_of(shown, begin))),
        (None, None, None) => network::Scripted::Open(SOMEWHERE),
    }
}

fn certificate_of(shown: ShownCertificate, begin: DateTime<Utc>) -> Certificate {
    let ShownCertificate { days_left, names, subject, issuer, why } = shown;
    // Whole seconds, as in real ones; `check` has bounded them.
    let not_after = begin + Duration::seconds((days_left * 86_400.0) as i64);
    Certificate {
        subject,
        issuer,
        names,
        not_before: not_after - VALIDITY,
        not_after,
        chain: 2,
        distrust: why,
        version: "TLSv1.3".into(),
    }
}
