//! A page as a message of Slack's: blocks, and a text for notifications.
//!
//! What others have written stands in code or in plain text, where nothing is markup; `&`, `<` and
//! `>` are escaped everywhere else, so that nobody is mentioned and no link hides where it leads.
//!
//! <https://docs.slack.dev/reference/block-kit/blocks>
//! <https://docs.slack.dev/messaging/formatting-message-text#escaping>

use serde_json::{Value, json};

use crate::message::{Link, clip, width};
use crate::notify::chat::{Parts, calls, fitting, how, is_end, is_plain, mark, news};
use crate::notify::{Contact, Parcel, ParcelKind};

/// How much of a page's text is shown: more than a screen or two nobody reads in a chat.
pub(super) const ROOM: usize = 7_000;

/// All texts of a message together: Slack refuses some more than these, and does not document it.
const WHOLE: usize = 11_000;

/// The longest text of a section, of a header, and the most blocks.
const SECTION: usize = 3_000;
const HEADER: usize = 150;
const BLOCKS: usize = 50;

/// What a section of code takes beside its lines: its fence, and a heading.
const FRAME: usize = 200;

/// A message that is about to be written or edited.
#[derive(Debug)]
pub(super) struct Letter {
    /// What notifications show.
    text: String,
    /// All that is said where Slack takes no blocks.
    brief: String,
    blocks: Vec<Value>,
    /// In small print, at the end.
    remarks: Vec<String>,
}

impl Letter {
    /// The whole page.
    pub fn new(parcel: &Parcel) -> Self {
        let title = escape(&clip(&parcel.title, 240));
        let text = format!("{} {title}", escape(&who(parcel)));
        let who =
            if parcel.kind == ParcelKind::Page && !is_end(parcel) { called(parcel) } else { escape(&who(parcel)) };
        let brief = format!("{who}\n{title}\n{}", how(parcel));
        let (blocks, rest) = fitting(ROOM, WHOLE, |room| blocks(parcel, room), |(blocks, _)| texts(blocks));
        Self { text, brief, blocks, remarks: rest.into_iter().collect() }
    }

    /// What became of a page that stands above and cannot be edited.
    pub fn of_news(parcel: &Parcel) -> Self {
        let (title, news) = (clip(&parcel.title, 240), news(parcel));
        let text = format!("{} {}: {}", mark(parcel), escape(&title), escape(&news));
        let blocks = vec![plain(&format!("{} {title}\n{news}", mark(parcel)))];
        Self { brief: text.clone(), text, blocks, remarks: Vec::new() }
    }

    /// Something that an operator should know.
    pub fn add_remark(&mut self, remark: &str) {
        self.remarks.push(clip(remark, 500));
    }

    /// For the webhook of a channel.
    pub fn alone(&self) -> Value {
        let mut blocks = self.blocks.clone();
        // One is kept for what an operator should know.
        blocks.truncate(BLOCKS - 1);
        if !self.remarks.is_empty() {
            let remarks = json!({ "type": "plain_text", "text": self.remarks.join("\n"), "emoji": false });
            blocks.push(json!({ "type": "context", "elements": [remarks] }));
        }
        json!({ "text": self.text, "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
    }

    /// In a few words, as nothing else is taken.
    pub fn brief(&self) -> Value {
        json!({ "text": self.brief, "unfurl_links": false, "unfurl_media": false })
    }

    /// For a bot. `ts`: of the message that it replaces.
    pub fn to(&self, channel: &str, ts: Option<&str>) -> Value {
        addressed(self.alone(), channel, ts)
    }

    pub fn brief_to(&self, channel: &str, ts: Option<&str>) -> Value {
        let mut message = addressed(self.brief(), channel, ts);
        // Else those that were there would stay.
        if let Some(fields) = message.as_object_mut().filter(|_| ts.is_some()) {
            fields.insert("blocks".to_owned(), json!([]));
        }
        message
    }
}

fn addressed(mut message: Value, channel: &str, ts: Option<&str>) -> Value {
    if let Some(fields) = message.as_object_mut() {
        fields.insert("channel".to_owned(), json!(channel));
        fields.extend(ts.map(|ts| ("ts".to_owned(), json!(ts))));
    }
    message
}

/// The blocks in that room, and what is said where something was left out.
fn blocks(parcel: &Parcel, room: usize) -> (Vec<Value>, Option<String>) {
    let parts = Parts::of(parcel, room);
    let title = format!("{} {}", mark(parcel), clip(&parcel.title, 240));
    let header = json!({ "type": "plain_text", "text": clip(&title, HEADER), "emoji": false });
    let mut blocks = vec![json!({ "type": "header", "text": header })];
    if width(&title) > HEADER {
        blocks.push(plain(&parcel.title));
    }
    if parcel.kind == ParcelKind::Page {
        blocks.push(if is_end(parcel) { plain(&news(parcel)) } else { markup(called(parcel)) });
    }
    if !parts.first.is_empty() {
        blocks.push(plain(&parts.first.join("\n")));
    }
    for (heading, lines) in &parts.sections {
        blocks.extend(section(heading, lines));
    }
    blocks.extend(links(&parts.links));
    let rest = parts.rest(parcel);
    (blocks, rest)
}

/// Who is called; each of them is mentioned once, when they are.
fn called(parcel: &Parcel) -> String {
    let team = code(&clip(&parcel.team, 80));
    if parcel.mention.is_empty() {
        return format!("Nobody of team {team} is on call!");
    }
    let calls = calls(parcel);
    let called: Vec<String> = parcel
        .mention
        .iter()
        .map(|contact| match member(contact) {
            Some(member) if calls => format!("<@{member}>"),
            Some(_) => code(&clip(&contact.name, 80)),
            None => format!("{} (of whom oncall.yaml has no id of Slack)", code(&clip(&contact.name, 80))),
        })
        .collect();
    clip_end(&format!("{}, for team {team}", called.join(", ")))
}

/// The same in plain words.
fn who(parcel: &Parcel) -> String {
    if parcel.kind != ParcelKind::Page {
        return mark(parcel).to_owned();
    }
    if is_end(parcel) {
        return format!("{} {}:", mark(parcel), news(parcel));
    }
    let names: Vec<&str> = parcel.mention.iter().map(|contact| contact.name.as_str()).collect();
    let names = if names.is_empty() { "nobody is on call!".to_owned() } else { clip(&names.join(", "), 200) };
    format!("{} {names}:", mark(parcel))
}

fn member(contact: &Contact) -> Option<&str> {
    let is_id = |id: &&str| id.starts_with(['U', 'W']) && id.chars().all(|c| c.is_ascii_alphanumeric());
    contact.address.as_deref().filter(is_id)
}

/// Lines in code, below their heading; as many sections as they need.
fn section(heading: &str, lines: &[String]) -> Vec<Value> {
    let mut sections = Vec::new();
    let (mut held, mut length) = (Vec::new(), 0);
    for line in lines {
        let line = escape(&line.replace("``", "`\u{200b}`"));
        let line = clip_within(&line, SECTION - FRAME);
        if length + width(&line) + 1 > SECTION - FRAME {
            sections.push(std::mem::take(&mut held));
            length = 0;
        }
        length += width(&line) + 1;
        held.push(line);
    }
    sections.push(held);
    let fenced = sections.into_iter().filter(|lines| !lines.is_empty()).enumerate().map(|(n, lines)| {
        let code = format!("```\n{}\n```", lines.join("\n"));
        let heading = escape(&clip(heading, 100));
        markup(if n == 0 && !heading.is_empty() { format!("*{heading}*\n{code}") } else { code })
    });
    fenced.collect()
}

fn links(links: &[Link]) -> Option<Value> {
    let lines = links.iter().map(|link| {
        let url = escape(&link.url);
        if is_plain(&link.url) {
            format!("{}: <{url}>", link.name)
        } else {
            format!("{}: {}", link.name, code(&link.url))
        }
    });
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| markup(lines.join("\n")))
}

/// A section in which Slack changes nothing that is not marked up.
fn markup(text: String) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

fn plain(text: &str) -> Value {
    let text = if text.is_empty() { "-" } else { text };
    json!({ "type": "section", "text": { "type": "plain_text", "text": text, "emoji": false } })
}

fn code(text: &str) -> String {
    format!("`{}`", escape(&text.replace('`', "'")))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What is left of a line that is escaped, without half a sign at its end.
fn clip_within(line: &str, longest: usize) -> String {
    if width(line) <= longest {
        return line.to_owned();
    }
    let mut kept = String::new();
    let mut left = longest.saturating_sub(8);
    for c in line.chars() {
        let Some(rest) = left.checked_sub(c.len_utf16()) else { break };
        left = rest;
        kept.push(c);
    }
    // `&lt` would be shown as it is.
    if let Some(at) = kept.rfind('&').filter(|at| !kept[*at..].contains(';')) {
        kept.truncate(at);
    }
    kept.push('…');
    kept
}

/// A list of names: what does not fit ends between two of them.
fn clip_end(text: &str) -> String {
    if width(text) <= SECTION {
        return text.to_owned();
    }
    let mut kept = String::new();
    for part in text.split_inclusive(", ") {
        if width(&kept) + width(part) > SECTION - 4 {
            break;
        }
        kept.push_str(part);
    }
    kept.push('…');
    kept
}

/// How long all texts of these blocks are together.
fn texts(blocks: &[Value]) -> usize {
    blocks.iter().filter_map(|block| block["text"]["text"].as_str()).map(width).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lines_stand_in_code_that_none_of_them_ends(
            lines in prop::collection::vec("(.|`|<|>|&|@|!|\\*){0,300}", 1..60),
        ) {
            let sections = section("what fires:", &lines);
            let mut told = String::new();
            for section in &sections {
                let text = section["text"]["text"].as_str().unwrap();
                prop_assert!(width(text) <= SECTION);
                let parts: Vec<&str> = text.split("```").collect();
                let [before, code, after] = parts[..] else { panic!("{text}") };
                prop_assert!(after.is_empty() && (before.is_empty() || before == "*what fires:*\n"));
                prop_assert!(!code.contains('<') && !code.contains('>'));
                told.push_str(code.strip_prefix('\n').unwrap());
            }
            let wanted: String = lines.iter().map(|line| format!("{line}\n")).collect();
            prop_assert_eq!(shown(&told).replace('\u{200b}', ""), wanted.replace('\u{200b}', ""));
        }

        #[test]
        fn a_line_without_end_is_cut_between_two_signs(line in "(x|<|&|>){2000,4000}") {
            let sections = section("", std::slice::from_ref(&line));
            prop_assert_eq!(sections.len(), 1);
            let text = sections[0]["text"]["text"].as_str().unwrap();
            let code = shown(text.trim_matches('`').trim_matches('\n'));
            prop_assert!(width(text) <= SECTION);
            prop_assert!(line.starts_with(code.trim_end_matches('…')) || !text.contains('…'));
        }
    }

    #[test]
    fn a_list_of_names_ends_between_two_of_them() {
        let names: Vec<String> = (0..400).map(|n| format!("<@U{n:08}>")).collect();
        let list = clip_end(&names.join(", "));
        assert!(width(&list) <= SECTION && list.ends_with(">, …"), "{list}");
    }
}
