//! The one message of each incident.

use std::time::Duration;

use serenity::all::{ChannelId, MessageId};

use super::night::{Night, SOON, alice, options, title};
use crate::world::wait::wait_until;

/// Nobody is paged about it.
const QUIET: (&str, &str) = ("severity", "info");

/// A bot that tells, and takes no commands.
async fn telling() -> Night {
    let mut night = Night::falls().await;
    night.tells(&options(&night.discord));
    night
}

#[tokio::test]
async fn an_incident_has_one_message_which_is_edited() {
    let night = telling().await;
    night.fires("DiskSlow", &[QUIET, ("disk", "a")], "the disk is slow").await;
    let first = night.card("INC-1", "alerts: 1 firing, 1 in all").await;
    assert!(title(&first).starts_with("INC-1 S3 open: DiskSlow: the disk is slow"), "{}", title(&first));
    assert!(first.content.is_empty() && first.pinged.is_empty());
    assert_eq!(first.button("Acknowledge"), "ack:INC-1");

    night.fires("DiskSlow", &[QUIET, ("disk", "b")], "the disk is slow").await;
    night.card("INC-1", "alerts: 2 firing, 2 in all").await;
    night.resolves("DiskSlow", &[QUIET, ("disk", "a")]).await;
    night.resolves("DiskSlow", &[QUIET, ("disk", "b")]).await;
    let last = night.card("INC-1", "INC-1 S3 resolved").await;
    assert_eq!(last.id, first.id);
    assert!(last.edits >= 2 && last.pinged.is_empty(), "{last:?}");
    assert!(!last.buttons().iter().any(|button| button.label == "Acknowledge"), "{:?}", last.buttons());
    night.all_is_told().await;
    assert_eq!(night.discord.messages(night.incidents).len(), 1);

    night.fires("OtherThing", &[QUIET], "something else").await;
    night.card("INC-2", "something else").await;
    assert_eq!(night.discord.messages(night.incidents).len(), 2);
}

#[tokio::test]
async fn the_buttons_of_the_message_work() {
    let mut night = telling().await;
    night.listens().await.unwrap();
    night.fires("DiskSlow", &[QUIET], "the disk is slow").await;
    let card = night.card("INC-1", "open").await;
    let why = night.discord.presses(&alice(), card.id, &card.button("Why?")).await;
    assert!(why.text().contains("playbook: none has a trigger") && why.is_ephemeral(), "{}", why.text());
    let ack = night.discord.presses(&alice(), card.id, &card.button("Acknowledge")).await;
    assert_eq!((ack.text().as_str(), ack.is_ephemeral()), ("INC-1 is yours: DiskSlow: the disk is slow", true));
    let card = night.card("INC-1", "owner: alice").await;
    night.discord.presses(&alice(), card.id, &card.button("Resolve")).await;
    night.card("INC-1", "resolved by alice").await;
}

#[tokio::test]
async fn a_message_that_somebody_deleted_is_made_anew() {
    let night = telling().await;
    night.fires("DiskSlow", &[QUIET, ("disk", "a")], "the disk is slow").await;
    let first = night.card("INC-1", "alerts: 1 firing").await;
    let channel = ChannelId::new(night.incidents);
    night.all_is_told().await;
    channel.delete_message(night.discord.http(), MessageId::new(first.id)).await.expect("delete");

    night.fires("DiskSlow", &[QUIET, ("disk", "b")], "the disk is slow").await;
    let second = night.card("INC-1", "alerts: 2 firing").await;
    assert_ne!(second.id, first.id);
    night.fires("DiskSlow", &[QUIET, ("disk", "c")], "the disk is slow").await;
    assert_eq!(night.card("INC-1", "alerts: 3 firing").await.id, second.id);
    assert_eq!(night.discord.messages(night.incidents).len(), 1);
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_made_once_and_tells_the_news() {
    let night = telling().await;
    night.discord.loses_next_answer_on("POST /channels/");
    night.fires("DiskSlow", &[QUIET, ("disk", "a")], "the disk is slow").await;
    night.failed_deliveries(1).await;
    night.fires("DiskSlow", &[QUIET, ("disk", "b")], "the disk is slow").await;
    night.card("INC-1", "alerts: 2 firing").await;
    night.all_is_told().await;
    assert_eq!(night.discord.messages(night.incidents).len(), 1);
    assert_eq!(night.asked("POST /channels/"), [504, 200]);
}

#[tokio::test]
async fn what_discord_does_not_take_now_is_delivered_later_and_once() {
    let night = telling().await;
    night.discord.fails_next_on("POST /channels/", 503, None);
    night.discord.fails_next_on("POST /channels/", 429, Some(Duration::from_millis(10)));
    night.fires("DiskSlow", &[QUIET], "the disk is slow").await;
    night.card("INC-1", "the disk is slow").await;
    night.all_is_told().await;
    assert_eq!(night.asked("POST /channels/"), [503, 429, 200]);
    assert_eq!(night.discord.messages(night.incidents).len(), 1);
}

#[tokio::test]
async fn an_outage_keeps_nothing_back_for_good() {
    let night = telling().await;
    night.fires("DiskSlow", &[QUIET, ("disk", "a")], "the disk is slow").await;
    let first = night.card("INC-1", "alerts: 1 firing").await;
    night.all_is_told().await;
    night.discord.is_down(true);
    night.fires("DiskSlow", &[QUIET, ("disk", "b")], "the disk is slow").await;
    night.failed_deliveries(1).await;
    night.discord.is_down(false);
    assert_eq!(night.card("INC-1", "alerts: 2 firing").await.id, first.id);
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_and_is_made_again() {
    let night = telling().await;
    night.discord.never_answers_next_on("POST /channels/");
    night.fires("DiskSlow", &[QUIET], "the disk is slow").await;
    night.card("INC-1", "the disk is slow").await;
    assert_eq!(night.asked("POST /channels/"), [200], "one was never answered");
    night.failed_deliveries(1).await;
}

#[tokio::test]
async fn a_storm_stays_within_discords_limits() {
    let night = telling().await;
    for n in 0..120 {
        let name = format!("Alert{n}_{}", "*".repeat(60));
        // So many of S3 would be S2, and page.
        night
            .fires("Storm", &[("severity", "debug"), ("n", &n.to_string()), ("long", &name)], &"`_*|".repeat(100))
            .await;
    }
    let card = night.card("INC-1", "alerts: 120 firing, 120 in all").await;
    assert!(title(&card).chars().count() <= 256);
    let refused = async || night.asked("/channels/").iter().all(|status| *status == 200);
    wait_until(SOON, "Discord takes all", refused).await;
    assert_eq!(night.discord.messages(night.incidents).len(), 1);
}

#[tokio::test]
async fn labels_of_others_are_text() {
    let night = telling().await;
    let hostile = "@everyone <@300000000000000501> [safe](https://evil.test) **x** ```y``` \u{202e}z";
    night.fires("DiskSlow", &[QUIET, ("disk", hostile)], hostile).await;
    let card = night.card("INC-1", "evil").await;
    assert!(card.pinged.is_empty());
    assert!(!card.text().contains("@everyone") && !card.text().contains("<@3"), "{}", card.text());
    assert!(card.text().contains("\\[safe\\](https://evil.test) \\*\\*x\\*\\* \\`\\`\\`y"), "{}", card.text());
}
