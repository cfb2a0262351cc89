//! How interactions are answered when Discord is not at its best.

use dogwatch::model::IncidentState;
use dogwatch::store::IncidentEvent;

use super::night::{Night, SOON, alice, carol};
use crate::world::discord::Message;
use crate::world::wait::wait_until;

async fn with_an_incident() -> Night {
    let night = Night::on_discord().await;
    night.fires("DiskSlow", &[("severity", "info")], "the disk is slow").await;
    night.card("INC-1", "open").await;
    night
}

fn is_ack(event: &IncidentEvent) -> bool {
    matches!(event, IncidentEvent::Acknowledged { .. })
}

#[tokio::test]
async fn an_interaction_that_comes_twice_is_one() {
    let night = with_an_incident().await;
    night.discord.repeats_next_interaction();
    let reply = night.discord.slash(&alice(), night.incidents, "/ack incident:INC-1").await;
    assert_eq!(reply.text(), "INC-1 is yours: DiskSlow: the disk is slow");
    let answered = async || night.asked("/callback").len() == 2;
    wait_until(SOON, "both were answered", answered).await;
    assert_eq!(night.happened(1, is_ack).await, 1);
    let answers = night.discord.messages(night.incidents).into_iter().filter(|message| message.text() == reply.text());
    assert_eq!(answers.count(), 1);
}

/// Whichever of the two is hit by which fault, and in whichever order: somebody answers.
#[tokio::test]
async fn two_that_both_believe_to_be_the_first_have_one_answer() {
    let night = with_an_incident().await;
    night.discord.repeats_next_interaction();
    // One gets through without being told so, and one is told to try again.
    night.discord.loses_next_answer_on("/callback");
    night.discord.fails_next_on("/callback", 503, None);
    let reply = night.discord.slash(&alice(), night.incidents, "/ack incident:INC-1").await;
    let answered = async || night.asked("PATCH /webhooks/") == [200, 200];
    wait_until(SOON, "both have answered", answered).await;
    assert_eq!(night.asked("/callback").len(), 4);
    let answers = night.discord.messages(night.incidents);
    let answers: Vec<String> = answers.iter().filter(|message| message.embeds.is_empty()).map(Message::text).collect();
    assert_eq!(answers, ["INC-1 is yours: DiskSlow: the disk is slow"], "{}", reply.text());
    assert_eq!(night.happened(1, is_ack).await, 1);
}

/// The sign got through without our being told so, and Discord is not well when we ask again.
#[tokio::test]
async fn a_first_sign_is_tried_again_until_it_is_known_to_have_arrived() {
    let night = with_an_incident().await;
    night.discord.loses_next_answer_on("/callback");
    night.discord.fails_next_on("/callback", 503, None);
    night.discord.fails_next_on("/callback", 503, None);
    let reply = night.discord.slash(&alice(), night.incidents, "/ack incident:INC-1").await;
    assert_eq!(reply.text(), "INC-1 is yours: DiskSlow: the disk is slow");
    assert_eq!(night.asked("/callback"), [504, 503, 503, 400]);
    assert_eq!(night.happened(1, is_ack).await, 1);
}

#[tokio::test]
async fn what_discord_has_given_up_is_not_done() {
    let night = with_an_incident().await;
    night.discord.expires_next_interaction();
    night.discord.types(&alice(), night.incidents, "/ack incident:INC-1").await;
    let refused = async || night.asked("/callback") == [404];
    wait_until(SOON, "the answer comes too late", refused).await;
    // Once the next one is answered, the one before it has been worked on.
    let reply = night.discord.slash(&alice(), night.incidents, "/why incident:INC-1").await;
    assert!(!reply.text().contains("acknowledged"), "{}", reply.text());
    assert_eq!(night.incident(1).await.state, IncidentState::Open);
    assert_eq!(
        night.discord.slash(&alice(), night.incidents, "/ack incident:INC-1").await.text(),
        "INC-1 is yours: DiskSlow: the disk is slow"
    );
}

#[tokio::test]
async fn an_answer_is_tried_again_until_it_arrives() {
    let night = with_an_incident().await;
    // The first sign gets through, and we are not told so.
    night.discord.loses_next_answer_on("/callback");
    // The answer does not get through, in three ways.
    night.discord.fails_next_on("PATCH /webhooks/", 503, None);
    night.discord.fails_next_on("PATCH /webhooks/", 429, Some(std::time::Duration::from_millis(10)));
    night.discord.loses_next_answer_on("PATCH /webhooks/");
    let reply = night.discord.slash(&alice(), night.incidents, "/ack incident:INC-1").await;
    assert_eq!(reply.text(), "INC-1 is yours: DiskSlow: the disk is slow");
    let arrived = async || night.asked("PATCH /webhooks/") == [503, 429, 504, 200];
    wait_until(SOON, "the answer arrives", arrived).await;
    assert_eq!(night.asked("/callback"), [504, 400]);
    assert_eq!(night.happened(1, is_ack).await, 1);
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends() {
    let night = with_an_incident().await;
    night.discord.never_answers_next_on("PATCH /webhooks/");
    let reply = night.discord.slash(&alice(), night.incidents, "/why incident:INC-1").await;
    assert!(reply.text().contains("the disk is slow"), "{}", reply.text());
}

#[tokio::test]
async fn a_long_answer_is_shortened_and_follows_whole_in_a_file() {
    let night = Night::on_discord().await;
    let report: Vec<String> = (0..500).map(|n| format!("| {n} | ```@everyone``` |")).collect();
    let report = report.join("\n");
    night.reports.handoff.lock().unwrap().clone_from(&report);
    let reply = night.discord.slash(&carol(), night.incidents, "/handoff").await;
    assert!(reply.text().contains(" more\n") && reply.text().contains("| 499 |"), "{}", reply.text());
    assert!(reply.text().ends_with("shortened; the attached file has it all"), "{}", reply.text());
    assert_eq!(reply.message.files[0].name, "handoff.txt");
    assert_eq!(String::from_utf8_lossy(&reply.message.files[0].bytes), report);
    assert!(reply.message.pinged.is_empty());

    night.discord.fails_next_on("PATCH /webhooks/", 413, None);
    let reply = night.discord.slash(&carol(), night.incidents, "/handoff").await;
    assert!(reply.text().ends_with("shortened; on a command line `dogwatch handoff` tells all"), "{}", reply.text());
    assert!(reply.message.files.is_empty());
}

#[tokio::test]
async fn what_others_wrote_is_no_markup_in_an_answer() {
    let night = Night::on_discord().await;
    *night.reports.handoff.lock().unwrap() = "@everyone <@300000000000000501> **look** https://evil.test".into();
    let reply = night.discord.slash(&carol(), night.incidents, "/handoff").await;
    assert_eq!(
        reply.text(),
        "@\u{200b}everyone \\<@\u{200b}300000000000000501> \\*\\*look\\*\\* https:\u{200b}//evil.test"
    );
    assert!(reply.message.pinged.is_empty());
}
