//! Messages, their limits, and what goes wrong with requests.

use std::time::Duration;

use serde_json::{Value, json};
use serenity::all::{
    ChannelId, CreateAllowedMentions, CreateAttachment, CreateEmbed, CreateMessage, EditMessage, GetMessages, GuildId,
    MessageId, Nonce, RoleId, UserId,
};
use tokio::time::Instant;

use super::small_bot::{ALICE, code, form_errors};
use crate::world::discord::{Discord, File, Mention};

#[tokio::test]
async fn the_same_nonce_makes_one_message_for_some_minutes() {
    let discord = Discord::start().await;
    let http = discord.http();
    let incidents = discord.channel("incidents");
    let page =
        |text: &str| CreateMessage::new().content(text).nonce(Nonce::String("page-17-1".into())).enforce_nonce(true);
    let first = ChannelId::new(incidents).send_message(&http, page("INC-1")).await.expect("post");
    let second = ChannelId::new(incidents).send_message(&http, page("INC-1 again")).await.expect("post again");
    assert_eq!((first.id, second.content.as_str()), (second.id, "INC-1"));
    assert_eq!(discord.messages(incidents).len(), 1);

    let unenforced = page("other").enforce_nonce(false);
    ChannelId::new(incidents).send_message(&http, unenforced).await.expect("post");
    discord.forgets_nonces();
    ChannelId::new(incidents).send_message(&http, page("later")).await.expect("post");
    assert_eq!(
        discord.messages(incidents).iter().map(|message| message.text()).collect::<Vec<_>>(),
        ["INC-1", "other", "later"]
    );

    let long = CreateMessage::new().content("x").nonce(Nonce::String("n".repeat(26)));
    let refused = ChannelId::new(incidents).send_message(&http, long).await.expect_err("a nonce of 26 characters");
    assert_eq!(form_errors(&refused), [("nonce".to_owned(), "BASE_TYPE_MAX_LENGTH".to_owned())]);
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_message() {
    let discord = Discord::start().await;
    let http = discord.http();
    let incidents = discord.channel("incidents");
    discord.loses_next_answer_on("POST /channels/");
    let page = || CreateMessage::new().content("INC-1").nonce(Nonce::Number(17)).enforce_nonce(true);
    let lost = ChannelId::new(incidents).send_message(&http, page()).await.expect_err("a lost answer");
    assert_eq!(code(&lost).0, 504);
    ChannelId::new(incidents).send_message(&http, page()).await.expect("post");
    assert_eq!(discord.messages(incidents).len(), 1);
}

#[tokio::test]
async fn a_request_that_is_never_answered() {
    let discord = Discord::start().await;
    let http = discord.http();
    discord.never_answers_next_on("GET /users/@me");
    let hung = tokio::time::timeout(Duration::from_millis(200), http.get_current_user()).await;
    assert!(hung.is_err());
    assert!(discord.requests().is_empty());
    http.get_current_user().await.expect("only the next one hangs");
}

#[tokio::test]
async fn messages_are_edited_read_and_deleted() {
    let discord = Discord::start().await;
    let http = discord.http();
    let (id, incidents) = (discord.channel("incidents"), ChannelId::new(discord.channel("incidents")));
    let mut sent = incidents.send_message(&http, CreateMessage::new().content("INC-1 open")).await.expect("post");
    sent.edit(&http, EditMessage::new().content("INC-1 fixed").embed(CreateEmbed::new().title("done")))
        .await
        .expect("edit");
    let file = CreateAttachment::bytes("# Shift\r\n\r\n- quiet\n", "handoff.md");
    let with_file = CreateMessage::new().content("handoff").add_file(file).reference_message(&sent);
    let reply = incidents.send_message(&http, with_file).await.expect("post a file");

    let seen = discord.messages(id);
    assert_eq!((seen[0].text().as_str(), seen[0].edits), ("INC-1 fixed\ndone", 1));
    assert_eq!(seen[1].files, [File { name: "handoff.md".into(), bytes: b"# Shift\r\n\r\n- quiet\n".to_vec() }]);
    assert_eq!(seen[1].replies_to, Some(sent.id.get()));
    let newest = incidents.messages(&http, GetMessages::new().limit(1)).await.expect("list");
    assert_eq!((newest.len(), newest[0].id, newest[0].attachments.len()), (1, reply.id, 1));
    assert!(incidents.message(&http, sent.id).await.expect("read").edited_timestamp.is_some());
    assert_eq!(
        incidents.to_channel(&http).await.expect("read the channel").guild().map(|it| it.name),
        Some("incidents".into())
    );

    incidents.delete_message(&http, sent.id).await.expect("delete");
    let gone = incidents.message(&http, sent.id).await.expect_err("a deleted message");
    assert_eq!(code(&gone), (404, 10008));
    let nowhere =
        ChannelId::new(77).send_message(&http, CreateMessage::new().content("x")).await.expect_err("no such channel");
    assert_eq!(code(&nowhere), (404, 10003));
}

#[tokio::test]
async fn whom_a_message_notifies() {
    let discord = Discord::start().await;
    let http = discord.http();
    let (id, sre) = (discord.channel("pages"), discord.role("sre"));
    let channel = ChannelId::new(id);
    let content = format!("<@{ALICE}> <@&{sre}> @everyone <@777>");
    let all = CreateMessage::new().content(&content);
    channel.send_message(&http, all).await.expect("post");
    let some = CreateAllowedMentions::new().users([UserId::new(ALICE)]).roles([RoleId::new(sre)]);
    let mut sent =
        channel.send_message(&http, CreateMessage::new().content(&content).allowed_mentions(some)).await.expect("post");
    sent.edit(&http, EditMessage::new().content("<@888>")).await.expect("edit");
    let none = CreateAllowedMentions::new();
    channel.send_message(&http, CreateMessage::new().content(&content).allowed_mentions(none)).await.expect("post");

    let pinged: Vec<_> = discord.messages(id).into_iter().map(|message| message.pinged).collect();
    let (alice, other) = (Mention::User(ALICE), Mention::User(777));
    assert_eq!(pinged[0], [alice, Mention::Role(sre), other, Mention::Everyone]);
    assert_eq!(pinged[1], [alice, Mention::Role(sre)], "an edit notifies nobody");
    assert_eq!(pinged[2], []);
    let roles = GuildId::new(discord.guild_id()).roles(&http).await.expect("read the roles");
    assert_eq!(roles[&RoleId::new(sre)].name, "sre");
}

#[tokio::test]
async fn discords_limits_hold() {
    let discord = Discord::start().await;
    let http = discord.http();
    let channel = ChannelId::new(discord.channel("incidents"));
    let button = |id: &str| json!({ "type": 2, "style": 1, "label": "b", "custom_id": id });
    let row = |buttons: Vec<Value>| json!({ "type": 1, "components": buttons });
    let ids = |count: usize| (0..count).map(|n| button(&format!("b{n}"))).collect::<Vec<_>>();
    let rows = |count: usize| (0..count).map(|n| row(vec![button(&format!("r{n}"))])).collect::<Vec<_>>();
    let field = json!({ "name": "n", "value": "v" });
    let cases = [
        (json!({ "content": "x".repeat(2001) }), "content", "BASE_TYPE_MAX_LENGTH"),
        (json!({ "embeds": vec![json!({ "title": "t" }); 11] }), "embeds", "BASE_TYPE_MAX_LENGTH"),
        (json!({ "embeds": [{ "title": "x".repeat(257) }] }), "embeds.0.title", "BASE_TYPE_MAX_LENGTH"),
        (json!({ "embeds": [{ "description": "x".repeat(4097) }] }), "embeds.0.description", "BASE_TYPE_MAX_LENGTH"),
        (json!({ "embeds": [{ "fields": vec![field; 26] }] }), "embeds.0.fields", "BASE_TYPE_MAX_LENGTH"),
        (
            json!({ "embeds": [{ "fields": [{ "name": "n", "value": "x".repeat(1025) }] }] }),
            "embeds.0.fields.0.value",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            json!({ "embeds": [{ "fields": [{ "name": "n", "value": "" }] }] }),
            "embeds.0.fields.0.value",
            "BASE_TYPE_REQUIRED",
        ),
        (
            json!({ "embeds": [{ "footer": { "text": "x".repeat(2049) } }] }),
            "embeds.0.footer.text",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (json!({ "embeds": vec![json!({ "description": "x".repeat(3001) }); 2] }), "embeds", "MAX_EMBED_SIZE_EXCEEDED"),
        (json!({ "components": rows(6) }), "components", "BASE_TYPE_MAX_LENGTH"),
        (json!({ "components": [row(ids(6))] }), "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (json!({ "components": [row(vec![])] }), "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (
            json!({ "components": [row(vec![button(&"x".repeat(101))])] }),
            "components.0.components.0.custom_id",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            json!({ "components": [row(vec![button("a"), button("a")])] }),
            "components.0.components.1.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            json!({ "content": "x", "allowed_mentions": { "parse": ["users"], "users": ["1"] } }),
            "allowed_mentions",
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
    ];
    for (body, path, wanted) in cases {
        let refused = http.send_message(channel, vec![], &body).await.expect_err(wanted);
        assert_eq!(code(&refused), (400, 50035), "{body}");
        assert_eq!(form_errors(&refused), [(path.to_owned(), wanted.to_owned())], "{body}");
    }
    let empty = http.send_message(channel, vec![], &json!({ "content": " " })).await.expect_err("an empty message");
    assert_eq!(code(&empty), (400, 50006));
    for body in [
        json!({ "content": "x".repeat(2000) }),
        json!({ "components": rows(5) }),
        json!({ "components": [row(ids(5))] }),
    ] {
        http.send_message(channel, vec![], &body).await.expect("at the limit");
    }
    assert_eq!(discord.messages(channel.get()).len(), 3, "nothing that was refused was written");
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_by_the_clients_limiter() {
    let discord = Discord::start().await;
    let http = discord.http_with_limiter();
    let id = discord.channel("incidents");
    discord.fails_next(429, Some(Duration::from_millis(700)));
    let began = Instant::now();
    ChannelId::new(id).send_message(&http, CreateMessage::new().content("INC-1")).await.expect("post");
    // Discord's header is in whole seconds.
    assert!(began.elapsed() >= Duration::from_secs(1), "waited only {:?}", began.elapsed());
    let answers: Vec<_> = discord.requests().iter().map(|request| request.status).collect();
    assert_eq!((answers, discord.messages(id).len()), (vec![429, 200], 1));
}

#[tokio::test]
async fn without_the_limiter_a_rate_limit_is_an_error() {
    let discord = Discord::start().await;
    let http = discord.http();
    let id = discord.channel("incidents");
    discord.fails_next_on("POST /channels/", 429, Some(Duration::from_millis(700)));
    discord.fails_next(500, None);
    let user = http.get_current_user().await.expect_err("a fault of the server");
    assert_eq!(code(&user).0, 500);
    let limited =
        ChannelId::new(id).send_message(&http, CreateMessage::new().content("x")).await.expect_err("a rate limit");
    assert_eq!(code(&limited).0, 429);
    http.edit_message(id.into(), MessageId::new(1), &json!({ "content": "x" }), vec![])
        .await
        .expect_err("no such message");
    let last = discord.requests().pop().expect("a request");
    assert_eq!((last.method.as_str(), last.path, last.status), ("PATCH", format!("/channels/{id}/messages/1"), 404));
}
