//! One command about several incidents: each has an answer of its own.

use std::collections::BTreeSet;

use dogwatch::clock::Clock as _;
use dogwatch::command::parse_command;
use dogwatch::incident::IncidentRules;
use dogwatch::model::*;
use dogwatch::worker::settle;

use crate::incidents::{Shift, alert};

/// A shift in which alerts say whose they are.
async fn shift() -> Shift {
    let teams = BTreeSet::from(["databases".to_owned(), "network".to_owned()]);
    Shift::with_rules(&[], IncidentRules { teams, ..IncidentRules::default() }).await
}

impl Shift {
    /// What the answer to a line is, and whether all was done. Asking with a key again is the same
    /// asking.
    async fn asks(&self, person: &str, line: &str, key: &str) -> (bool, String) {
        let command = parse_command(line).unwrap();
        let person = Person { name: person.into(), via: Via::Console, id: person.into(), role: Some(Role::Responder) };
        let body = SignalBody::Command { person, command };
        let signal = Signal { source: "console".into(), key: key.into(), received_at: self.clock.now(), body };
        let id = self.store.accept(&signal).await.unwrap().id();
        settle(&self.workers).await.unwrap();
        let reply = self.store.reply(id).await.unwrap().expect("it was worked on");
        (reply.granted, reply.text)
    }

    async fn breaks(&self, names: &[&str], team: &str) {
        for name in names {
            self.fires(name, &[("team", team), ("severity", "warning")]).await;
        }
    }

    /// The state and the owner of each.
    async fn owners(&self) -> Vec<String> {
        let incidents = self.incidents().await;
        incidents.iter().map(|it| format!("{} {}", it.state, it.owner.as_deref().unwrap_or("-"))).collect()
    }
}

#[tokio::test]
async fn each_of_several_is_acknowledged() {
    let shift = shift().await;
    shift.breaks(&["DiskSlow", "DiskFull", "DiskGone"], "databases").await;
    let (granted, said) = shift.asks("alice", "/ack INC-1 INC-3", "k1").await;
    assert_eq!(said, "2 of 2 acknowledged:\nINC-1 is yours: DiskSlow\nINC-3 is yours: DiskGone");
    assert!(granted);
    assert_eq!(shift.owners().await, ["acknowledged alice", "open -", "acknowledged alice"]);
    assert_eq!(shift.store.unanswered_pages().await.unwrap().len(), 1, "only the page of the other one stands");
}

#[tokio::test]
async fn a_no_to_one_holds_up_no_other() {
    let shift = shift().await;
    shift.breaks(&["A", "B", "C", "D"], "databases").await;
    shift.asks("bob", "/ack INC-2", "k1").await;
    shift.asks("bob", "/resolve INC-3", "k2").await;
    let (granted, said) = shift.asks("alice", "/ack INC-1 INC-99 INC-2 INC-3 INC-4", "k3").await;
    insta::assert_snapshot!(said, @"
    3 of 5 acknowledged:
    INC-1 is yours: A
    there is no INC-99; /incidents lists the ones that are open
    INC-2 is yours now; it was bob's
    INC-3 is resolved; there is nothing to acknowledge
    INC-4 is yours: D
    ");
    assert!(!granted, "not all were");
    assert_eq!(shift.owners().await, ["acknowledged alice", "acknowledged alice", "resolved -", "acknowledged alice"]);
    // What is so already is no failure.
    let (granted, said) = shift.asks("alice", "/ack INC-1 INC-4", "k4").await;
    assert_eq!(
        (granted, said.as_str()),
        (true, "2 of 2 acknowledged:\nINC-1 is yours already\nINC-4 is yours already")
    );
}

#[tokio::test]
async fn the_same_asking_again_changes_nothing_more() {
    let shift = shift().await;
    shift.breaks(&["A", "B"], "databases").await;
    let first = shift.asks("alice", "/ack --all-of databases", "k1").await;
    assert!(first.0);
    shift.breaks(&["C"], "databases").await;
    shift.asks("bob", "/ack INC-1", "k2").await;
    assert_eq!(shift.asks("alice", "/ack --all-of databases", "k1").await, first, "the first answer");
    assert_eq!(shift.owners().await, ["acknowledged bob", "acknowledged alice", "open -"]);
    let several = shift.asks("alice", "/ack INC-2 INC-3", "k3").await;
    assert_eq!(shift.asks("alice", "/ack INC-2 INC-3", "k3").await, several);
    let lines = shift.timeline(3).await;
    assert_eq!(lines.matches("alice has acknowledged it").count(), 1, "{lines}");
}

#[tokio::test]
async fn several_are_resolved_with_one_note() {
    let shift = shift().await;
    shift.breaks(&["A", "B", "C"], "network").await;
    let (granted, said) = shift.asks("alice", "/resolve INC-1, INC-2 INC-7 one switch had both", "k1").await;
    assert!(!granted && said.starts_with("2 of 3 resolved:\nINC-1 is resolved; 1 of its alerts still fire"), "{said}");
    assert!(said.ends_with("there is no INC-7; /incidents lists the ones that are open"), "{said}");
    assert_eq!(shift.owners().await, ["resolved -", "resolved -", "open -"]);
    for incident in [1, 2] {
        let lines = shift.timeline(incident).await;
        assert!(lines.contains("one switch had both"), "{lines}");
    }
}

#[tokio::test]
async fn all_of_a_team_that_wait_are_named() {
    let shift = shift().await;
    shift.breaks(&["A", "B", "C"], "databases").await;
    shift.breaks(&["D"], "network").await;
    shift.asks("bob", "/ack INC-2", "k1").await;
    let (granted, said) = shift.asks("alice", "/ack --all-of databases", "k2").await;
    assert_eq!(
        (granted, said.as_str()),
        (true, "2 of 2 of databases acknowledged:\nINC-1 is yours: A\nINC-3 is yours: C")
    );
    let owners = ["acknowledged alice", "acknowledged bob", "acknowledged alice", "open -"];
    assert_eq!(shift.owners().await, owners, "what somebody has is theirs");
    let (granted, said) = shift.asks("alice", "/ack --all-of databases", "k3").await;
    let nothing = "nothing of databases waits for somebody: its incidents are acknowledged or mitigated already";
    assert_eq!((granted, said.as_str()), (true, nothing));
    let (granted, said) = shift.asks("alice", "/ack --all-of database", "k4").await;
    let slip = "no incident of database is open; there are some of: databases, network";
    assert_eq!((granted, said.as_str()), (false, slip), "a slip of the hand is no success");
}

#[tokio::test]
async fn whoever_is_meant_is_decided_once_and_told() {
    let shift = shift().await;
    shift.breaks(&["A"], "databases").await;
    // People go before alerts: what is decided after the command is not meant by it.
    let labels = [("team", "databases"), ("severity", "critical")];
    shift.lets_in("g", vec![alert("B", &labels, shift.clock.now(), AlertStatus::Firing)]).await;
    let (granted, said) = shift.asks("alice", "/ack --all-of databases", "k1").await;
    assert_eq!((granted, said.as_str()), (true, "1 of 1 of databases acknowledged:\nINC-1 is yours: A"));
    assert_eq!(shift.owners().await, ["acknowledged alice", "open -"]);
    // Worse goes first.
    shift.breaks(&["C"], "databases").await;
    shift.fires("D", &labels).await;
    let (_, said) = shift.asks("alice", "/ack --all-of databases", "k2").await;
    let order: Vec<&str> = said.lines().skip(1).map(|line| &line[..5]).collect();
    assert_eq!(order, ["INC-2", "INC-4", "INC-3"], "{said}");
}

#[tokio::test]
async fn a_storm_is_acknowledged_in_pieces() {
    let shift = shift().await;
    let names: Vec<String> = (0..57).map(|n| format!("Alert{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    shift.breaks(&names, "databases").await;
    let (granted, said) = shift.asks("alice", "/ack --all-of databases", "k1").await;
    let heading = said.lines().next().unwrap();
    assert_eq!(heading, "50 of 57 of databases acknowledged; ask again for the other 7:");
    assert_eq!((granted, said.lines().count()), (false, 51));
    let (granted, said) = shift.asks("alice", "/ack --all-of databases", "k2").await;
    assert!(granted && said.starts_with("7 of 7 of databases acknowledged:\n"), "{said}");
}
