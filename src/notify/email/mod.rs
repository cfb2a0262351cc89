//! E-mail, over SMTP (<https://www.rfc-editor.org/rfc/rfc5321>).
//!
//! | of a page | mail | thread |
//! | --- | --- | --- |
//! | trigger | the page; `X-Priority: 1` for S1 | the first |
//! | update | the page as it is now, `Re:` | under the first |
//! | acknowledge, resolve | what came of it, then the page, `Re:` | under the first |
//!
//! Each recipient has a mail of their own: it may hold a link that acknowledges in their name.

mod letter;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lettre::Address;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::http::shown;
use super::{BuildError, Contact, Parcel, Sink, SinkError};
use crate::model::{PageEvent, Secret};
use crate::proxy::is_loopback;
use letter::{Thread, letter};
pub use settings::EmailSettings;

/// Sends by one mail server.
pub struct EmailSink {
    options: EmailOptions,
    tls: Option<TlsParameters>,
    /// By parcel and event: who has it, while others do not have it yet.
    taken: Mutex<BTreeMap<String, Taken>>,
}

/// Who has it so far.
#[derive(Debug, Clone, Default)]
struct Taken {
    by: BTreeSet<Address>,
    attempts: u32,
}

/// So many parcels are remembered that are under way; more are written again to all.
const UNDER_WAY: usize = 500;

/// So often those are tried whose mail is not taken for now while others have theirs: about a
/// minute. Then it has come, and whoever does not answer is followed by the next.
const MOST: u32 = 6;

/// By what, from whom and to whom mails go.
#[derive(Debug, Clone)]
pub struct EmailOptions {
    pub server: String,
    pub port: u16,
    pub tls: EmailTls,
    /// Certificates that vouch for the server besides those of the system.
    pub ca: Vec<Certificate>,
    pub login: Option<(String, Secret)>,
    pub from: Mailbox,
    /// Who gets what is for nobody else.
    pub to: Vec<Address>,
    /// For all that is sent of one page.
    pub timeout: Duration,
}

/// How the connection is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EmailTls {
    /// From its beginning (<https://www.rfc-editor.org/rfc/rfc8314>).
    Required,
    /// By a command, without which nothing is sent.
    Starttls,
    /// Not at all: only to this machine.
    None,
}

impl EmailTls {
    /// The usual port.
    pub fn port(self) -> u16 {
        match self {
            EmailTls::Required => 465,
            EmailTls::Starttls => 587,
            EmailTls::None => 25,
        }
    }
}

impl EmailSink {
    /// # Errors
    /// When there is no way to check the server's certificate.
    pub fn new(options: EmailOptions) -> Result<Self, BuildError> {
        if options.tls == EmailTls::None && !is_loopback(&options.server) {
            let error = format!("mails to {} would go without TLS, where others can read them", options.server);
            return Err(BuildError::Other(error));
        }
        crate::tls::install_provider();
        let parameters = || {
            let builder = TlsParameters::builder(options.server.clone());
            let builder = options.ca.iter().cloned().fold(builder, |builder, ca| builder.add_root_certificate(ca));
            builder.build_rustls()
        };
        let tls = match options.tls {
            EmailTls::None => None,
            EmailTls::Required | EmailTls::Starttls => {
                Some(parameters().map_err(|error| BuildError::Other(format!("there is no TLS for mails: {error}")))?)
            }
        };
        Ok(Self { options, tls, taken: Mutex::default() })
    }

    /// Who is called and has an address; else the team's; else those who get everything.
    fn recipients<'p>(&self, parcel: &'p Parcel) -> Result<Vec<(Address, Option<&'p Contact>)>, SinkError> {
        let called = parcel.mention.iter().filter_map(|contact| Some((address(contact.address.as_deref()?)?, contact)));
        let mut by_address: BTreeMap<Address, Option<&'p Contact>> = BTreeMap::new();
        let of_team = parcel.channel.as_deref().and_then(address);
        for (address, contact) in called {
            // What several read holds nobody's link.
            let is_shared = self.options.to.contains(&address) || of_team.as_ref() == Some(&address);
            let own = Some(contact).filter(|_| !is_shared);
            by_address.entry(address).and_modify(|owner| *owner = None).or_insert(own);
        }
        let called: Vec<_> = by_address.into_iter().collect();
        if !called.is_empty() {
            return Ok(called);
        }
        if let Some(team) = parcel.channel.as_deref().and_then(address) {
            return Ok(vec![(team, None)]);
        }
        if self.options.to.is_empty() {
            return Err(SinkError::fail(format!(
                "there is nobody to write to: nobody who is called has an `email` in oncall.yaml, and team {} has none \
                 in its `channels`; write one, or `pages.email.to`",
                parcel.team
            )));
        }
        Ok(self.options.to.iter().map(|address| (address.clone(), None)).collect())
    }

    /// Who gets it where nobody who is called takes mail.
    fn others(&self, parcel: &Parcel, posted: &Posted) -> Vec<(Address, Option<&'static Contact>)> {
        let team = parcel.channel.as_deref().and_then(address).map(|team| vec![team]);
        let others = team.unwrap_or_else(|| self.options.to.clone());
        let is_new = |other: &Address| posted.refused.iter().all(|(refused, _)| refused != other);
        others.into_iter().filter(is_new).map(|other| (other, None)).collect()
    }

    /// Writes to those who do not have it yet.
    async fn bring(
        &self,
        parcel: &Parcel,
        thread: &Thread,
        key: &str,
        recipients: Vec<(Address, Option<&Contact>)>,
    ) -> Result<Posted, SinkError> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned().unwrap_or_default();
        let mut letters = Vec::new();
        let mut posted = Posted::default();
        for (address, contact) in recipients {
            if taken.by.contains(&address) {
                posted.accepted += 1;
                continue;
            }
            let text = letter(parcel, thread, &self.options.from, &address, contact);
            let text = text.map_err(|error| SinkError::fail(format!("there is no mail of it: {error}")))?;
            letters.push((address, text));
        }
        let posting = self.post(key, letters, &mut posted);
        posted.in_time = tokio::time::timeout(self.options.timeout, posting).await.is_ok();
        for (address, error) in &posted.refused {
            tracing::warn!(%address, %error, "a mail was not taken");
        }
        Ok(posted)
    }

    /// It is remembered at once: the attempt may be cut off, and a mail that was taken is not sent
    /// again with each attempt for the others.
    fn remember(&self, key: &str, address: &Address) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() >= UNDER_WAY && !taken.contains_key(key) {
            taken.pop_first();
        }
        taken.entry(key.to_owned()).or_default().by.insert(address.clone());
    }

    /// One more attempt in which some have it and others do not; whether it was the last.
    fn was_last(&self, key: &str) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(taken) = taken.get_mut(key) else { return true };
        taken.attempts += 1;
        taken.attempts >= MOST
    }

    fn forget(&self, key: &str) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SinkError> {
        let EmailOptions { server, port, tls, login, from, timeout, .. } = &self.options;
        let hello = ClientId::Domain(from.email.domain().to_owned());
        let at_once = self.tls.clone().filter(|_| *tls == EmailTls::Required);
        let connecting =
            AsyncSmtpConnection::connect_tokio1((server.as_str(), *port), Some(*timeout), &hello, at_once, None);
        let mut connection = connecting.await.map_err(|error| self.trouble(&error, TLS))?;
        if let (EmailTls::Starttls, Some(parameters)) = (tls, self.tls.clone()) {
            connection.starttls(parameters, &hello).await.map_err(|error| self.trouble(&error, TLS))?;
        }
        if let Some((username, password)) = login {
            let credentials = Credentials::new(username.clone(), password.expose().to_owned());
            let authenticated = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
            authenticated.map_err(|error| self.trouble(&error, LOGIN))?;
        }
        Ok(connection)
    }

    /// Sends to each, and goes on where one is refused.
    async fn post(&self, key: &str, letters: Vec<(Address, Vec<u8>)>, posted: &mut Posted) {
        let mut connection = None;
        for (address, text) in letters {
            let mut open = match connection.take() {
                Some(open) => open,
                None => match self.connect().await {
                    Ok(open) => open,
                    Err(error) => return posted.refused.push((address, error)),
                },
            };
            let from = Some(self.options.from.email.clone());
            let look_at = format!("the address {address}, and at `pages.email.from`");
            let sent = match Envelope::new(from, vec![address.clone()]) {
                Ok(envelope) => open.send(&envelope, &text).await.map_err(|error| self.trouble(&error, &look_at)),
                Err(error) => Err(SinkError::fail(error.to_string())),
            };
            match sent {
                Ok(_) => {
                    posted.accepted += 1;
                    self.remember(key, &address);
                    connection = Some(open);
                }
                // After a refusal the connection is closed.
                Err(error) => posted.refused.push((address, error)),
            }
        }
        if let Some(mut open) = connection {
            // What was taken is taken, whatever it says to that.
            let _ = open.quit().await;
        }
    }

    /// `look_at`: where it does not pass by itself.
    fn trouble(&self, error: &SmtpError, look_at: &str) -> SinkError {
        let EmailOptions { server, port, .. } = &self.options;
        let message = format!("mail server {server}:{port}: {}", shown(error.to_string().as_bytes()));
        if error.is_timeout() {
            SinkError::no_answer(message)
        } else if error.is_permanent() || error.is_client() || error.is_tls() {
            SinkError::fail(format!("{message}; look at {look_at}"))
        } else {
            SinkError::retry(message)
        }
    }
}

/// What to look at where there is no encrypted connection.
const TLS: &str = "`pages.email.tls` and `ca`, and at the name of the `server`";

/// And where nobody can log in.
const LOGIN: &str = "`pages.email.username` and `password`";

/// What `oncall.yaml` takes for an address may still be none to a mail server.
fn address(text: &str) -> Option<Address> {
    let parsed = text.parse();
    parsed
        .inspect_err(|error| tracing::warn!(address = text, %error, "no mail can go to this address of oncall.yaml"))
        .ok()
}

/// What became of the mails of a page.
#[derive(Debug, Default)]
struct Posted {
    accepted: usize,
    refused: Vec<(Address, SinkError)>,
    in_time: bool,
}

#[async_trait]
impl Sink for EmailSink {
    fn name(&self) -> &str {
        "email"
    }

    fn hears_ends(&self) -> bool {
        true
    }

    /// Mail servers count connections.
    fn at_once(&self) -> usize {
        2
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        if parcel.previous.is_none() && parcel.event == Some(PageEvent::Acknowledge) {
            // Nobody heard whether the page came, and who has it need not be told so.
            return Ok(None);
        }
        let thread = Thread::of(parcel, self.options.from.email.domain());
        let key = format!("{} {:?}", parcel.key, parcel.event);
        let mut posted = self.bring(parcel, &thread, &key, self.recipients(parcel)?).await?;
        if posted.accepted == 0 && posted.in_time && posted.refused.iter().all(|(_, error)| error.is_refusal()) {
            // Better to others than to nobody: whoever is called cannot be written to.
            let others = self.others(parcel, &posted);
            if !others.is_empty() {
                tracing::error!(
                    page = parcel.key,
                    "nobody who is called takes mail; it goes to those of the team, or to `pages.email.to`"
                );
                let refused = std::mem::take(&mut posted.refused);
                posted = self.bring(parcel, &thread, &key, others).await?;
                posted.refused.extend(refused.into_iter().filter(|_| posted.accepted == 0));
            }
        }
        let later = posted.refused.iter().find(|(_, error)| !error.is_refusal()).map(|(_, error)| error.clone());
        let is_whole = posted.in_time && later.is_none();
        if posted.accepted > 0 && (is_whole || self.was_last(&key)) {
            if !is_whole {
                tracing::error!(
                    page = parcel.key,
                    "some of those who are called have no mail of it, and are not tried any more"
                );
            }
            self.forget(&key);
            return Ok(Some(thread.told()));
        }
        if !posted.in_time {
            let EmailOptions { server, port, timeout, .. } = &self.options;
            let seconds = timeout.as_secs_f64();
            return Err(SinkError::no_answer(format!("mail server {server}:{port}: no answer within {seconds} s")));
        }
        // Whoever has it is not written to again.
        if let Some(later) = later {
            return Err(later);
        }
        let first = posted.refused.into_iter().next().map(|(_, error)| error);
        Err(first.unwrap_or_else(|| SinkError::retry("no mail was sent")))
    }
}
