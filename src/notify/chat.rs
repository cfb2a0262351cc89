//! What a page says where it goes to a chat or to a phone: in parts, as there is room, and in a
//! line where it cannot be edited.

use super::Parcel;
use crate::message::{Link, Room, clip, width};
use crate::model::PageEvent;

/// What the addresses of a page may take of a message: one of a query alone may have 2,000 bytes.
const LINKS: usize = 1_500;

/// Whether somebody is called by it: whatever else is told of a page wakes nobody.
pub(super) fn calls(parcel: &Parcel) -> bool {
    parcel.event == Some(PageEvent::Trigger)
}

/// Whether it is told that somebody has the page, or that it is over.
pub(super) fn is_end(parcel: &Parcel) -> bool {
    parcel.event.is_some_and(PageEvent::is_end)
}

/// What it is, from afar.
pub(super) fn mark(parcel: &Parcel) -> &'static str {
    match parcel.event {
        Some(PageEvent::Acknowledge) => "\u{1F464}",
        Some(PageEvent::Resolve) => "\u{2705}",
        Some(PageEvent::Trigger | PageEvent::Update) | None => "\u{1F4DF}",
    }
}

/// What is told, in a line, where the page itself stands above and cannot be edited.
pub(super) fn news(parcel: &Parcel) -> String {
    const LONGEST: usize = 400;
    if is_end(parcel) {
        return clip(parcel.outcome.as_deref().unwrap_or("nobody is needed now"), LONGEST);
    }
    let reason = parcel.page.as_ref().map_or("", |page| page.reason.as_str());
    let more = format!("; {}", how(parcel));
    let room = LONGEST.saturating_sub(width(&more));
    format!("{}{more}", clip(&format!("there is more to say: {reason}"), room))
}

/// By what a reader learns everything: commands are typed in Discord, and in a shell.
pub(super) fn how(parcel: &Parcel) -> String {
    let id = parcel.incident.id;
    format!("/why {id} (or: dogwatch why {id}) tells all")
}

/// What a message says below its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    /// What must be read before all else.
    pub first: Vec<String>,
    /// Each with its heading; empty where it has none.
    pub sections: Vec<(String, Vec<String>)>,
    /// Whole, and no longer together than [`LINKS`].
    pub links: Vec<Link>,
    /// Something was left out.
    pub cut: bool,
}

impl Parts {
    /// As they fit into so many units.
    pub fn of(parcel: &Parcel, room: usize) -> Self {
        let Some(page) = &parcel.page else {
            let lines: Vec<String> = parcel.body.lines().map(str::to_owned).collect();
            let kept = crate::message::fold(lines.clone(), room);
            let cut = kept != lines;
            return Self { first: Vec::new(), sections: vec![(String::new(), kept)], links: Vec::new(), cut };
        };
        let mut left = LINKS.min(room / 2);
        let fits = |link: &&Link| match left.checked_sub(width(&link.url) + 20) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        };
        let links: Vec<Link> = page.links.iter().filter(fits).cloned().collect();
        let taken: usize = links.iter().map(|link| width(&link.url) + 20).sum();
        let room = room.saturating_sub(taken);
        let text = crate::message::PageText { links: Vec::new(), ..page.clone() };
        let (first, sections) = text.sections_in(room);
        let cut = text.body(Room::Units(room)).cut || links.len() < page.links.len();
        Self { first, sections, links, cut }
    }

    /// How a reader comes to the rest, where something was left out.
    pub fn rest(&self, parcel: &Parcel) -> Option<String> {
        self.cut.then(|| format!("shortened; {}", how(parcel)))
    }
}

/// Makes a message for less and less room until it fits; whatever is written around a text makes it
/// longer. `longest` and what `length` gives are in the same unit.
pub(super) fn fitting<T>(room: usize, longest: usize, make: impl Fn(usize) -> T, length: impl Fn(&T) -> usize) -> T {
    let mut room = room;
    loop {
        let made = make(room);
        let length = length(&made);
        if length <= longest || room == 0 {
            return made;
        }
        // At least one unit less each time, so that it ends.
        room = (room * longest / length).min(room - 1);
    }
}

/// An address that can be clicked on wherever it stands: no other sign ends it or hides where it
/// leads.
pub(super) fn is_plain(url: &str) -> bool {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    is_web && url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '`' | '"' | '\\' | '|'))
}
