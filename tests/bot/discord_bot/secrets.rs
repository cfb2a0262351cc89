//! Secrets that come by Discord, or would go there: nobody reads them in it.

use super::night::{Night, alice, carol};
use crate::world::discord::Reply;

/// Part of each secret of these stories, and of nothing else.
const LEAK: &str = "Leak7";

fn secret(n: u32) -> String {
    format!("password={LEAK}x{n}")
}

/// Everything that anybody reads on Discord at this moment.
fn shown(night: &Night) -> String {
    let channels = ["incidents", "storage"].map(|name| night.discord.messages(night.discord.channel(name)));
    format!("{channels:#?}")
}

#[track_caller]
fn leaks_nothing(text: &str) {
    let line = text.lines().find(|line| line.contains(LEAK));
    assert_eq!(line, None);
}

/// Answers a command, whose answer shows no secret either.
async fn asks(night: &Night, line: &str) -> Reply {
    let reply = night.discord.slash(&alice(), night.incidents, line).await;
    leaks_nothing(&format!("{:#?}", reply.message));
    leaks_nothing(&shown(night));
    reply
}

/// The text as a reader sees it: Discord takes a backslash before what it would take for markup.
fn read(reply: &Reply) -> String {
    reply.text().replace('\\', "")
}

#[tokio::test]
async fn what_an_alert_says_is_masked_on_cards_pages_and_questions() {
    let night = Night::on_discord().await;
    let summary = format!("it says {} and pass\u{200b}word={LEAK}\u{200d}q", secret(1));
    let labels = [("severity", "critical"), ("api_token", LEAK), ("note", &secret(2))];
    night.fires("Odd password=Leak7n", &labels, &summary).await;
    night.page("Odd password=").await;
    let card = night.card("INC-1", "Odd password=").await;
    let why = night.discord.presses(&alice(), card.id, &card.button("Why?")).await;
    assert!(why.text().contains("it says password="), "{}", why.text());
    leaks_nothing(&format!("{:#?}", why.message));
    night.fires("DNSSlow", &[("note", &secret(3))], &summary).await;
    let question = night.question("may I do this?").await;
    let denied = night.discord.presses(&alice(), question.id, &question.button("Deny")).await;
    leaks_nothing(&format!("{:#?}", denied.message));
    night.page("DNS is slow").await;
    night.all_is_told().await;
    leaks_nothing(&shown(&night));
    leaks_nothing(&night.metrics());
}

#[tokio::test]
async fn what_people_type_is_masked_in_answers_and_wherever_it_is_told_on() {
    let night = Night::on_discord().await;
    night.fires("DiskSlow", &[("severity", "info")], "the disk is slow").await;
    night.card("INC-1", "open").await;
    for (line, says) in [
        (format!("/ack incident:{}", secret(1)), "is no INC number"),
        (format!("/run playbook:{}", secret(2)), "must stand before"),
        (format!("/run playbook:{} dry_run:true", secret(3)), "must stand before"),
        (format!("/run playbook:dns set:max={} dry_run:true", secret(4)), "it would scale"),
        (format!("/run playbook:dns set:{}", secret(5)), "has no input"),
        (format!("/approve approval:{}", secret(6)), "is no APR number"),
    ] {
        let reply = asks(&night, &line).await;
        assert!(read(&reply).contains(says), "{line}: {}", read(&reply));
    }
    let note = format!("I put {} back, see https://app:{LEAK}@x.example/", secret(7));
    let resolved = asks(&night, &format!("/resolve incident:INC-1 note:{note}")).await;
    assert!(resolved.text().starts_with("INC-1 is resolved"), "{}", resolved.text());
    let card = night.card("INC-1", "alice: I put password=").await;
    leaks_nothing(&format!("{card:#?}"));
    let why = asks(&night, "/why incident:INC-1").await;
    assert!(read(&why).contains("I put password=***"), "{}", read(&why));
    *night.reports.handoff.lock().unwrap() = format!("# Handoff\n{}", secret(8));
    let handoff = asks(&night, "/handoff").await;
    assert!(read(&handoff).contains("password=***"), "{}", read(&handoff));
    let refused = night.discord.slash(&carol(), night.incidents, &format!("/resolve incident:INC-1 note:{note}")).await;
    leaks_nothing(&format!("{:#?}", refused.message));
    night.all_is_told().await;
    leaks_nothing(&shown(&night));
}
