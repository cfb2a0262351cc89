//! The console: what happens, line by line, on any writer.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::Mutex;

use anstyle::{AnsiColor, Style};
use async_trait::async_trait;

use super::{Parcel, ParcelKind, Sink, SinkError};
use crate::message::Colour;
use crate::model::{IncidentId, IncidentState};

/// Writes lines for people. A message cannot be edited here, so of an incident's message only what is new is written.
pub struct ConsoleSink {
    coloured: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    writer: Box<dyn Write + Send>,
    /// What was written of the messages of incidents that are not over.
    written: HashMap<IncidentId, HashSet<String>>,
}

impl ConsoleSink {
    /// `coloured`: with terminal colours; never for a file or a pipe.
    pub fn new(writer: Box<dyn Write + Send>, coloured: bool) -> Self {
        Self { coloured, inner: Mutex::new(Inner { writer, written: HashMap::new() }) }
    }

    fn text(&self, parcel: &Parcel, written: &mut HashMap<IncidentId, HashSet<String>>) -> String {
        let at = parcel.at.format("%H:%M:%S");
        let head = match parcel.kind {
            ParcelKind::Page => {
                let called: Vec<&str> = parcel.mention.iter().map(|contact| contact.name.as_str()).collect();
                let called = if called.is_empty() { "nobody is on call!".to_owned() } else { called.join(", ") };
                format!("PAGE for {} ({called}) {}", parcel.team, parcel.title)
            }
            ParcelKind::Card | ParcelKind::Approval | ParcelKind::Notice | ParcelKind::Ticket => parcel.title.clone(),
        };
        let mut lines: Vec<&str> = parcel.body.lines().collect();
        if parcel.kind == ParcelKind::Card {
            let known = written.entry(parcel.incident.id).or_default();
            lines.retain(|line| !line.is_empty() && known.insert((*line).to_owned()));
            // The same title again is worth a line only when there is news below it.
            if !known.insert(head.clone()) && lines.is_empty() {
                return String::new();
            }
            if parcel.incident.state == IncidentState::Resolved {
                written.remove(&parcel.incident.id);
            }
        }
        let mut text = format!("{at} {}\n", self.paint(parcel.colour, parcel.kind, &head));
        for line in lines {
            let indent = if line.is_empty() { "" } else { "    " };
            text.push_str(&format!("{indent}{line}\n"));
        }
        text
    }

    fn paint(&self, colour: Colour, kind: ParcelKind, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let ansi = match colour {
            Colour::Red => AnsiColor::Red,
            Colour::Amber => AnsiColor::Yellow,
            Colour::Blue => AnsiColor::Blue,
            Colour::Teal => AnsiColor::Cyan,
            Colour::Green => AnsiColor::Green,
            Colour::Violet => AnsiColor::Magenta,
            Colour::Grey => AnsiColor::BrightBlack,
        };
        let mut style = Style::new().fg_color(Some(ansi.into()));
        if matches!(kind, ParcelKind::Page | ParcelKind::Approval) {
            style = style.bold();
        }
        format!("{style}{text}{style:#}")
    }
}

#[async_trait]
impl Sink for ConsoleSink {
    fn name(&self) -> &str {
        "console"
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        // A writer whose user panicked is still a writer.
        let mut inner = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Inner { writer, written } = &mut *inner;
        let text = self.text(parcel, written);
        writer
            .write_all(text.as_bytes())
            .and_then(|()| writer.flush())
            .map_err(|error| SinkError::retry(format!("the console cannot be written to: {error}")))?;
        // There is no message to edit, but an answered question is worth telling where the question was.
        Ok(Some("console".to_owned()))
    }
}
