//! Mattermost, by an incoming webhook.

use std::sync::Arc;

use dogwatch::model::PageEvent;
use dogwatch::notify::{MattermostSink, Sink as _, SinkError};
use insta::assert_snapshot;

use super::{SOON, begins, contact, hostile, is_silent, long, paged, refusal, secret};
use crate::bot::minutes;
use crate::budget::fires;
use crate::world::chats::mattermost::{Mattermost, OF_HOOK, Post};

fn sink(mattermost: &Mattermost) -> MattermostSink {
    MattermostSink::new(&secret(&mattermost.hook()), SOON).unwrap()
}

#[tokio::test]
async fn a_page_mentions_who_is_called_and_short_messages_tell_the_rest() {
    let mattermost = Mattermost::start().await;
    let mut bot = begins(vec![Arc::new(sink(&mattermost))]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/resolve INC-1 a `cable`").await;
    let posts = mattermost.posts();
    assert!(posts.iter().all(|post| post.channel == OF_HOOK), "{posts:#?}");
    assert_eq!(posts.iter().map(|post| post.mentions.join(" ")).collect::<Vec<_>>(), ["alice", "", ""]);
    assert!(posts[0].shown().contains("**why a person is needed:**\n```text\n"), "{}", posts[0].shown());
    assert_eq!(posts[0].attachment.as_ref().unwrap()["color"], "#D92D20");
    let texts: Vec<&str> = posts.iter().map(|post| post.text.as_str()).collect();
    assert_snapshot!(texts.join("\n\n"), @"
    📟 @alice, for team `platform`
    `[S1] INC-1 ApiDown namespace=api deployment=api: it is not well`

    👤 `[S1] INC-1 ApiDown namespace=api deployment=api: it is not well`
    `anna has acknowledged it`

    ✅ `[S1] INC-1 (over) ApiDown namespace=api deployment=api: it is not well`
    `resolved by anna: a 'cable'`
    ");
}

#[tokio::test]
async fn a_team_has_a_channel_of_its_own_and_another_one_is_better_than_none() {
    for refused in [
        None,
        Some((404, "web.incoming_webhook.channel")),
        Some((403, "web.incoming_webhook.channel_locked")),
        Some((403, "web.incoming_webhook.permissions")),
    ] {
        let mattermost = Mattermost::start().await;
        if let Some(refused) = refused {
            mattermost.server().refusing.insert("databases".into(), refused);
        }
        let mut bot = begins(vec![Arc::new(sink(&mattermost))]).await;
        bot.types("dan", "/page test databases").await;
        let [post] = &mattermost.posts()[..] else { panic!("{:#?}", mattermost.posts()) };
        assert_eq!(post.channel, if refused.is_some() { OF_HOOK } else { "databases" });
        assert_eq!(post.mentions, ["carol"]);
        let told = "the channel databases of team databases takes no page";
        assert_eq!(post.shown().contains(told), refused.is_some(), "{}", post.shown());
    }
}

#[tokio::test]
async fn texts_of_others_mention_nobody_and_end_no_code() {
    let mattermost = Mattermost::start().await;
    sink(&mattermost).send(&hostile()).await.unwrap();
    let mut news = hostile();
    (news.event, news.outcome) = (Some(PageEvent::Resolve), Some("over: `@all` [x](https://evil.test)".into()));
    sink(&mattermost).send(&news).await.unwrap();
    let posts = mattermost.posts();
    assert!(posts.iter().all(|post| post.mentions.is_empty()), "{posts:#?}");
    // The fence is longer than any in what it holds.
    assert!(posts[0].shown().contains("`````text\n"), "{}", posts[0].shown());
    assert!(posts.iter().all(|post| !post.text.split('`').step_by(2).any(|outside| outside.contains("evil"))));
}

#[tokio::test]
async fn a_page_without_end_fits_and_says_how_to_see_the_rest() {
    let mattermost = Mattermost::start().await;
    for sign in ["x", "`", "é", "\u{1F600}", "a b"] {
        sink(&mattermost).send(&long(sign)).await.unwrap();
        let shown = mattermost.posts().pop().as_ref().map(Post::shown).unwrap();
        assert!(
            shown.contains("/why INC-7 (or: dogwatch why INC-7) tells all") && shown.contains("/ack INC-7"),
            "{shown}"
        );
        assert!(shown.contains("kubectl -n shop get pods"), "{shown}");
    }
}

#[tokio::test]
async fn who_has_no_name_there_is_named_and_a_name_of_all_calls_nobody() {
    let mattermost = Mattermost::start().await;
    let mut parcel = paged();
    parcel.mention = vec![contact("bob", None), contact("eve", Some("channel")), contact("ada", Some("ada.l"))];
    sink(&mattermost).send(&parcel).await.unwrap();
    parcel.mention.clear();
    sink(&mattermost).send(&parcel).await.unwrap();
    let posts = mattermost.posts();
    assert_eq!(posts[0].mentions, ["ada.l"]);
    assert!(posts[0].text.contains("`bob` (of whom oncall.yaml has no name at Mattermost)"), "{}", posts[0].text);
    assert!(posts[1].text.contains("Nobody of team `platform` is on call!"), "{}", posts[1].text);
}

#[tokio::test]
async fn what_mattermost_refuses_says_what_to_do() {
    let mattermost = Mattermost::start().await;
    let error =
        |id: &str| format!(r#"{{"id":"web.incoming_webhook.{id}.app_error","message":"no","status_code":400}}"#);
    for (status, body, next) in [
        (400, error("invalid"), "make a new one, put its URL where `pages.mattermost.url` says"),
        (501, error("disabled"), "enable incoming webhooks in the System Console"),
        (403, error("user"), "whoever made the webhook is there no more"),
        (403, error("permissions"), "whoever made the webhook may post there"),
        (404, "<html>nothing</html>".to_owned(), "check the URL that `pages.mattermost.url` names"),
    ] {
        mattermost.server().faults.refuse(status, &[], &body);
        let refused = refusal(&sink(&mattermost), &paged()).await;
        assert!(refused.is_refusal() && refused.to_string().contains(next), "{refused}");
    }
    for status in [500, 503] {
        mattermost.server().faults.refuse(status, &[], &error("channel"));
        assert!(matches!(refusal(&sink(&mattermost), &paged()).await, SinkError::Retry { after: None, .. }));
    }
    mattermost.server().faults.refuse(429, &[], "limit exceeded");
    assert!(matches!(refusal(&sink(&mattermost), &paged()).await, SinkError::Retry { after: Some(_), .. }));
    for body in ["", "<html></html>", "{\"ok\":true}"] {
        mattermost.server().faults.refuse(200, &[], body);
        let error = refusal(&sink(&mattermost), &paged()).await;
        assert!(is_silent(&error), "{body}: {error}");
    }
    assert!(mattermost.posts().is_empty());
}
