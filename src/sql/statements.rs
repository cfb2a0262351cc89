//! The statements that are built in.

/// A statement with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    pub name: &'static str,
    /// What it tells, for people.
    pub about: &'static str,
    /// One SELECT, without a semicolon.
    pub sql: &'static str,
}

/// How the names of the configuration's own statements begin: `site.queue`.
pub const SITE: &str = "site.";

macro_rules! statements {
    ($($name:literal),* $(,)?) => {
        /// All of them, by their names. Each runs with the rights of `pg_monitor` on PostgreSQL 12
        /// and later.
        pub const BUILT_IN: &[Statement] = &[$(of($name, include_str!(concat!("statements/", $name, ".sql")))),*];
    };
}

statements![
    "activity",
    "archiver",
    "blocking",
    "checksums",
    "connections",
    "databases",
    "disk",
    "invalid_indexes",
    "prepared_transactions",
    "recovery",
    "replication",
    "sequences",
    "settings",
    "slots",
    "tables",
    "vacuum",
];

/// The first line of its file says what it tells.
const fn of(name: &'static str, file: &'static str) -> Statement {
    let bytes = file.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b'\n' {
        end += 1;
    }
    let (first, sql) = file.split_at(end);
    Statement { name, about: first.split_at("-- ".len()).1, sql }
}

/// The built-in statement of that name.
pub fn built_in(name: &str) -> Option<&'static Statement> {
    BUILT_IN.iter().find(|statement| statement.name == name)
}

/// Whether a statement of the configuration may be called so, without [`SITE`].
pub fn is_name(text: &str) -> bool {
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(rest)
}
