//! A parcel as a message of Discord.

use serenity::all::{
    ButtonStyle as DiscordStyle, ChannelId, CreateActionRow, CreateAllowedMentions, CreateButton, CreateEmbed,
    CreateEmbedFooter, CreateMessage, EditMessage, Message, MessageReference, MessageReferenceKind, Nonce, UserId,
};

use super::reply_to;
use crate::discord::{Place, escape, render_button, show, show_laid_out, title, without_links};
use crate::message::{ButtonStyle, Room, clip};
use crate::model::{Digest, PageEvent};
use crate::notify::{Parcel, ParcelKind};

/// A message that is about to be written or edited.
pub(super) struct Letter {
    /// What a phone shows of it, and where somebody can be mentioned: in an embed nobody is.
    content: String,
    title: String,
    description: String,
    footer: Option<String>,
    colour: u32,
    buttons: Vec<CreateButton>,
    called: Vec<UserId>,
    thread: Option<Place>,
    nonce: String,
}

/// A description may have 4,096 units, of which a link takes up to 130; with 256 for the title that leaves 1,600 of the embed's
/// 6,000 for the footer.
pub(super) const BODY: usize = 3_950;

impl Letter {
    /// `channel`: where it will be. `thread`: the incident's message, which it belongs to.
    pub fn new(parcel: &Parcel, channel: ChannelId, guild: u64, thread: Option<Place>) -> Self {
        let body = match &parcel.page {
            // Laid out once more, as what is escaped is longer.
            Some(page) => show_laid_out(BODY, |room| {
                let body = page.body(Room::Units(room));
                (body.text, body.cut)
            }),
            None => show(&parcel.body, BODY),
        };
        let mut description = body.text;
        // A reply stays within its channel; elsewhere a link has to do.
        if let Some(thread) = thread.filter(|thread| thread.channel != channel) {
            description.push_str(&format!(
                "\n[{}](https://discord.com/channels/{guild}/{}/{})",
                parcel.incident.id, thread.channel, thread.message
            ));
        }
        let called: Vec<UserId> = called(parcel);
        // Forgotten by Discord after some minutes, unique in all channels, at most 25 characters. A message that was deleted
        // is not the one that replaces it.
        let nonce = format!("{channel} {} {}", parcel.key, parcel.previous.as_deref().unwrap_or_default());
        Self {
            content: content(parcel),
            title: title(&parcel.title),
            description,
            footer: body.cut.then(|| format!("shortened; /why {} tells all", parcel.incident.id)),
            colour: parcel.colour.rgb(),
            buttons: buttons(parcel),
            called,
            thread,
            nonce: Digest::of(nonce).as_str().chars().take(25).collect(),
        }
    }

    /// Something that an operator should know, in small print.
    pub fn add_remark(&mut self, remark: &str) {
        let remark = clip(remark, 500);
        self.footer = Some(match self.footer.take() {
            Some(footer) => format!("{footer}\n{remark}"),
            None => remark,
        });
    }

    pub fn create(&self, channel: ChannelId) -> CreateMessage {
        let mut message = CreateMessage::new()
            .content(&self.content)
            .embed(self.embed())
            .components(self.components())
            .allowed_mentions(CreateAllowedMentions::new().users(self.called.clone()).replied_user(false))
            .nonce(Nonce::String(self.nonce.clone()))
            .enforce_nonce(true);
        if let Some(to) = reply_to(self.thread, channel) {
            let reply = MessageReference::new(MessageReferenceKind::Default, channel).message_id(to);
            // Whoever deletes the incident's message must not keep pages from coming.
            message = message.reference_message(reply.fail_if_not_exists(false));
        }
        message
    }

    /// An edit pings nobody, whatever it says.
    pub fn edit(&self) -> EditMessage {
        EditMessage::new()
            .content(&self.content)
            .embed(self.embed())
            .components(self.components())
            .allowed_mentions(CreateAllowedMentions::new().users(self.called.clone()))
    }

    /// Whether that message says the same.
    pub fn is_as_in(&self, message: &Message) -> bool {
        let [embed] = message.embeds.as_slice() else { return false };
        // Discord trims what it stores.
        let same = |there: &Option<String>, here: &str| there.as_deref().unwrap_or_default().trim() == here.trim();
        same(&embed.title, &self.title)
            && same(&embed.description, &self.description)
            && message.components.is_empty() == self.buttons.is_empty()
    }

    fn embed(&self) -> CreateEmbed {
        let embed = CreateEmbed::new().title(&self.title).description(&self.description).colour(self.colour);
        match &self.footer {
            Some(footer) => embed.footer(CreateEmbedFooter::new(footer)),
            None => embed,
        }
    }

    /// Empty takes away the buttons that were there.
    fn components(&self) -> Vec<CreateActionRow> {
        if self.buttons.is_empty() { Vec::new() } else { vec![CreateActionRow::Buttons(self.buttons.clone())] }
    }
}

fn content(parcel: &Parcel) -> String {
    let title = || without_links(&clip(&parcel.title, 240));
    match parcel.kind {
        ParcelKind::Page if is_end(parcel) => {
            let outcome = parcel.outcome.as_deref().unwrap_or_default();
            format!("\u{2705} {}\n**{}**", without_links(&clip(outcome, 240)), title())
        }
        ParcelKind::Page => {
            let called: Vec<String> = parcel
                .mention
                .iter()
                .map(|contact| match contact.address.as_deref().and_then(user_id) {
                    Some(user) => format!("<@{user}>"),
                    None => format!("{} (of whom oncall.yaml has no discord id)", escape(&clip(&contact.name, 80))),
                })
                .collect();
            let team = without_links(&clip(&parcel.team, 80));
            let called = if called.is_empty() {
                format!("Nobody of team {team} is on call!")
            } else {
                format!("{}, for team {team}", called.join(", "))
            };
            format!("\u{1F4DF} {called}\n**{}**", title())
        }
        ParcelKind::Approval if !parcel.buttons.is_empty() => title(),
        // The embed says it all.
        ParcelKind::Card | ParcelKind::Approval | ParcelKind::Notice | ParcelKind::Ticket => String::new(),
    }
}

/// Whom the message may ping; Discord takes up to 100.
fn called(parcel: &Parcel) -> Vec<UserId> {
    if is_end(parcel) {
        return Vec::new();
    }
    let addresses = parcel.mention.iter().filter_map(|contact| contact.address.as_deref());
    addresses.filter_map(user_id).take(100).collect()
}

/// It is told that somebody has it, or that it is over: nobody is called.
fn is_end(parcel: &Parcel) -> bool {
    parcel.event.is_some_and(PageEvent::is_end)
}

fn user_id(address: &str) -> Option<UserId> {
    // The library panics about an id of 0.
    address.parse().ok().filter(|id| *id != 0).map(UserId::new)
}

fn buttons(parcel: &Parcel) -> Vec<CreateButton> {
    let button = |button: &crate::message::Button| {
        let style = match button.style {
            ButtonStyle::Primary => DiscordStyle::Primary,
            ButtonStyle::Secondary => DiscordStyle::Secondary,
            ButtonStyle::Success => DiscordStyle::Success,
            ButtonStyle::Danger => DiscordStyle::Danger,
        };
        let custom_id = render_button(&button.command)?;
        Some(CreateButton::new(custom_id).label(clip(&button.label, 80)).style(style))
    };
    // A row takes five.
    parcel.buttons.iter().filter_map(button).take(5).collect()
}
