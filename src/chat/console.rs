//! Commands on a terminal, for `dogwatch serve` in one.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use super::{Desk, Reply, ReplyStatus};
use crate::model::Person;

/// Reads commands line by line, and writes the answers.
pub struct ConsoleChat {
    desk: Arc<Desk>,
    /// Whoever sits there.
    person: Person,
}

/// The longest line that is read, in bytes. The rest of a longer one is skipped.
const LONGEST: u64 = 16 * 1024;

impl ConsoleChat {
    pub fn new(desk: Arc<Desk>, person: Person) -> Self {
        Self { desk, person }
    }

    /// Answers until the input ends or `stop`. One command is answered before the next is read; empty lines are passed over.
    ///
    /// # Errors
    /// When the input cannot be read or the answer cannot be written.
    pub async fn serve<R, W>(&self, mut input: R, mut output: W, stop: CancellationToken) -> io::Result<()>
    where
        R: AsyncBufRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        loop {
            let line = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                line = read_line(&mut input) => line?,
            };
            let reply = match line {
                Line::End => return Ok(()),
                Line::Text(text) if text.trim().is_empty() => continue,
                Line::Text(text) => tokio::select! {
                    // What changes something is durable by then; a preview may take a minute.
                    () = stop.cancelled() => return Ok(()),
                    reply = self.desk.handle_text(&self.person, &text, None) => reply,
                },
                Line::TooLong => Reply {
                    status: ReplyStatus::Wrong,
                    text: format!("that line is longer than {LONGEST} bytes; write a shorter command"),
                },
            };
            let mark = if reply.ok() { "" } else { "! " };
            output.write_all(format!("{mark}{}\n", reply.text).as_bytes()).await?;
            output.flush().await?;
        }
    }
}

enum Line {
    Text(String),
    TooLong,
    End,
}

async fn read_line<R: AsyncBufRead + Unpin>(input: &mut R) -> io::Result<Line> {
    let mut bytes = Vec::new();
    let read = input.take(LONGEST).read_until(b'\n', &mut bytes).await?;
    if read == 0 {
        return Ok(Line::End);
    }
    if !bytes.ends_with(b"\n") && read as u64 == LONGEST {
        // What is left of it is not the next command.
        loop {
            let rest = input.fill_buf().await?;
            match rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    input.consume(end + 1);
                    return Ok(Line::TooLong);
                }
                None if rest.is_empty() => return Ok(Line::TooLong),
                None => {
                    let length = rest.len();
                    input.consume(length);
                }
            }
        }
    }
    Ok(Line::Text(String::from_utf8_lossy(&bytes).into_owned()))
}
