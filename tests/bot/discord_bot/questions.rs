//! The bot asks before it changes something.

use dogwatch::model::{ApprovalId, ApprovalState, Outcome};
use serenity::all::{ButtonStyle, ChannelId, CreateActionRow, CreateButton, CreateMessage};

use super::night::{Night, alice, bob, carol, title};
use crate::world::discord::Message;

async fn with_a_question() -> (Night, Message) {
    let night = Night::on_discord().await;
    night.fires("DNSSlow", &[], "").await;
    let question = night.question("may I do this?").await;
    (night, question)
}

async fn state(night: &Night) -> ApprovalState {
    night.store.approval(ApprovalId(1)).await.unwrap().expect("the question is there").state
}

#[tokio::test]
async fn a_yes_lets_the_bot_do_what_was_shown() {
    let (night, question) = with_a_question().await;
    assert!(question.text().contains("1. CHANGES: "), "{}", question.text());
    assert!(question.pinged.is_empty());
    let card = night.card("INC-1", "/approve APR-1").await;
    assert_eq!(question.replies_to, Some(card.id), "it belongs to the incident's message");

    let reply = night.discord.presses(&alice(), question.id, &question.button("Approve")).await;
    assert!(reply.text().starts_with("APR-1: approved; RUN-1 goes on"), "{}", reply.text());
    assert!(reply.is_ephemeral() && !reply.updated, "the question itself shows it to everybody");
    night.replicas(6).await;
    let answered = night.question("approved").await;
    assert_eq!(answered.id, question.id, "edited in place");
    assert!(answered.text().contains("answered by alice"), "{}", answered.text());
    assert!(answered.buttons().is_empty() && answered.content.is_empty(), "{answered:?}");
    assert_eq!(night.changes(), 1);
}

#[tokio::test]
async fn the_second_answer_comes_too_late() {
    let (night, question) = with_a_question().await;
    let deny = night.discord.presses(&bob(), question.id, &question.button("Deny")).await;
    assert!(deny.text().starts_with("APR-1: denied"), "{}", deny.text());
    // Alice's screen still shows the buttons; the stand-in, as Discord, refuses what is gone from the message.
    let old = again(&night, &question).await;
    let approve = night.discord.presses(&alice(), old.id, &old.button("Approve")).await;
    assert_eq!(approve.text(), "APR-1 was answered already, by bob");
    assert_eq!(night.outcome(1).await, Outcome::Escalated);
    assert_eq!(night.changes(), 0);
    let answered = night.question("denied").await;
    assert!(answered.id == question.id && answered.text().contains("answered by bob"), "{}", answered.text());
    night.page("DNS is slow").await;
}

#[tokio::test]
async fn whoever_has_no_role_cannot_answer() {
    let (night, question) = with_a_question().await;
    for button in ["Approve", "Deny"] {
        let reply = night.discord.presses(&carol(), question.id, &question.button(button)).await;
        assert!(reply.text().contains("needs the role responder, and carol has the role viewer"), "{}", reply.text());
        assert!(reply.is_ephemeral());
    }
    assert_eq!(state(&night).await, ApprovalState::Open);
    assert_eq!(night.changes(), 0);
}

#[tokio::test]
async fn an_answer_to_something_else_than_what_was_shown_counts_nothing() {
    let (night, question) = with_a_question().await;
    let other = "0".repeat(64);
    let stale = write(&night, &format!("approve:APR-1:{other}")).await;
    let reply = night.discord.presses(&alice(), stale.id, &stale.button("button")).await;
    assert_eq!(reply.text(), "APR-1 asks for something else than what you saw; look at it again");
    for custom_id in ["approve:APR-1", "approve:APR-1:", &format!("approve:APR-1:{}", &other[..12]), "launch:INC-1"] {
        let forged = write(&night, custom_id).await;
        let reply = night.discord.presses(&alice(), forged.id, custom_id).await;
        assert!(reply.text().contains("this button is of another version of the bot"), "{}", reply.text());
        assert!(reply.is_ephemeral());
    }
    assert_eq!(state(&night).await, ApprovalState::Open);
    assert_eq!(title(&night.question("may I do this?").await), title(&question));
    assert_eq!(night.changes(), 0);
}

#[tokio::test]
async fn a_question_whose_run_was_stopped_can_be_answered_no_more() {
    let (night, question) = with_a_question().await;
    let card = night.card("INC-1", "/approve APR-1").await;
    night.discord.presses(&alice(), card.id, &card.button("Resolve")).await;
    assert_eq!(night.outcome(1).await, Outcome::Cancelled);
    let closed = night.question("no longer needed").await;
    assert_eq!(closed.id, question.id, "edited in place");
    assert!(closed.buttons().is_empty() && closed.content.is_empty(), "{closed:?}");
    assert_eq!(state(&night).await, ApprovalState::Withdrawn);
    assert_eq!(night.changes(), 0);
}

#[tokio::test]
async fn a_yes_that_comes_twice_is_one() {
    let (night, question) = with_a_question().await;
    night.discord.repeats_next_interaction();
    let reply = night.discord.presses(&alice(), question.id, &question.button("Approve")).await;
    assert!(reply.text().starts_with("APR-1: approved"), "{}", reply.text());
    night.replicas(6).await;
    night.question("approved").await;
    assert_eq!(night.changes(), 1);
}

/// The same message once more, as somebody sees it who has not got the edit yet.
async fn again(night: &Night, message: &Message) -> Message {
    let approve = message.button("Approve");
    let button = CreateButton::new(approve).label("Approve").style(ButtonStyle::Success);
    post(night, button).await
}

/// A message that the bot wrote at another time.
async fn write(night: &Night, custom_id: &str) -> Message {
    post(night, CreateButton::new(custom_id).label("button")).await
}

async fn post(night: &Night, button: CreateButton) -> Message {
    let message = CreateMessage::new().content("before").components(vec![CreateActionRow::Buttons(vec![button])]);
    let channel = ChannelId::new(night.incidents);
    let posted = channel.send_message(night.discord.http(), message).await.expect("post").id.get();
    night.discord.wait_for_message(|message| message.id == posted).await
}
