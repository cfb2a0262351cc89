//! A page in the room that its receiver has: what matters least gives way first.

use super::PageText;
use crate::message::text::{clip, cut, fold, width};

/// How much of a page's text a receiver takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Whole,
    /// In units ([`width`]).
    Units(usize),
}

/// A page's text as a receiver has room for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    pub text: String,
    /// Something was left out.
    pub cut: bool,
}

/// The longest of what is never cut any further: a reason is a sentence, and what to type some
/// lines.
pub(super) const REASON: usize = 1_000;
pub(super) const NEXT: usize = 1_200;
pub(super) const FIRST: usize = 300;
pub(super) const ACK: usize = 200;

/// In so much room, whatever else there is, stand the reason and what to type.
pub const LEAST_ROOM: usize = FIRST + REASON + NEXT + ACK + 200;

/// A heading and its lines.
struct Section<'a> {
    heading: &'a str,
    lines: Vec<String>,
}

impl Section<'_> {
    fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// With the end of its last line, and the empty line that parts it from the next section.
    fn width(&self) -> usize {
        if self.is_empty() { 0 } else { width_of(&self.lines) + self.frame() }
    }

    fn frame(&self) -> usize {
        width(self.heading) + 2
    }
}

/// The sections in the order in which they stand.
const REASON_AT: usize = 0;
const FIRES_AT: usize = 1;
const PLAYBOOK_AT: usize = 2;
const FOUND_AT: usize = 3;
const TRIED_AT: usize = 4;
const CHANGED_AT: usize = 5;
const FOLDED_AT: usize = 6;
const NEXT_AT: usize = 7;
const LINKS_AT: usize = 8;
const ACK_AT: usize = 9;

/// Who gets what the reason, the next command and the first link leave: evidence comes last.
const IN_TURN: [usize; 7] = [FIRES_AT, FOLDED_AT, PLAYBOOK_AT, LINKS_AT, TRIED_AT, CHANGED_AT, FOUND_AT];

impl PageText {
    /// The text under the title, no longer than `room`. From [`LEAST_ROOM`] on, the reason and what
    /// to type are whole.
    pub fn body(&self, room: Room) -> Body {
        let (first, sections, cut) = self.arranged(room);
        let text = assemble(first, &sections);
        match room {
            // Only a room in which not even the reason has its own.
            Room::Units(room) if width(&text) > room => Body { text: cut_lines(&text, room), cut },
            Room::Units(_) | Room::Whole => Body { text, cut },
        }
    }

    /// What stands before all else, and the sections as they fit into `room`: heading and lines.
    pub fn sections_in(&self, room: usize) -> (Vec<String>, Vec<(String, Vec<String>)>) {
        let (first, sections, _) = self.arranged(Room::Units(room));
        let told = sections.into_iter().filter(|section| !section.is_empty());
        (first, told.map(|section| (section.heading.to_owned(), section.lines)).collect())
    }

    /// What is kept of it, and whether something was left out.
    fn arranged(&self, room: Room) -> (Vec<String>, Vec<Section<'_>>, bool) {
        let whole = self.sections();
        let first: Vec<String> = self.first.iter().map(|first| clip(first, FIRST)).collect();
        let Room::Units(room) = room else { return (first, whole.into(), false) };
        if width(&assemble(first.clone(), &whole)) <= room {
            return (first, whole.into(), false);
        }
        let mut kept: Vec<Section<'_>> =
            whole.iter().map(|section| Section { heading: section.heading, lines: Vec::new() }).collect();
        // Nothing ends the last line, and where nothing stands before the first section, no empty
        // line does.
        let mut left = (room + 1 + usize::from(first.is_empty())).saturating_sub(width_of(&first));
        for at in [NEXT_AT, ACK_AT, REASON_AT] {
            kept[at].lines = head(&whole[at], left);
            left = left.saturating_sub(kept[at].width());
        }
        let first_link = Section { heading: whole[LINKS_AT].heading, lines: first_of(&whole[LINKS_AT]) };
        kept[LINKS_AT].lines = whole_lines(&first_link, left);
        left = left.saturating_sub(kept[LINKS_AT].width());
        for at in IN_TURN {
            let left_for_it = left + kept[at].width();
            kept[at].lines = match at {
                LINKS_AT => whole_lines(&whole[at], left_for_it),
                FIRES_AT | FOLDED_AT | CHANGED_AT => head(&whole[at], left_for_it),
                _ => both_ends(&whole[at], left_for_it),
            };
            left = left_for_it.saturating_sub(kept[at].width());
        }
        (first, kept, true)
    }

    fn sections(&self) -> [Section<'_>; 10] {
        let section = |heading, lines: &[String]| Section { heading, lines: lines.to_vec() };
        let links = self.links.iter().map(|link| format!("{}: {}", link.name, link.url)).collect();
        [
            section("why a person is needed:", std::slice::from_ref(&self.reason)),
            section("what fires:", &self.fires),
            section("what the playbook says:", &self.playbook),
            section(&self.found_heading, &self.found),
            section(&self.tried_heading, &self.tried),
            section("what changed in the two hours before:", &self.changed),
            section("other incidents whose pages are folded into this one:", &self.folded),
            section("what to type next:", &self.next),
            Section { heading: "links:", lines: links },
            section("to acknowledge, so that nobody else is called:", std::slice::from_ref(&self.ack)),
        ]
    }
}

fn assemble(first: Vec<String>, sections: &[Section<'_>]) -> String {
    let mut lines = first;
    for section in sections.iter().filter(|section| !section.is_empty()) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(section.heading.to_owned());
        lines.extend(section.lines.iter().cloned());
    }
    lines.join("\n")
}

fn width_of(lines: &[String]) -> usize {
    lines.iter().map(|line| width(line) + 1).sum()
}

/// What a section's lines may take of `left`; `None`: not even its heading fits.
fn room_in(section: &Section<'_>, left: usize) -> Option<usize> {
    /// Less of a section than this says nothing.
    const LEAST: usize = 20;
    left.checked_sub(section.frame()).filter(|room| *room >= LEAST.min(width_of(&section.lines)))
}

/// Its first lines; the last of them may be cut.
fn head(section: &Section<'_>, left: usize) -> Vec<String> {
    let Some(mut room) = room_in(section, left) else { return Vec::new() };
    let mut kept = Vec::new();
    for line in &section.lines {
        match room.checked_sub(width(line) + 1) {
            Some(rest) => room = rest,
            None => {
                if room > 1 {
                    kept.push(cut(line, room - 1));
                }
                break;
            }
        }
        kept.push(line.clone());
    }
    kept
}

/// Its first lines, none of them cut: half an address leads nowhere.
fn whole_lines(section: &Section<'_>, left: usize) -> Vec<String> {
    let Some(mut room) = left.checked_sub(section.frame()) else { return Vec::new() };
    let fits = |line: &&String| match room.checked_sub(width(line) + 1) {
        Some(rest) => {
            room = rest;
            true
        }
        None => false,
    };
    section.lines.iter().filter(fits).cloned().collect()
}

/// What is in its middle gives way.
fn both_ends(section: &Section<'_>, left: usize) -> Vec<String> {
    let Some(room) = room_in(section, left) else { return Vec::new() };
    if section.is_empty() {
        return Vec::new();
    }
    // One line without end must not take the place of all others.
    let longest = if width_of(&section.lines) <= room { room } else { room / 2 };
    let longest = if section.lines.len() == 1 { room.saturating_sub(1) } else { longest };
    fold(section.lines.iter().map(|line| cut(line, longest)).collect(), room.saturating_sub(1))
}

fn first_of(section: &Section<'_>) -> Vec<String> {
    section.lines.first().cloned().into_iter().collect()
}

fn cut_lines(text: &str, room: usize) -> String {
    let mut kept = String::new();
    for line in text.lines() {
        let break_before = usize::from(!kept.is_empty());
        let left = room.saturating_sub(width(&kept) + break_before);
        if left == 0 {
            break;
        }
        if break_before == 1 {
            kept.push('\n');
        }
        kept.push_str(&cut(line, left));
    }
    kept
}
