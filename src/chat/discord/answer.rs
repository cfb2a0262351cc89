//! An answer as a message of Discord.

use serenity::all::{CreateAllowedMentions, CreateAttachment, CreateEmbed, CreateEmbedFooter, EditInteractionResponse};

use crate::chat::Reply;
use crate::discord::{code_block, without_links};
use crate::message::width;

/// An answer that is about to be given.
pub(super) struct Answer {
    text: String,
    /// The command, as it would be asked on a command line.
    line: String,
}

/// A message's text may have 2,000 units.
const CONTENT: usize = 2_000;
/// An embed's description may have 4,096 units.
const BLOCK: usize = 4_000;
/// Discord takes 10 MiB in a message; more than this nobody reads.
const FILE_BYTES: usize = 1024 * 1024;

impl Answer {
    pub fn new(reply: Reply, line: &str) -> Self {
        Self { text: reply.text, line: line.to_owned() }
    }

    /// A sentence stands as it is; more becomes a block, in which columns hold. What is too long for that is shortened, and
    /// follows whole in a file (`with_file`) where files are taken.
    pub fn message(&self, with_file: bool) -> EditInteractionResponse {
        let message = EditInteractionResponse::new().allowed_mentions(CreateAllowedMentions::new());
        let sentence = without_links(&self.text);
        if !self.text.contains('\n') && width(&sentence) <= CONTENT {
            return message.content(sentence);
        }
        let block = code_block(&self.text, BLOCK);
        let embed = CreateEmbed::new().description(block.text);
        if !block.cut {
            return message.embed(embed);
        }
        let rest = if with_file {
            "shortened; the attached file has it all".to_owned()
        } else {
            format!("shortened; on a command line `dogwatch {}` tells all", self.line)
        };
        let message = message.embed(embed.footer(CreateEmbedFooter::new(rest)));
        if with_file { message.new_attachment(self.file()) } else { message }
    }

    /// Whether there is a file to attach.
    pub fn is_long(&self) -> bool {
        let is_sentence = !self.text.contains('\n') && width(&without_links(&self.text)) <= CONTENT;
        !is_sentence && code_block(&self.text, BLOCK).cut
    }

    fn file(&self) -> CreateAttachment {
        let mut bytes = self.text.as_bytes().to_vec();
        if bytes.len() > FILE_BYTES {
            let end = (0..=FILE_BYTES).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
            bytes.truncate(end);
            bytes.extend_from_slice(b"\n... cut here\n");
        }
        let name: String = self
            .line
            .chars()
            .take(40)
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
            .collect();
        CreateAttachment::bytes(bytes, format!("{}.txt", name.trim_matches('-').to_ascii_lowercase()))
    }
}
