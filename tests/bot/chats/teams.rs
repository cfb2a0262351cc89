//! Microsoft Teams, by webhooks of Workflows.

use std::collections::BTreeMap;
use std::sync::Arc;

use dogwatch::model::PageEvent;
use dogwatch::notify::{Sink as _, SinkError, TeamsSink};
use insta::assert_snapshot;

use super::{SOON, begins, contact, hostile, is_silent, long, paged, refusal, secret};
use crate::bot::minutes;
use crate::budget::fires;
use crate::world::chats::teams::{Card, Teams};

fn sink(teams: &Teams) -> TeamsSink {
    let of_teams = BTreeMap::from([("databases".to_owned(), secret(&teams.workflow("databases")))]);
    TeamsSink::new(&secret(&teams.workflow("all")), &of_teams, SOON).unwrap()
}

#[tokio::test]
async fn a_page_is_a_card_and_short_ones_tell_the_rest() {
    let teams = Teams::start().await;
    let mut bot = begins(vec![Arc::new(sink(&teams))]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/resolve INC-1 a cable").await;
    let cards = teams.cards();
    assert!(cards.iter().all(|card| card.workflow == "all"), "{cards:#?}");
    assert_eq!(cards.iter().map(|card| card.mentions.join(" ")).collect::<Vec<_>>(), ["alice@example.org", "", ""]);
    let first: Vec<String> = cards[0].shown().lines().take(5).map(str::to_owned).collect();
    assert_snapshot!(first.join("\n"), @"
    📟 [S1] INC-1 ApiDown namespace=api deployment=api: it is not well
    <at>alice</at>
    for team platform
    why a person is needed:
    it is S1, which pages at once; no playbook is run for it
    ");
    let short: Vec<String> = cards[1..].iter().map(Card::shown).collect();
    assert_snapshot!(short.join("\n\n"), @"
    👤 [S1] INC-1 ApiDown namespace=api deployment=api: it is not well
    anna has acknowledged it

    ✅ [S1] INC-1 (over) ApiDown namespace=api deployment=api: it is not well
    resolved by anna: a cable
    ");
}

#[tokio::test]
async fn a_team_has_a_workflow_of_its_own_and_another_one_is_better_than_none() {
    for is_off in [false, true] {
        let teams = Teams::start().await;
        if is_off {
            teams.tenant().off.push("databases");
        }
        let mut bot = begins(vec![Arc::new(sink(&teams))]).await;
        bot.types("dan", "/page test databases").await;
        let [card] = &teams.cards()[..] else { panic!("{:#?}", teams.cards()) };
        assert_eq!(card.workflow, if is_off { "all" } else { "databases" });
        assert_eq!(card.mentions, ["carol@example.org"]);
        let told = "the workflow of `pages.teams.team_urls.databases` takes no page";
        assert_eq!(card.shown().contains(told), is_off, "{}", card.shown());
        assert!(!card.shown().contains("sig="), "{}", card.shown());
    }
}

#[tokio::test]
async fn texts_of_others_mention_nobody_and_are_no_markup() {
    let teams = Teams::start().await;
    let mut parcel = hostile();
    parcel.mention.push(contact("a *b* [c](https://evil.test) <at>d</at>", Some("ada@example.org")));
    parcel.mention.push(contact("a *b* [c](https://evil.test) <at>d</at>", Some("eve@example.org")));
    sink(&teams).send(&parcel).await.unwrap();
    let [card] = &teams.cards()[..] else { panic!() };
    assert_eq!(card.mentions, ["ada@example.org", "eve@example.org"]);
    let texts = card.content["body"].as_array().unwrap().iter().filter(|element| element["type"] == "TextBlock");
    let marked: Vec<&str> = texts.map(|element| element["text"].as_str().unwrap()).collect();
    let [marked] = marked[..] else { panic!("{marked:#?}") };
    assert!(!marked.contains('[') && !marked.contains('*') && marked.matches("<at>").count() == 2, "{marked}");
    let actions = card.content["actions"].as_array().unwrap();
    assert!(actions.iter().all(|action| action["url"].as_str().unwrap().starts_with("https://")), "{actions:#?}");
}

#[tokio::test]
async fn a_page_without_end_fits_and_says_how_to_see_the_rest() {
    let teams = Teams::start().await;
    for sign in ["x", "\"", "é", "\u{1F600}", "a b", "漢"] {
        sink(&teams).send(&long(sign)).await.unwrap();
        let shown = teams.cards().pop().as_ref().map(Card::shown).unwrap();
        assert!(
            shown.contains("/why INC-7 (or: dogwatch why INC-7) tells all") && shown.contains("/ack INC-7"),
            "{shown}"
        );
        assert!(shown.contains("kubectl -n shop get pods"), "{shown}");
    }
}

#[tokio::test]
async fn the_yes_of_a_workflow_is_202() {
    let teams = Teams::start().await;
    for (status, body) in [
        (200, "<html>log in to the hotel's network</html>"),
        (200, "1"),
        (200, ""),
        (202, "<html></html>"),
        (202, r#"{"error":{"code":"x"}}"#),
    ] {
        teams.tenant().faults.refuse(status, &[], body);
        let error = refusal(&sink(&teams), &paged()).await;
        assert!(is_silent(&error), "{body}: {error}");
    }
    teams.tenant().faults.answer_after(202, r#"{"runId":"08584"}"#);
    assert_eq!(sink(&teams).send(&paged()).await, Ok(None));
    assert_eq!(teams.cards().len(), 1);
}

#[tokio::test]
async fn what_teams_refuses_says_what_to_do_and_not_where() {
    let teams = Teams::start().await;
    let error = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#);
    for (status, body, next) in [
        (401, error("DirectApiAuthorizationRequired"), "with `sig=` at its end"),
        (404, error("WorkflowNotFound"), "make a new one, put its URL where `pages.teams` says"),
        (400, error("WorkflowTriggerIsNotEnabled"), "switch the workflow on again"),
        (400, error("TriggerInputSchemaMismatch"), "\"When a Teams webhook request is received\""),
        (413, String::new(), "please report it"),
    ] {
        teams.tenant().faults.refuse(status, &[], &body);
        let refused = refusal(&sink(&teams), &paged()).await;
        assert!(refused.is_refusal() && refused.to_string().contains(next), "{refused}");
        assert!(!refused.to_string().contains("/workflows/"), "{refused}");
    }
    teams.tenant().faults.refuse(429, &[("retry-after", "20")], &error("TooManyRequests"));
    let SinkError::Retry { after, .. } = refusal(&sink(&teams), &paged()).await else { panic!() };
    assert_eq!(after.map(|after| after.as_secs()), Some(20));
    teams.tenant().faults.refuse(502, &[], &error("NoResponse"));
    assert!(matches!(refusal(&sink(&teams), &paged()).await, SinkError::Retry { .. }));
    // The URL without what proves who asks.
    let url = teams.workflow("all");
    let cut = url.split("&sig").next().unwrap();
    let sink = TeamsSink::new(&secret(cut), &BTreeMap::new(), SOON).unwrap();
    assert!(refusal(&sink, &paged()).await.to_string().contains("DirectApiAuthorizationRequired"));
}

#[tokio::test]
async fn an_update_says_why_and_where_to_look() {
    let teams = Teams::start().await;
    let mut parcel = paged();
    parcel.event = Some(PageEvent::Update);
    sink(&teams).send(&parcel).await.unwrap();
    let shown = teams.cards()[0].shown();
    assert!(
        shown.contains("there is more to say: S1 pages at once; /why INC-7 (or: dogwatch why INC-7) tells all"),
        "{shown}"
    );
}
