//! What the demo shows: lines as things happen, in colours where a terminal wants them.

use std::io::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};

/// Where the demo writes.
pub struct Screen {
    pub out: Box<dyn Write + Send>,
    /// Whether the reader sees colours: a terminal, and not `NO_COLOR`.
    pub coloured: bool,
    /// A rest after each line, so that a person can follow; none in a pipe.
    pub rest: Duration,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Title,
    Plain,
    Quiet,
    Good,
    Bad,
    Change,
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Tone::Title => Style::new().bold(),
            Tone::Plain => Style::new(),
            Tone::Quiet => Style::new().dimmed(),
            Tone::Good => colour(AnsiColor::Green),
            Tone::Bad => colour(AnsiColor::Red),
            Tone::Change => colour(AnsiColor::Cyan),
        }
    }

    /// How a line of a timeline looks, by what it says.
    pub fn of(line: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
        if has(&["escalated", "paged", "page ", "failed", "not met"]) {
            Tone::Bad
        } else if has(&["fixed", ": good", "resolved"]) {
            Tone::Good
        } else if has(&[" -> ", "delete", "create"]) {
            Tone::Change
        } else {
            Tone::Plain
        }
    }
}

impl Screen {
    /// A bar that shows how far something long is; only on a terminal, and gone when it is done.
    pub fn progress(length: u64) -> ProgressBar {
        let style = ProgressStyle::with_template("       {bar:40} {human_pos} of {human_len}");
        ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }

    /// A heading, with the time that it happens.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub async fn title(&mut self, at: DateTime<Utc>, text: &str) -> std::io::Result<()> {
        self.line(Tone::Plain, "").await?;
        self.line(Tone::Title, &format!("{}  {text}", at.format("%H:%M"))).await
    }

    /// A line.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub async fn line(&mut self, tone: Tone, text: &str) -> std::io::Result<()> {
        let style = if self.coloured { tone.style() } else { Style::new() };
        writeln!(self.out, "{style}{text}{style:#}")?;
        self.out.flush()?;
        if !self.rest.is_zero() && !text.is_empty() {
            tokio::time::sleep(self.rest).await;
        }
        Ok(())
    }
}

/// `12,345`.
pub(super) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut told = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}
