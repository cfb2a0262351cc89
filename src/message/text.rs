//! Lengths, numbers and times.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Episode, HumanDuration, is_invisible, redact};

/// The length as chats count it: UTF-16 units, of which no chat counts more than one for a letter.
pub fn width(text: &str) -> usize {
    text.encode_utf16().count()
}

/// One line of at most `longest` units: line ends and control characters become spaces, secrets are
/// masked, invisible characters are shown as `<U+200B>`, and what does not fit is cut with a `…`.
pub fn clip(text: &str, longest: usize) -> String {
    let mut line = String::with_capacity(text.len().min(4 * longest));
    for letter in redact(text).chars() {
        if is_invisible(letter) {
            line.push_str(&shown(letter));
        } else if !is_blank(letter) {
            line.push(letter);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
    cut(line.trim_end(), longest)
}

/// As [`clip`], but with its spaces as they are: for diffs.
pub(super) fn verbatim(line: &str, longest: usize) -> String {
    let mut verbatim = String::with_capacity(line.len());
    for letter in redact(line).chars() {
        match letter {
            _ if is_invisible(letter) => verbatim.push_str(&shown(letter)),
            _ if is_blank(letter) => verbatim.push(' '),
            _ => verbatim.push(letter),
        }
    }
    let line = verbatim;
    cut(line.trim_end(), longest)
}

fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control()
}

/// A character that nobody sees makes one name look like another, or read as something else: it is
/// shown by its number.
pub fn shown(invisible: char) -> String {
    format!("<U+{:04X}>", u32::from(invisible))
}

/// A text of several lines in at most `longest` units: lines in its middle give way to `… 12 more`.
pub fn fit(text: &str, longest: usize) -> String {
    if width(text) <= longest {
        return text.to_owned();
    }
    fold(text.lines().map(str::to_owned).collect(), longest).join("\n")
}

/// The lines, joined by line ends no longer than `longest`: those in the middle give way to `… 12 more`. The end is kept
/// longer than the beginning: it is the news.
pub fn fold(lines: Vec<String>, longest: usize) -> Vec<String> {
    let total: usize = lines.iter().map(|line| width(line) + 1).sum();
    if total <= longest + 1 {
        return lines;
    }
    let mut left = longest.saturating_sub(width("… 99,999 more") + 1);
    let (mut head, mut tail) = (0, 0);
    while head + tail < lines.len() {
        // Two of the end for each one of the beginning.
        let from_tail = tail < 2 * head + 1;
        let line = if from_tail { &lines[lines.len() - 1 - tail] } else { &lines[head] };
        let Some(rest) = left.checked_sub(width(line) + 1) else { break };
        left = rest;
        if from_tail { tail += 1 } else { head += 1 }
    }
    let dropped = lines.len() - head - tail;
    let mut kept: Vec<String> = lines[..head].to_vec();
    if head + tail == 0 {
        // Not even the last line fits: a part of it says more than nothing.
        kept.extend(lines.last().map(|line| cut(line, longest)));
        return kept;
    }
    if dropped > 0 {
        kept.push(format!("… {} more", thousands(dropped as u64)));
    }
    kept.extend_from_slice(&lines[lines.len() - tail..]);
    kept
}

/// `1 alert`, `4,012 alerts`.
pub fn count(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", thousands(n))
}

/// `2025-03-01 02:03:04 UTC`.
pub fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// When an alert began, as its sender says; one that lies ahead of our clock is said to.
pub(super) fn started(episode: &Episode) -> String {
    /// Clocks that are kept differ by less.
    const SKEW: TimeDelta = TimeDelta::seconds(30);
    let (said, taken) = (episode.starts_at, episode.opened_at);
    if said - taken <= SKEW {
        return moment(said);
    }
    let ahead = HumanDuration((said - taken).to_std().unwrap_or_default());
    format!("{} (as its sender says, {ahead} ahead of our clock: it came at {})", moment(said), moment(taken))
}

/// `02:03:04`.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S").to_string()
}

/// A moment that is told at another one: `02:03:04`, and on another day `2026-03-05 02:03:04`.
pub(super) fn later(moment: DateTime<Utc>, told_at: DateTime<Utc>) -> String {
    if moment.date_naive() == told_at.date_naive() {
        return time(moment);
    }
    moment.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `4,012`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A line in at most `longest` units, with a `…` where it is cut.
pub(super) fn cut(line: &str, longest: usize) -> String {
    if width(line) <= longest {
        return line.to_owned();
    }
    let mut left = longest.saturating_sub(1);
    let mut kept = String::with_capacity(line.len().min(4 * longest));
    for letter in line.chars() {
        let Some(rest) = left.checked_sub(letter.len_utf16()) else { break };
        left = rest;
        kept.push(letter);
    }
    kept.truncate(kept.trim_end().len());
    if longest > 0 {
        kept.push('…');
    }
    kept
}
