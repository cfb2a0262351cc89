//! A stand-in for a mail server (<https://www.rfc-editor.org/rfc/rfc5321>) that refuses what the
//! test says, and mails as their readers see them.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// It serves until it is dropped.
pub struct MailStandIn {
    pub port: u16,
    shared: Arc<Mutex<Shared>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    mails: Vec<Mail>,
    /// What is answered once to a line that begins so. Empty: nothing ever.
    answers: Vec<(String, String)>,
}

/// A mail that was taken.
#[derive(Debug, Clone)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// As it came.
    pub raw: String,
}

impl Mail {
    /// A mail that a real server has written into a file.
    pub fn read(raw: &str) -> Self {
        let mut mail = Self { from: String::new(), to: Vec::new(), raw: raw.replace("\r\n", "\n") };
        mail.to = mail.header("Envelope-to").into_iter().collect();
        mail
    }

    /// A header, unfolded; `None`: there is none. Two of one name are a mistake.
    pub fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.raw.split_once("\n\n").unwrap();
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        let mut found = unfolded.lines().filter_map(|line| {
            let (of, value) = line.split_once(':').unwrap();
            of.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        });
        let value = found.next();
        assert_eq!(found.next(), None, "{name} stands there twice: {}", self.raw);
        value
    }

    /// Its text, whatever it was encoded as on its way.
    pub fn text(&self) -> String {
        let (_, body) = self.raw.split_once("\n\n").unwrap();
        match self.header("Content-Transfer-Encoding").as_deref() {
            Some("quoted-printable") => unquoted(body),
            Some("7bit") => body.to_owned(),
            other => panic!("{other:?}: {}", self.raw),
        }
    }
}

fn unquoted(body: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'=', [b'\n', ..]) => rest = &after[1..],
            (b'=', [high, low, ..]) => {
                let hex = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
                rest = &after[2..];
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

impl MailStandIn {
    pub async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut server = JoinSet::new();
        let serving = shared.clone();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, serving.clone()));
            }
        });
        Self { port, shared, _server: server }
    }

    /// The next line that begins so is answered so, and `DATA` stands for the mail itself, too:
    /// `.`.
    pub fn answers(&self, to: &str, with: &str) {
        self.shared.lock().unwrap().answers.push((to.to_owned(), with.to_owned()));
    }

    /// The next line that begins so is never answered.
    pub fn hangs_at(&self, line: &str) {
        self.answers(line, "");
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.shared.lock().unwrap().mails.clone()
    }
}

/// The answer that the test wants to that line.
fn wanted(shared: &Mutex<Shared>, line: &str) -> Option<String> {
    let mut shared = shared.lock().unwrap();
    let at = shared.answers.iter().position(|(to, _)| line.to_uppercase().starts_with(&to.to_uppercase()))?;
    Some(shared.answers.remove(at).1)
}

async fn serve(stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let mut stream = BufReader::new(stream);
    let (mut from, mut to) = (String::new(), Vec::new());
    let mut line = "CONNECT".to_owned();
    loop {
        let mut answer = match line.split([' ', ':']).next().unwrap().to_uppercase().as_str() {
            "CONNECT" => "220 mail.test ESMTP".to_owned(),
            "EHLO" => "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN".to_owned(),
            "AUTH" => "235 2.7.0 welcome".to_owned(),
            "DATA" => "354 go on".to_owned(),
            "QUIT" => "221 bye".to_owned(),
            _ => "250 2.0.0 ok".to_owned(),
        };
        if let Some(wanted) = wanted(&shared, &line) {
            if wanted.is_empty() {
                return std::future::pending().await;
            }
            answer = wanted;
        }
        let is_taken = answer.starts_with(['2', '3']);
        let within = |line: &str| line.split(['<', '>']).nth(1).unwrap().to_owned();
        if is_taken && line.starts_with("MAIL") {
            (from, to) = (within(&line), Vec::new());
        } else if is_taken && line.starts_with("RCPT") {
            to.push(within(&line));
        }
        if stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
        if is_taken && line == "DATA" {
            let raw = data(&mut stream).await;
            let answer = wanted(&shared, ".").unwrap_or_else(|| "250 2.0.0 taken".to_owned());
            if answer.starts_with('2') {
                shared.lock().unwrap().mails.push(Mail { from: from.clone(), to: to.clone(), raw });
            }
            if stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return;
            }
        }
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        assert!(line.len() <= 512, "a command is no longer: {line}");
        line = line.trim_end().to_owned();
    }
}

/// A mail up to the line with a dot alone.
async fn data(stream: &mut BufReader<TcpStream>) -> String {
    let mut raw = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert!(line.len() <= 1_000 && line.ends_with("\r\n") && line.is_ascii(), "{line:?}");
        match line.trim_end_matches("\r\n") {
            "." => return raw,
            line => raw.push_str(line.strip_prefix('.').unwrap_or(line)),
        }
        raw.push('\n');
    }
}
