//! Pages by e-mail: to whom, as one thread, and what comes of refusals.

use std::sync::Arc;
use std::time::Duration;

use dogwatch::message::PageText;
use dogwatch::model::PageEvent;
use dogwatch::notify::{Contact, EmailOptions, EmailSink, EmailTls, Parcel, Sink as _, SinkError};
use dogwatch::oncall::{OnCall, Roster};
use dogwatch::store::{IncidentStore as _, Sinks};

use crate::bot::{Bot, minutes};
use crate::budget::fires;
use crate::world::mail::{Mail, MailStandIn};
use crate::world::parcels::page;

/// Ada has an address, and bob's team has one.
const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada, email: ada@example.org }, { name: bob }, { name: eve }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
  - name: databases
    channels: { email: databases@example.org }
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob] }
  - name: network
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [eve] }
";

fn options(server: &MailStandIn) -> EmailOptions {
    EmailOptions {
        server: "127.0.0.1".into(),
        port: server.port,
        tls: EmailTls::None,
        ca: Vec::new(),
        login: None,
        from: "Dogwatch <dogwatch@example.org>".parse().unwrap(),
        to: vec!["on-call@example.org".parse().unwrap()],
        timeout: Duration::from_secs(5),
    }
}

fn sink(server: &MailStandIn) -> EmailSink {
    EmailSink::new(options(server)).unwrap()
}

async fn begins() -> (Bot, MailStandIn) {
    let mut bot = Bot::begins(&[], vec![]).await;
    let server = MailStandIn::start().await;
    bot.rules.oncall = Roster::new(OnCall::parse("oncall.yaml", ONCALL).unwrap());
    bot.rules.teams = ["platform", "databases", "network"].map(str::to_owned).into();
    let hear_ends = ["email".to_owned()].into();
    bot.sinks = Sinks { hear_ends, ..crate::world::story::sinks(&[], &["email"]) };
    bot.trackers = vec![Arc::new(sink(&server))];
    bot.is_restarted().await;
    (bot, server)
}

fn header(mail: &Mail, name: &str) -> String {
    mail.header(name).unwrap_or_else(|| panic!("there is no {name} in {}", mail.raw))
}

async fn trouble(bot: &Bot) -> String {
    let pages = bot.store().unanswered_pages().await.unwrap();
    let trouble = pages.iter().flat_map(|page| &page.deliveries).find_map(|delivery| delivery.error.clone());
    trouble.expect("it has not come")
}

#[tokio::test]
async fn a_page_its_owner_and_its_end_are_one_thread() {
    let (mut bot, server) = begins().await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(1)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(1)).await;
    bot.types("anna", "/resolve INC-1 a cable").await;
    bot.passes(minutes(1)).await;
    let mails = server.mails();
    let [first, acknowledged, over] = &mails[..] else { panic!("{mails:#?}") };
    for mail in &mails {
        assert_eq!(
            (mail.from.as_str(), mail.to.as_slice()),
            ("dogwatch@example.org", ["ada@example.org".to_owned()].as_slice())
        );
        assert_eq!(header(mail, "To"), "ada@example.org");
        assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
        assert_eq!(header(mail, "Content-Type"), "text/plain; charset=utf-8");
        assert!(mail.text().contains("why a person is needed:"), "{}", mail.text());
    }
    let title = header(first, "Subject");
    assert!(title.starts_with("[S1] INC-1 "), "{title}");
    assert_eq!(header(first, "Date"), "Mon, 02 Mar 2026 02:00:00 +0000");
    assert_eq!(first.header("X-Priority").as_deref(), Some("1"));
    let id = header(first, "Message-ID");
    assert!(id.starts_with("<dogwatch-") && id.ends_with("@example.org>"), "{id}");
    for mail in [acknowledged, over] {
        assert_eq!(header(mail, "In-Reply-To"), id);
        assert!(header(mail, "References").ends_with(&id));
        assert_eq!(mail.header("X-Priority"), None, "nobody is woken by it");
        assert_ne!(header(mail, "Message-ID"), id);
    }
    assert_eq!(header(acknowledged, "Subject"), format!("Re: {title}"));
    assert_eq!(header(over, "Subject"), format!("Re: {}", title.replace("INC-1 ", "INC-1 (over) ")));
    assert!(acknowledged.text().starts_with("anna has acknowledged it\n"), "{}", acknowledged.text());
    assert!(over.text().starts_with("resolved by anna: a cable\n"), "{}", over.text());
    assert_ne!(header(acknowledged, "Message-ID"), header(over, "Message-ID"));
}

#[tokio::test]
async fn who_has_no_address_is_reached_by_the_team_and_else_by_who_gets_everything() {
    let (mut bot, server) = begins().await;
    for (team, name) in [("databases", "db"), ("network", "router")] {
        bot.fires(name, &[("severity", "critical"), ("team", team)]).await;
        bot.passes(minutes(1)).await;
    }
    let to: Vec<String> = server.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(to, ["databases@example.org", "on-call@example.org"]);
    let nobody = EmailSink::new(EmailOptions { to: Vec::new(), ..options(&server) }).unwrap();
    let error = nobody.send(&page(PageText::default())).await.unwrap_err();
    assert!(error.is_refusal() && error.to_string().contains("there is nobody to write to"), "{error}");
}

#[tokio::test]
async fn what_is_refused_for_now_comes_again_and_what_is_refused_says_why() {
    let (mut bot, server) = begins().await;
    server.answers("RCPT", "451 4.7.1 greylisted, come again");
    // To who is called, and then to those of `to`.
    server.answers(".", "550 5.7.1 looks like spam");
    server.answers(".", "550 5.7.1 looks like spam");
    server.answers("CONNECT", "421 too busy");
    fires(&mut bot, "ApiDown", "api", "critical").await;
    let told = trouble(&bot).await;
    assert!(told.contains("transient error (421): too busy"), "{told}");
    bot.passes(Duration::from_millis(1_600)).await;
    let told = trouble(&bot).await;
    assert!(told.contains("transient error (451): 4.7.1 greylisted, come again"), "{told}");
    bot.passes(Duration::from_secs(6)).await;
    let told = trouble(&bot).await;
    assert!(told.contains("permanent error (550): 5.7.1 looks like spam"), "{told}");
    bot.passes(minutes(4)).await;
    assert_eq!(server.mails().len(), 0, "who is refused is not asked all the time");
    bot.passes(minutes(15)).await;
    let come = server.mails().iter().filter(|mail| !header(mail, "Subject").starts_with("Re: ")).count();
    assert!(come >= 1, "{:#?}", server.mails());
}

fn to(name: &str) -> Contact {
    let ack_url = Some(format!("https://bot.example/ack/{name}"));
    Contact { name: name.into(), address: Some(format!("{name}@example.org")), ack_url }
}

fn parcel(names: &[&str]) -> Parcel {
    let text = PageText { reason: "the disk is full".into(), ..PageText::default() };
    Parcel { mention: names.iter().map(|name| to(name)).collect(), ..page(text) }
}

#[tokio::test]
async fn each_has_a_mail_of_their_own_and_the_link_in_it_is_nobody_elses() {
    let server = MailStandIn::start().await;
    sink(&server).send(&parcel(&["ada", "bob"])).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    for (mail, name, other) in [(&mails[0], "ada", "bob"), (&mails[1], "bob", "ada")] {
        assert_eq!(mail.to, [format!("{name}@example.org")]);
        assert!(mail.text().contains(&format!("as {name} by a link, for a day:\nhttps://bot.example/ack/{name}\n")));
        assert!(!mail.raw.contains(other), "{}", mail.raw);
    }
    assert_ne!(header(&mails[0], "Message-ID"), header(&mails[1], "Message-ID"));
    assert_eq!(header(&mails[0], "References"), header(&mails[1], "References"), "one thread of the incident");
}

#[tokio::test]
async fn one_who_is_refused_keeps_nothing_from_the_others() {
    let server = MailStandIn::start().await;
    server.answers("RCPT TO:<ada@", "550 5.1.1 no such user");
    server.answers("RCPT TO:<eve@", "451 4.2.2 mailbox full");
    let (email, page) = (sink(&server), parcel(&["ada", "bob", "eve", "dan"]));
    let error = email.send(&page).await.unwrap_err();
    assert!(matches!(&error, SinkError::Retry { message, .. } if message.contains("mailbox full")), "{error:?}");
    server.answers("RCPT TO:<ada@", "550 5.1.1 no such user");
    email.send(&page).await.unwrap();
    let reached: Vec<String> = server.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(reached, ["bob@example.org", "dan@example.org", "eve@example.org"], "nobody twice");
    // Where nobody is reached, one who may be later is worth another attempt.
    server.answers("RCPT TO:<ada@", "550 5.1.1 no such user");
    server.answers("RCPT TO:<eve@", "451 4.2.2 mailbox full");
    let error = sink(&server).send(&parcel(&["ada", "eve"])).await.unwrap_err();
    assert!(matches!(&error, SinkError::Retry { message, .. } if message.contains("mailbox full")), "{error:?}");
}

#[tokio::test]
async fn where_nobody_who_is_called_takes_mail_others_do() {
    let server = MailStandIn::start().await;
    server.answers("RCPT TO:<ada@", "550 5.1.1 no such user");
    sink(&server).send(&parcel(&["ada"])).await.unwrap();
    let reached: Vec<String> = server.mails().into_iter().flat_map(|mail| mail.to).collect();
    assert_eq!(reached, ["on-call@example.org"]);
    assert!(!server.mails()[0].raw.contains("/ack/"), "what several read holds nobody's link");
}

#[tokio::test]
async fn the_same_again_is_the_same_mail() {
    let server = MailStandIn::start().await;
    sink(&server).send(&parcel(&["ada"])).await.unwrap();
    let previous = sink(&server).send(&parcel(&["ada"])).await.unwrap();
    let news = Parcel { event: Some(PageEvent::Update), previous, ..parcel(&["ada"]) };
    let by_another_name = EmailOptions { from: "bot@example.com".parse().unwrap(), ..options(&server) };
    for options in [options(&server), by_another_name] {
        EmailSink::new(options).unwrap().send(&news).await.unwrap();
    }
    let ids: Vec<String> = server.mails().iter().map(|mail| header(mail, "Message-ID")).collect();
    assert_eq!((&ids[0], &ids[2]), (&ids[1], &ids[3]));
    assert_ne!(ids[0], ids[2]);
    assert_eq!(header(&server.mails()[3], "In-Reply-To"), ids[0], "it goes on where it began, whoever writes");
}

#[tokio::test]
async fn nothing_that_others_say_becomes_a_header() {
    let server = MailStandIn::start().await;
    let title = "[S1] INC-7 a\r\nBcc: eve@example.org\r\n\r\n\u{e4}\u{202e} text".to_owned();
    let key = "k\r\nX-Evil: 1".to_owned();
    let mut parcel = Parcel { title, key, body: "a\r\n.\r\nMAIL FROM:<x>\n..dots\n".into(), ..parcel(&["ada"]) };
    parcel.mention[0].ack_url = None;
    sink(&server).send(&parcel).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    for name in ["Bcc", "X-Evil"] {
        assert_eq!(mails[0].header(name), None, "{}", mails[0].raw);
    }
    assert_eq!(mails[0].to, ["ada@example.org"]);
    assert!(mails[0].text().starts_with("a\n.\nMAIL FROM:<x>\n..dots\n"), "{}", mails[0].raw);
}

#[tokio::test]
async fn a_server_that_does_not_answer_or_is_not_there_is_told_apart() {
    let server = MailStandIn::start().await;
    let hurried = EmailOptions { timeout: Duration::from_millis(500), ..options(&server) };
    for line in ["CONNECT", "EHLO", "MAIL", "DATA"] {
        server.hangs_at(line);
        let error = EmailSink::new(hurried.clone()).unwrap().send(&parcel(&["ada"])).await.unwrap_err();
        assert!(matches!(&error, SinkError::NoAnswer { .. }), "{line}: {error:?}");
    }
    // Who was reached before it hung is, and the others follow.
    server.hangs_at("RCPT TO:<bob@");
    let (sink, before) = (EmailSink::new(hurried).unwrap(), server.mails().len());
    let error = sink.send(&parcel(&["ada", "bob"])).await.unwrap_err();
    assert!(matches!(&error, SinkError::NoAnswer { .. }), "{error:?}");
    sink.send(&parcel(&["ada", "bob"])).await.unwrap();
    let reached: Vec<String> = server.mails().into_iter().skip(before).flat_map(|mail| mail.to).collect();
    assert_eq!(reached, ["ada@example.org", "bob@example.org"]);
    let far = EmailOptions { server: "smtp.example.org".into(), ..options(&server) };
    let refused = EmailSink::new(far).map(drop).unwrap_err().to_string();
    assert!(refused.contains("would go without TLS"), "{refused}");
    let gone = options(&server);
    drop(server);
    let error = EmailSink::new(gone.clone()).unwrap().send(&parcel(&["ada"])).await.unwrap_err();
    assert!(
        matches!(&error, SinkError::Retry { message, .. } if message.contains(&gone.port.to_string())),
        "{error:?}"
    );
}
