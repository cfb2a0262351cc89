//! Mails through a real mail server.

use std::time::Duration;

use dogwatch::message::PageText;
use dogwatch::model::{PageEvent, Secret};
use dogwatch::notify::{Contact, EmailOptions, EmailSink, EmailTls, Parcel, Sink as _, SinkError};
use lettre::transport::smtp::client::Certificate;

use crate::world::mail_server::{MailServer, PASSWORD, USERNAME};
use crate::world::parcels::page;

fn options(server: &MailServer, tls: EmailTls) -> EmailOptions {
    EmailOptions {
        server: "localhost".into(),
        port: if tls == EmailTls::Required { server.tls_port } else { server.port },
        tls,
        ca: vec![Certificate::from_pem(server.authority.as_bytes()).unwrap()],
        login: Some((USERNAME.into(), Secret::new(PASSWORD))),
        from: "Dogwatch <dogwatch@example.org>".parse().unwrap(),
        to: vec!["on-call@mail.test".parse().unwrap()],
        timeout: Duration::from_secs(20),
    }
}

fn parcel() -> Parcel {
    page(PageText { reason: "the disk is full: \u{e4}".into(), ..PageText::default() })
}

fn to(name: &str) -> Contact {
    Contact { name: name.into(), address: Some(format!("{name}@mail.test")), ack_url: None }
}

async fn refused(options: EmailOptions, parcel: &Parcel) -> SinkError {
    EmailSink::new(options).unwrap().send(parcel).await.expect_err("it is refused")
}

#[tokio::test]
async fn a_page_and_its_end_come_as_one_thread_over_tls_of_both_sorts() {
    let server = MailServer::start().await;
    let begins = EmailSink::new(options(&server, EmailTls::Required)).unwrap();
    let previous = begins.send(&parcel()).await.unwrap();
    let mails = server.mails(1).await;
    let first = &mails[0];
    assert_eq!(first.to, ["on-call@mail.test"]);
    assert_eq!(first.header("From").as_deref(), Some("Dogwatch <dogwatch@example.org>"));
    assert_eq!(first.header("Subject").as_deref(), Some("[S1] INC-7 the disk is slow"));
    assert_eq!(first.header("X-Priority").as_deref(), Some("1"));
    assert!(first.text().contains("the disk is full: \u{e4}"), "{}", first.text());
    let received = first.header("Received").unwrap();
    // Encrypted, and by somebody who has logged in.
    assert!(received.contains("with esmtpsa ") && received.contains("TLS1.3"), "{received}");

    let ends = EmailSink::new(options(&server, EmailTls::Starttls)).unwrap();
    let outcome = Some("resolved by anna: a cable".to_owned());
    let end = Parcel { event: Some(PageEvent::Resolve), outcome, previous, ..parcel() };
    ends.send(&end).await.unwrap();
    let mails = server.mails(2).await;
    let end = mails.iter().find(|mail| mail.header("Subject").unwrap().starts_with("Re: ")).unwrap();
    assert_eq!(end.header("In-Reply-To"), first.header("Message-ID"));
    assert!(end.header("Received").unwrap().contains("with esmtpsa "));
    assert!(end.text().starts_with("resolved by anna: a cable\n"), "{}", end.text());
}

#[tokio::test]
async fn what_the_server_says_is_told() {
    let server = MailServer::start().await;
    let only = |name: &str| Parcel { mention: vec![to(name)], ..parcel() };
    let nobody_else = EmailOptions { to: Vec::new(), ..options(&server, EmailTls::Starttls) };
    let error = refused(nobody_else, &only("nobody")).await;
    let SinkError::Fail { message } = error else { panic!("{error:?}") };
    assert!(message.contains("(550): no such user here; look at the address nobody@mail.test"), "{message}");
    let error = refused(options(&server, EmailTls::Starttls), &only("later")).await;
    let SinkError::Retry { message, .. } = error else { panic!("{error:?}") };
    assert!(message.contains("(451): come again later"), "{message}");
    // One who is refused keeps nothing from the others, who have it once; who may be reached later
    // is tried for a while.
    let all = Parcel { mention: ["nobody", "ada", "later", "bob"].map(to).into(), ..parcel() };
    let sink = EmailSink::new(options(&server, EmailTls::Starttls)).unwrap();
    let error = sink.send(&all).await.expect_err("one has no mail yet");
    assert!(matches!(&error, SinkError::Retry { .. }), "{error:?}");
    let mut attempts = 1;
    while sink.send(&all).await.is_err() {
        attempts += 1;
    }
    assert_eq!(attempts, 5, "the sixth is the last");
    let mut to: Vec<String> = server.mails(2).await.into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["ada@mail.test", "bob@mail.test"]);
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_cannot_be_trusted_or_does_not_trust_us() {
    let server = MailServer::start().await;
    for tls in [EmailTls::Required, EmailTls::Starttls] {
        let unknown = EmailOptions { ca: Vec::new(), ..options(&server, tls) };
        let told = refused(unknown, &parcel()).await.to_string();
        assert!(told.to_lowercase().contains("certificate"), "{told}");
        let another_name = EmailOptions { server: "127.0.0.2".into(), ..options(&server, tls) };
        let told = refused(another_name, &parcel()).await.to_string();
        assert!(told.to_lowercase().contains("certificate") && told.contains("127.0.0.2"), "{told}");
        let wrong = EmailOptions { login: Some((USERNAME.into(), Secret::new("wrong"))), ..options(&server, tls) };
        let error = refused(wrong, &parcel()).await;
        let SinkError::Fail { message } = error else { panic!("{error:?}") };
        assert!(message.contains("535") && message.contains("look at `pages.email.username`"), "{message}");
    }
    // A password goes over no open connection: it is not even asked for there.
    let open = options(&server, EmailTls::None);
    let error = refused(open.clone(), &parcel()).await;
    assert!(error.is_refusal() && error.to_string().contains("authentication mechanism"), "{error}");
    EmailSink::new(EmailOptions { login: None, ..open }).unwrap().send(&parcel()).await.unwrap();
    assert_eq!(server.mails(1).await.len(), 1);
}
