//! Somebody is woken.

use super::night::{ALICE, BOB, Night, alice, bob, options, title};
use crate::world::discord::Mention;

async fn telling() -> Night {
    let mut night = Night::falls().await;
    night.tells(&options(&night.discord));
    night
}

#[tokio::test]
async fn a_page_calls_the_one_on_call_and_is_acknowledged_by_a_button() {
    let mut night = telling().await;
    night.listens().await.unwrap();
    night.fires("DatabaseDown", &[("severity", "critical")], "orders is down").await;
    let page = night.page("orders is down").await;
    assert_eq!(page.pinged, [Mention::User(ALICE)]);
    assert_eq!(page.channel, night.incidents);
    assert!(
        page.content.contains(&format!("<@{ALICE}>, for team platform")) && page.content.contains("orders is down"),
        "{}",
        page.content
    );
    assert!(title(&page).starts_with("[S1] INC-1 DatabaseDown: orders is down"), "{}", title(&page));
    assert!(page.text().contains("why a person is needed:"), "{}", page.text());

    let ack = night.discord.presses(&alice(), page.id, &page.button("Acknowledge")).await;
    assert_eq!(ack.text(), "INC-1 is yours: DatabaseDown: orders is down");
    let again = night.discord.presses(&alice(), page.id, &page.button("Acknowledge")).await;
    assert_eq!(again.text(), "INC-1 is yours already");
    let bob = night.discord.presses(&bob(), page.id, &page.button("Acknowledge")).await;
    assert_eq!(bob.text(), "INC-1 is yours now; it was alice's");
    night.all_is_told().await;
    let pages = night.discord.messages(night.incidents).into_iter().filter(|message| !message.pinged.is_empty());
    assert_eq!(pages.count(), 1, "nobody is called twice");
}

#[tokio::test]
async fn a_team_is_paged_in_its_own_channel() {
    let night = telling().await;
    night.fires("DatabaseDown", &[("severity", "critical"), ("team", "storage")], "orders is down").await;
    let page = night.page("orders is down").await;
    assert_eq!((page.channel, page.pinged.as_slice()), (night.discord.channel("storage"), &[Mention::User(BOB)][..]));
    assert_eq!(night.card("INC-1", "orders is down").await.channel, night.incidents);
}

#[tokio::test]
async fn a_page_belongs_to_the_incidents_message() {
    let night = telling().await;
    // Without a page first, so that there is a message to belong to.
    night.fires("DNSSlow", &[], "").await;
    let card = night.card("INC-1", "DNS is slow").await;
    let question = night.question("may I do this?").await;
    assert_eq!(question.replies_to, Some(card.id));
}

#[tokio::test]
async fn a_page_whose_answer_was_lost_calls_once() {
    let night = telling().await;
    night.discord.loses_next_answer_on("POST /channels/");
    night.fires("DatabaseDown", &[("severity", "critical")], "orders is down").await;
    night.failed_deliveries(1).await;
    night.card("INC-1", "orders is down").await;
    night.all_is_told().await;
    let pages = night.discord.messages(night.incidents).into_iter().filter(|message| !message.pinged.is_empty());
    assert_eq!(pages.count(), 1);
}

#[tokio::test]
async fn a_page_for_a_channel_that_is_not_there_comes_to_the_bots_own() {
    let discord = crate::world::discord::Discord::start().await;
    let mut night = Night::with_storage_channel(discord, 770_000_000_000_000_077).await;
    night.tells(&options(&night.discord));
    night.fires("DatabaseDown", &[("severity", "critical"), ("team", "storage")], "orders is down").await;
    let page = night.page("orders is down").await;
    assert_eq!((page.channel, page.pinged.as_slice()), (night.incidents, &[Mention::User(BOB)][..]));
    assert!(page.text().contains("the channel 770000000000000077 of team storage takes no page: discord refuses it (404, code 10003): Unknown Channel; set it right in oncall.yaml"), "{}", page.text());
}

#[tokio::test]
async fn a_hostile_alert_wakes_nobody_else() {
    let night = telling().await;
    let hostile = "@everyone @here <@300000000000000502> <@&7> https://evil.test **x**";
    night.fires("DatabaseDown", &[("severity", "critical"), ("instance", hostile)], hostile).await;
    let page = night.page("evil").await;
    assert_eq!(page.pinged, [Mention::User(ALICE)]);
    assert!(!page.content.contains("https://") && !page.content.contains("@everyone"), "{}", page.content);
    let card = night.card("INC-1", "evil").await;
    assert!(card.pinged.is_empty());
}
