//! What people ask for by slash commands, and who may.

use std::sync::atomic::Ordering;
use std::time::Duration;

use dogwatch::model::{IncidentState, Outcome};
use dogwatch::store::IncidentEvent;

use super::night::{Night, SOON, alice, carol};
use crate::world::discord::User;
use crate::world::wait::wait_until;

/// An incident of which nobody is paged.
async fn with_an_incident() -> Night {
    let night = Night::on_discord().await;
    night.fires("DiskSlow", &[("severity", "info")], "the disk is slow").await;
    night.card("INC-1", "open").await;
    night
}

#[tokio::test]
async fn an_incident_is_acknowledged_and_resolved() {
    let night = with_an_incident().await;
    let ack = night.discord.slash(&alice(), night.incidents, "/ack incident:INC-1").await;
    assert_eq!(ack.text(), "INC-1 is yours: DiskSlow: the disk is slow");
    assert!(ack.deferred && !ack.is_ephemeral(), "everybody sees who has it");
    assert!(ack.after < Duration::from_secs(3), "{:?}", ack.after);
    let incident = night.incident(1).await;
    assert_eq!((incident.state, incident.owner.as_deref()), (IncidentState::Acknowledged, Some("alice")));
    night.card("INC-1", "owner: alice").await;

    let resolve = night.discord.slash(&alice(), night.incidents, "/resolve incident:inc-1 note:a new *disk*").await;
    assert!(resolve.text().starts_with("INC-1 is resolved"), "{}", resolve.text());
    let is_noted = |event: &IncidentEvent| matches!(event, IncidentEvent::Resolved { by, because } if by == "alice" && because == "a new *disk*");
    assert_eq!(night.happened(1, is_noted).await, 1);
    night.card("INC-1", r"alice: a new \*disk\*").await;
}

#[tokio::test]
async fn what_only_looks_is_shown_to_the_one_who_asks() {
    let night = with_an_incident().await;
    *night.reports.handoff.lock().unwrap() = "# Handoff\nnothing is outstanding".into();
    for (line, says) in [
        ("/incidents", "the disk is slow"),
        ("/incidents all:true", "the disk is slow"),
        ("/why incident:INC-1", "playbook: none has a trigger for these alerts"),
        ("/handoff", "# Handoff\nnothing is outstanding"),
        ("/help", "/ack INC-7"),
        (
            "/run playbook:dns set:max=8 name=coredns dry_run:true",
            "dns with {\"max\": \"8\", \"name\": \"coredns\"}\nit would scale 4 -> 6",
        ),
    ] {
        for user in [alice(), carol()] {
            let reply = night.discord.slash(&user, night.incidents, line).await;
            assert!(reply.text().contains(says), "{line}: {}", reply.text());
            assert!(reply.is_ephemeral() && reply.deferred, "{line}");
        }
    }
    let table = night.discord.slash(&carol(), night.incidents, "/incidents").await;
    assert!(table.text().starts_with("```\n") && table.text().ends_with("\n```"), "columns hold: {}", table.text());
}

#[tokio::test]
async fn several_are_acknowledged_at_once() {
    let night = with_an_incident().await;
    night.fires("DiskFull", &[("severity", "info")], "the disk is full").await;
    night.card("INC-2", "open").await;
    let ack = night.discord.slash(&alice(), night.incidents, "/ack incident:1, INC-2 inc-9").await;
    let says = "2 of 3 acknowledged:\nINC-1 is yours: DiskSlow: the disk is slow\nINC-2 is yours: DiskFull: the disk is full\n\
                there is no INC-9";
    assert!(ack.text().contains(says) && !ack.is_ephemeral(), "{}", ack.text());
    let table = night.discord.slash(&alice(), night.incidents, "/incidents mine:true state:acknowledged").await;
    assert!(table.text().contains("the disk is full") && table.is_ephemeral(), "{}", table.text());
    let none = night.discord.slash(&carol(), night.incidents, "/incidents mine:true").await;
    assert!(none.text().starts_with("no such incident; there are 2 incidents without the filter"), "{}", none.text());
    let resolve =
        night.discord.slash(&alice(), night.incidents, "/resolve incident:1 2 note:INC-2 was the cause").await;
    assert!(resolve.text().contains("2 of 2 resolved:"), "{}", resolve.text());
    let is_noted = |event: &IncidentEvent| matches!(event, IncidentEvent::Resolved { because, .. } if because == "INC-2 was the cause");
    assert_eq!(night.happened(1, is_noted).await, 1);
}

#[tokio::test]
async fn a_playbook_is_run_on_request() {
    let night = with_an_incident().await;
    let reply = night.discord.slash(&alice(), night.incidents, "/run playbook:dns").await;
    assert!(reply.text().contains("runs on") && reply.text().contains("coredns"), "{}", reply.text());
    assert!(!reply.is_ephemeral());
    night.question("may I do this?").await;
    let denied = night.discord.slash(&alice(), night.incidents, "/deny approval:APR-1").await;
    assert!(denied.text().starts_with("APR-1: denied"), "{}", denied.text());
    assert_eq!(night.outcome(1).await, Outcome::Escalated);

    let unknown = night.discord.slash(&alice(), night.incidents, "/run playbook:other").await;
    assert!(unknown.text().contains("there is no playbook `other`".replace('`', r"\`").as_str()), "{}", unknown.text());
}

#[tokio::test]
async fn whoever_has_no_role_may_look_and_not_touch() {
    let night = with_an_incident().await;
    for line in [
        "/ack incident:INC-1",
        "/resolve incident:INC-1",
        "/run playbook:dns",
        "/approve approval:APR-1",
        "/deny approval:APR-1",
    ] {
        let reply = night.discord.slash(&carol(), night.incidents, line).await;
        assert!(reply.text().contains("needs the role responder, and carol has the role viewer"), "{}", reply.text());
        assert!(reply.is_ephemeral(), "{line}");
    }
    assert_eq!(night.incident(1).await.state, IncidentState::Open);
    assert!(night.store.pending_signals(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn outside_of_the_bots_channels_a_role_is_needed_for_everything() {
    let night = with_an_incident().await;
    let lunch = night.discord.channel("lunch");
    for line in ["/incidents", "/help", "/why incident:INC-1", "/ack incident:INC-1", "/ack incident:nonsense"] {
        let reply = night.discord.slash(&carol(), lunch, line).await;
        let says = "I do not know you, carol: ask an admin to give a role to the discord id 503";
        assert_eq!((reply.text().as_str(), reply.is_ephemeral()), (says, true), "{line}");
    }
    let reply = night.discord.slash(&alice(), lunch, "/why incident:INC-1").await;
    assert!(reply.text().contains("the disk is slow"), "{}", reply.text());
    let there = night.discord.slash(&carol(), night.discord.channel("storage"), "/help").await;
    assert!(there.text().contains("/ack INC-7"), "a team's channel is the bot's too: {}", there.text());
}

#[tokio::test]
async fn a_member_is_known_by_the_id_and_not_by_the_name() {
    let night = with_an_incident().await;
    let impostor = User::new("alice", 666).with_roles(["sre"]);
    night.discord.slash(&impostor, night.incidents, "/ack incident:INC-1").await;
    assert_eq!(night.incident(1).await.owner.as_deref(), Some("alice (discord 666)"));
}

#[tokio::test]
async fn what_cannot_be_understood_says_what_to_write_instead() {
    let night = with_an_incident().await;
    for (line, says) in [
        ("/ack incident:nonsense", r"\`nonsense\` is no INC number"),
        ("/ack incident:INC-99", "INC-99"),
        ("/run playbook:dns set:max", r"write name=value"),
        ("/approve approval:INC-1", "is no APR number"),
    ] {
        let reply = night.discord.slash(&alice(), night.incidents, line).await;
        assert!(reply.text().contains(says), "{line}: {}", reply.text());
    }
    assert_eq!(night.incident(1).await.state, IncidentState::Open);
    assert_eq!(night.store.incidents(dogwatch::store::IncidentFilter::Unresolved).await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_who_looks_on_leaves_the_cluster_to_those_at_work() {
    let night = with_an_incident().await;
    let slow = night.reports.cluster.lock().await;
    let dry_run = "/run playbook:dns dry_run:true";
    let begun = async |wanted: usize| {
        let is_so = async || night.reports.previews.load(Ordering::SeqCst) == wanted;
        wait_until(SOON, "the previews are begun", is_so).await;
    };
    let first = night.discord.types(&carol(), night.incidents, dry_run).await;
    let second = night.discord.types(&carol(), night.incidents, dry_run).await;
    begun(2).await;
    for user in [carol(), User::new("dave", 504)] {
        let third = night.discord.slash(&user, night.incidents, dry_run).await;
        let says = "too many commands of yours ask the cluster, or all that may at once do; ask again in 2 s";
        assert_eq!((third.text().as_str(), third.is_ephemeral()), (says, true));
    }
    let table = night.discord.slash(&carol(), night.incidents, "/incidents").await;
    assert!(table.text().contains("the disk is slow"), "what costs little is not kept back: {}", table.text());
    let responders = night.discord.types(&alice(), night.incidents, dry_run).await;
    begun(3).await;
    drop(slow);
    for asked in [first, second, responders] {
        let reply = night.discord.reply(asked).await;
        assert!(reply.text().contains("it would scale"), "{}", reply.text());
    }
}
