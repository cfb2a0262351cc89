//! A small bot on the real client library.

use std::sync::Arc;

use serenity::all::{
    CommandInteraction, CommandOptionType, ComponentInteraction, Context, CreateCommand, CreateCommandOption,
    CreateEmbed, CreateInteractionResponse, CreateInteractionResponseFollowup, CreateInteractionResponseMessage,
    EditInteractionResponse, EventHandler, GatewayIntents, GuildId, Http, Interaction, Ready, ResolvedValue,
};
use serenity::client::ClientBuilder;
use serenity::gateway::ShardManager;
use serenity::http::HttpError;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::world::discord::{Discord, User};

pub const ALICE: u64 = 501;

pub fn alice() -> User {
    User::new("alice", ALICE)
}

pub fn code(error: &serenity::Error) -> (u16, isize) {
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            (response.status_code.as_u16(), response.error.code)
        }
        other => panic!("not an answer of the API: {other:?}"),
    }
}

/// Path and code of what a form's error names.
pub fn form_errors(error: &serenity::Error) -> Vec<(String, String)> {
    match error {
        serenity::Error::Http(HttpError::UnsuccessfulRequest(response)) => {
            response.error.errors.iter().map(|error| (error.path.clone(), error.code.clone())).collect()
        }
        other => panic!("not an answer of the API: {other:?}"),
    }
}

pub struct Bot {
    pub http: Arc<Http>,
    shards: Arc<ShardManager>,
    run: JoinHandle<serenity::Result<()>>,
    failures: Mutex<UnboundedReceiver<serenity::Error>>,
}

impl Bot {
    pub async fn start(discord: &Discord) -> Self {
        let http = discord.http();
        let gateway = http.get_gateway().await.expect("ask for the gateway").url;
        let (failed, failures) = unbounded_channel();
        let guild = GuildId::new(discord.guild_id());
        let mut client = ClientBuilder::new_with_http(http, GatewayIntents::empty())
            .event_handler(Handler { guild, failed })
            .await
            .expect("build the client");
        // What the builder found out itself may be the real Discord.
        *client.ws_url.lock().await = gateway;
        let (http, shards) = (client.http.clone(), client.shard_manager.clone());
        let run = tokio::spawn(async move { client.start().await });
        Self { http, shards, run, failures: Mutex::new(failures) }
    }

    pub async fn stop(mut self) -> serenity::Result<()> {
        self.shards.shutdown_all().await;
        (&mut self.run).await.expect("the client does not panic")
    }

    /// Waits until an answer to an interaction was refused.
    pub async fn wait_for_failure(&self) -> serenity::Error {
        self.failures.lock().await.recv().await.expect("the bot lives")
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.run.abort();
    }
}

pub fn commands() -> Vec<CreateCommand> {
    let text =
        |name: &str, required: bool| CreateCommandOption::new(CommandOptionType::String, name, name).required(required);
    let urgent = CreateCommandOption::new(CommandOptionType::Boolean, "urgent", "urgent");
    let who = CreateCommandOption::new(CommandOptionType::SubCommand, "who", "Who is on call")
        .add_sub_option(text("team", true));
    vec![
        CreateCommand::new("ack")
            .description("Acknowledge an incident")
            .add_option(text("incident", true))
            .add_option(text("note", false))
            .add_option(urgent),
        CreateCommand::new("echo").description("Say it again").add_option(text("text", true)),
        CreateCommand::new("oncall").description("On call").add_option(who),
    ]
}

struct Handler {
    guild: GuildId,
    failed: UnboundedSender<serenity::Error>,
}

#[async_trait::async_trait]
impl EventHandler for Handler {
    async fn ready(&self, context: Context, _: Ready) {
        self.guild.set_commands(&context.http, commands()).await.expect("register the commands");
    }

    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        let answered = match &interaction {
            Interaction::Command(command) => on_command(&context, command).await,
            Interaction::Component(component) => on_button(&context, component).await,
            _ => Ok(()),
        };
        if let Err(error) = answered {
            // Nobody listens any more when the test is over.
            let _ = self.failed.send(error);
        }
    }
}

async fn on_command(context: &Context, command: &CommandInteraction) -> serenity::Result<()> {
    let value =
        |name: &str| command.data.options.iter().find(|option| option.name == name).map(|option| option.value.clone());
    let text = |name: &str| value(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let say = |content: String| CreateInteractionResponseMessage::new().content(content);
    match command.data.name.as_str() {
        "ack" => {
            command.defer(context).await?;
            let roles = command.member.as_ref().map(|member| member.roles.clone()).unwrap_or_default();
            let urgent = if value("urgent").and_then(|value| value.as_bool()) == Some(true) { ", urgent" } else { "" };
            let said = format!(
                "{} ({}) with roles {:?} acks {}: {}{urgent}",
                command.user.name,
                command.user.id,
                roles.iter().map(|role| role.get()).collect::<Vec<_>>(),
                text("incident"),
                text("note")
            );
            let embed = CreateEmbed::new().title(text("incident")).field("owner", &command.user.name, true);
            command.edit_response(context, EditInteractionResponse::new().content(said).embed(embed)).await?;
            let noted = CreateInteractionResponseFollowup::new().content("noted").ephemeral(true);
            command.create_followup(context, noted).await?;
        }
        "oncall" => {
            let ResolvedValue::SubCommand(options) = &command.data.options()[0].value else {
                return Ok(());
            };
            let ResolvedValue::String(team) = options[0].value else {
                return Ok(());
            };
            let answer = say(format!("on call for {team}")).ephemeral(true);
            command.create_response(context, CreateInteractionResponse::Message(answer)).await?;
        }
        _ => command.create_response(context, CreateInteractionResponse::Message(say(text("text")))).await?,
    }
    Ok(())
}

async fn on_button(context: &Context, button: &ComponentInteraction) -> serenity::Result<()> {
    let said = format!("{} pressed {}", button.user.name, button.data.custom_id);
    let message = CreateInteractionResponseMessage::new().content(&said);
    match button.data.custom_id.as_str() {
        "update" => button.create_response(context, CreateInteractionResponse::UpdateMessage(message)).await,
        "defer" => {
            button.create_response(context, CreateInteractionResponse::Acknowledge).await?;
            button.edit_response(context, EditInteractionResponse::new().content(said)).await.map(drop)
        }
        _ => button.create_response(context, CreateInteractionResponse::Message(message.ephemeral(true))).await,
    }
}
