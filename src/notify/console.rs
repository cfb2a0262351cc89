//! The console: a line for what happens, on any writer.

use std::io::Write;
use std::sync::Mutex;

use anstyle::{AnsiColor, Style};
use async_trait::async_trait;

use super::{Parcel, ParcelKind, Sink, SinkError, Tone};

/// Writes lines for people.
pub struct ConsoleSink {
    writer: Mutex<Box<dyn Write + Send>>,
    coloured: bool,
}

impl ConsoleSink {
    /// `coloured`: with terminal colours; never for a file or a pipe.
    pub fn new(writer: Box<dyn Write + Send>, coloured: bool) -> Self {
        Self { writer: Mutex::new(writer), coloured }
    }

    fn lines(&self, parcel: &Parcel) -> String {
        let head = match parcel.kind {
            ParcelKind::Page => {
                let called: Vec<&str> = parcel.mention.iter().map(|contact| contact.name.as_str()).collect();
                let called = if called.is_empty() { "nobody is on call!".to_owned() } else { called.join(", ") };
                format!("PAGE for {} ({called}): {}", parcel.team, parcel.title)
            }
            ParcelKind::Card => {
                let state = parcel.fields.iter().find(|(name, _)| name == "state").map_or("", |(_, state)| state);
                format!("{}: {state}", parcel.title)
            }
            ParcelKind::Approval => format!("QUESTION {}", parcel.title),
            ParcelKind::Notice => parcel.title.clone(),
        };
        let mut text = format!("{} {}\n", parcel.at.format("%H:%M:%S"), self.paint(parcel.tone, &printable(&head)));
        for line in parcel.body.lines() {
            text.push_str(&format!("         {}\n", printable(line)));
        }
        text
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Alarm => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
            Tone::Busy => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            Tone::Question => Style::new().bold().fg_color(Some(AnsiColor::Magenta.into())),
            Tone::Good => Style::new().fg_color(Some(AnsiColor::Green.into())),
            Tone::Neutral => Style::new(),
        };
        format!("{style}{text}{style:#}")
    }
}

#[async_trait]
impl Sink for ConsoleSink {
    fn name(&self) -> &str {
        "console"
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        let lines = self.lines(parcel);
        // A writer whose user panicked is still a writer.
        let mut writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        writer
            .write_all(lines.as_bytes())
            .and_then(|()| writer.flush())
            .map_err(|error| SinkError::retry(format!("the console cannot be written to: {error}")))?;
        Ok(None)
    }
}

/// A line without control characters: a label could else move the cursor or change what was written before it.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
