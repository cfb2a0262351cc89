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
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
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
        Ok(Self { options, tls })
    }

    /// Who is called and has an address; else the team's; else those who get everything.
    fn recipients<'p>(&self, parcel: &'p Parcel) -> Result<Vec<(Address, Option<&'p Contact>)>, SinkError> {
        let of = |contact: &'p Contact| Some((address(contact.address.as_deref()?)?, Some(contact)));
        let called: Vec<_> = parcel.mention.iter().filter_map(of).collect();
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
    async fn post(&self, letters: Vec<(Address, Vec<u8>)>, posted: &mut Posted) {
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
        let mut letters = Vec::new();
        for (address, contact) in self.recipients(parcel)? {
            let text = letter(parcel, &thread, &self.options.from, &address, contact);
            let text = text.map_err(|error| SinkError::fail(format!("there is no mail of it: {error}")))?;
            letters.push((address, text));
        }
        let mut posted = Posted::default();
        let in_time = tokio::time::timeout(self.options.timeout, self.post(letters, &mut posted)).await.is_ok();
        for (address, error) in &posted.refused {
            tracing::warn!(%address, %error, "a mail was not taken");
        }
        if posted.accepted > 0 {
            return Ok(Some(thread.told()));
        }
        if !in_time {
            let EmailOptions { server, port, timeout, .. } = &self.options;
            let seconds = timeout.as_secs_f64();
            return Err(SinkError::no_answer(format!("mail server {server}:{port}: no answer within {seconds} s")));
        }
        // Where one may be taken later, it is worth trying.
        let mut errors = posted.refused.into_iter().map(|(_, error)| error);
        let first = errors.next().unwrap_or_else(|| SinkError::retry("no mail was sent"));
        Err(if first.is_refusal() { errors.find(|error| !error.is_refusal()).unwrap_or(first) } else { first })
    }
}
