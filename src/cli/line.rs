//! A command as the line that the server reads, the same that people type in chat.

use crate::model::{Command, Verdict};

/// `/ack INC-7`.
pub(super) fn line_of(command: &Command) -> String {
    match command {
        Command::Incidents { all: false } => "/incidents".into(),
        Command::Incidents { all: true } => "/incidents all".into(),
        Command::Ack { incident } => format!("/ack {incident}"),
        Command::Why { incident } => format!("/why {incident}"),
        Command::Resolve { incident, note: None } => format!("/resolve {incident}"),
        // The note goes to the end of the line and needs no quotes.
        Command::Resolve { incident, note: Some(note) } => format!("/resolve {incident} {note}"),
        Command::Approve { approval, verdict: Verdict::Approve, .. } => format!("/approve {approval}"),
        Command::Approve { approval, verdict: Verdict::Deny, .. } => format!("/deny {approval}"),
        Command::Handoff => "/handoff".into(),
        Command::Help => "/help".into(),
        Command::Run { playbook, set, dry_run } => {
            let mut line = format!("/run {}", quoted(playbook));
            for (name, value) in set {
                line.push_str(&format!(" --set {}", quoted(&format!("{name}={value}"))));
            }
            if *dry_run {
                line.push_str(" --dry-run");
            }
            line
        }
    }
}

/// As one word, whatever is in it. A quote cannot be escaped, but stand in quotes of the other sort.
fn quoted(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('"', "\"'\"'\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::parse_command;
    use crate::model::{ApprovalId, IncidentId};

    fn any_command() -> impl Strategy<Value = Command> {
        let incident = || (1_i64..1_000_000).prop_map(IncidentId);
        let approval = || (1_i64..1_000_000).prop_map(ApprovalId);
        let verdict = prop_oneof![Just(Verdict::Approve), Just(Verdict::Deny)];
        // Nobody types a note that begins or ends with white space on purpose.
        let note = prop::option::of("[^\\s](.{0,60}[^\\s])?");
        let set = prop::collection::btree_map("[a-z_]{1,10}", ".{0,40}", 0..4);
        prop_oneof![
            any::<bool>().prop_map(|all| Command::Incidents { all }),
            incident().prop_map(|incident| Command::Ack { incident }),
            incident().prop_map(|incident| Command::Why { incident }),
            (incident(), note).prop_map(|(incident, note)| Command::Resolve { incident, note }),
            (approval(), verdict).prop_map(|(approval, verdict)| Command::Approve { approval, verdict, digest: None }),
            ("[a-z-]{1,20}", set, any::<bool>())
                .prop_filter("an option is no playbook", |(name, ..)| !name.starts_with("--"))
                .prop_map(|(playbook, set, dry_run)| Command::Run { playbook, set, dry_run }),
        ]
    }

    proptest! {
        #[test]
        fn the_server_reads_what_was_meant(command in any_command()) {
            let line = line_of(&command);
            prop_assert_eq!(parse_command(&line), Ok(command), "{}", line);
        }
    }
}
