//! Pages in chats and on phones: what Slack, Mattermost, Teams and ntfy show, and what they refuse.

mod mattermost;
mod ntfy;
mod slack;
mod teams;

use std::sync::Arc;
use std::time::Duration;

use dogwatch::message::{Link, PageText};
use dogwatch::model::Secret;
use dogwatch::notify::{Contact, Parcel, Sink, SinkError};

use crate::bot::Bot;
use crate::world::parcels;

/// Of the platform's two members one has addresses; the databases' team has channels of its own.
const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members:
  - { name: alice, slack: U0ALICE00, mattermost: alice, teams: alice@example.org, ntfy: alice-phone }
  - { name: bob }
  - { name: carol, slack: U0CAROL00, mattermost: carol, teams: carol@example.org, ntfy: carol-phone }
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
  - name: databases
    channels: { slack: C0DATABASES, mattermost: databases, ntfy: databases-pages }
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [carol] }
";

/// How long a receiver may take.
const SOON: Duration = Duration::from_secs(5);

/// A bot whose pages go there, each the next one's fallback.
async fn begins(sinks: Vec<Arc<dyn Sink>>) -> Bot {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.page_sinks = sinks;
    bot.is_on_call_by(ONCALL).await;
    bot
}

/// A page as the outbox hands it over.
fn paged() -> Parcel {
    let page = PageText {
        title: "[S1] INC-7 the shop is down".into(),
        reason: "S1 pages at once".into(),
        fires: vec!["- ShopDown, since 2026-03-02 01:55:00 UTC".into()],
        next: vec!["kubectl -n shop get pods".into()],
        links: vec![Link { name: "runbook", url: "https://wiki.example.org/shop?a=1&b=2".into() }],
        ack: "/ack INC-7".into(),
        ..PageText::default()
    };
    let title = page.title.clone();
    let mut parcel =
        Parcel { title, body: String::new(), mention: vec![contact("alice", None)], ..parcels::page(page) };
    parcel.incident.title = "the shop is down".into();
    parcel
}

fn contact(name: &str, address: Option<&str>) -> Contact {
    Contact { name: name.into(), address: address.map(str::to_owned), ack_url: None }
}

/// What others may write to be taken for markup, everywhere in a page.
fn hostile() -> Parcel {
    const TEXT: &str =
        "<!channel> @all @here <@U0EVE0000> **b** *b* _i_ ~s~ `c` ```` <at>Eve</at> [x](https://evil.test) &amp; \\";
    let mut parcel = paged();
    parcel.title = TEXT.into();
    parcel.team = TEXT.into();
    let page = parcel.page.as_mut().unwrap();
    page.first = Some(TEXT.into());
    page.reason = TEXT.into();
    page.fires = vec![TEXT.into(), "```".into(), "<!here>".into()];
    page.links = vec![
        Link { name: "runbook", url: "https://wiki.test/a|b>c".into() },
        Link { name: "query", url: "javascript:alert(1)".into() },
    ];
    parcel.mention = vec![contact(TEXT, Some("<!channel>")), contact("ada", Some("all"))];
    parcel
}

/// As much as a page may hold.
fn long(sign: &str) -> Parcel {
    let mut parcel = paged();
    parcel.title = format!("[S1] INC-7 {}", sign.repeat(230 / sign.len()));
    let line = sign.repeat(480 / sign.len());
    let page = parcel.page.as_mut().unwrap();
    page.reason = sign.repeat(990 / sign.len());
    page.fires = vec![line.clone(); 40];
    page.found = vec![line.clone(); 40];
    page.playbook = vec![line; 40];
    page.links = vec![Link { name: "query", url: format!("https://prometheus.test/{}", "q".repeat(1_200)) }; 8];
    parcel.mention = (0..200).map(|n| contact(&format!("person-{n}"), None)).collect();
    parcel
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

/// What a sink says that does not bring it.
async fn refusal(sink: &dyn Sink, parcel: &Parcel) -> SinkError {
    sink.send(parcel).await.expect_err("it is refused")
}

fn is_silent(error: &SinkError) -> bool {
    matches!(error, SinkError::NoAnswer { .. })
}
