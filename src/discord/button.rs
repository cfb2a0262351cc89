//! What stands behind a button: its `custom_id`, which Discord gives back when somebody presses it.
//!
//! `ack:INC-7`, `resolve:INC-7`, `why:INC-7`, `approve:APR-3:<digest>`, `deny:APR-3:<digest>`. The digest is the whole one of
//! the preview under which the button stands, so that an answer is bound to exactly what was shown; with it the longest
//! `custom_id` has 96 of the 100 characters that Discord takes.

use crate::model::{Command, Digest, Verdict};

/// The `custom_id` for this command; `None`: it cannot be asked by a button.
pub fn render_button(command: &Command) -> Option<String> {
    match command {
        Command::Ack { incident } => Some(format!("ack:{incident}")),
        Command::Resolve { incident, note: None } => Some(format!("resolve:{incident}")),
        Command::Why { incident } => Some(format!("why:{incident}")),
        Command::Approve { approval, verdict, digest: Some(digest) } => {
            let verdict = match verdict {
                Verdict::Approve => "approve",
                Verdict::Deny => "deny",
            };
            Some(format!("{verdict}:{approval}:{}", digest.as_str()))
        }
        _ => None,
    }
}

/// The command behind a `custom_id`; `None`: it is none of ours, or another version's.
pub fn parse_button(custom_id: &str) -> Option<Command> {
    let (name, rest) = custom_id.split_once(':')?;
    match name {
        "ack" => Some(Command::Ack { incident: rest.parse().ok()? }),
        "resolve" => Some(Command::Resolve { incident: rest.parse().ok()?, note: None }),
        "why" => Some(Command::Why { incident: rest.parse().ok()? }),
        "approve" => parse_answer(rest, Verdict::Approve),
        "deny" => parse_answer(rest, Verdict::Deny),
        _ => None,
    }
}

fn parse_answer(rest: &str, verdict: Verdict) -> Option<Command> {
    let (approval, digest) = rest.split_once(':')?;
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    // An answer without the digest of what was shown would be one to whatever is asked now.
    is_digest.then_some(())?;
    let digest = Some(Digest::from_hex(digest.to_owned()));
    Some(Command::Approve { approval: approval.parse().ok()?, verdict, digest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ApprovalId, IncidentId};

    #[test]
    fn what_stands_behind_a_button_is_read_back() {
        let digest = Digest::of("a preview");
        for command in [
            Command::Ack { incident: IncidentId(7) },
            Command::Resolve { incident: IncidentId(7), note: None },
            Command::Why { incident: IncidentId(7) },
            Command::Approve { approval: ApprovalId(3), verdict: Verdict::Approve, digest: Some(digest.clone()) },
            Command::Approve { approval: ApprovalId(i64::MAX), verdict: Verdict::Deny, digest: Some(digest) },
        ] {
            let custom_id = render_button(&command).unwrap();
            assert!(custom_id.len() <= 100, "{custom_id}");
            assert_eq!(parse_button(&custom_id), Some(command));
        }
    }

    #[test]
    fn what_is_none_of_ours_is_no_command() {
        let other =
            ["", "ack", "ack:", "ack:APR-7", "launch:INC-7", "approve:APR-3", "approve:APR-3:", "deny:APR-3:abc"];
        for custom_id in other {
            assert_eq!(parse_button(custom_id), None, "{custom_id}");
        }
        assert_eq!(render_button(&Command::Help), None);
        let unbound = Command::Approve { approval: ApprovalId(3), verdict: Verdict::Approve, digest: None };
        assert_eq!(render_button(&unbound), None);
    }
}
