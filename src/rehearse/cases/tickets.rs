//! The tickets that a run files: what a case expects, and what came.

use super::document::ExpectedTicket;
use crate::model::RunEvent;

/// A ticket that a step has filed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FiledTicket<'l> {
    pub team: &'l str,
    pub title: &'l str,
    pub text: &'l str,
}

/// Those of a log, in order; what a run was not let file is none.
pub(super) fn filed<'l>(log: impl Iterator<Item = &'l RunEvent>) -> Vec<FiledTicket<'l>> {
    let of = |event: &'l RunEvent| match event {
        RunEvent::Filed { team, title, text, left_out: None, .. } => Some(FiledTicket { team, title, text }),
        _ => None,
    };
    log.filter_map(of).collect()
}

/// Says what is not as expected.
pub(super) fn judge_tickets(expected: &[ExpectedTicket], log: &[RunEvent], wrong: &mut Vec<String>) {
    let came = filed(log.iter());
    if came.len() != expected.len() {
        let titles = |count: usize, titles: String| format!("{count}{}{titles}", if count > 0 { ": " } else { "" });
        let wanted = expected.iter().map(|ticket| format!("`{}`", ticket.title)).collect::<Vec<_>>().join(", ");
        let filed = came.iter().map(|ticket| format!("`{}`", ticket.title)).collect::<Vec<_>>().join(", ");
        let (wanted, filed) = (titles(expected.len(), wanted), titles(came.len(), filed));
        wrong.push(format!("expected tickets: {wanted}, and it filed {filed}"));
        return;
    }
    for (expected, came) in expected.iter().zip(came) {
        if !came.title.contains(expected.title.as_str()) {
            wrong.push(format!("expected the ticket `{}`, and it filed `{}`", expected.title, came.title));
        }
        if let Some(team) = expected.team.as_ref().filter(|team| *team != came.team) {
            wrong.push(format!("expected the ticket `{}` with team {team}, and it is with {}", came.title, came.team));
        }
        if let Some(says) = expected.says.as_ref().filter(|says| !came.text.contains(says.as_str())) {
            wrong.push(format!("expected that the ticket `{}` says `{says}`, and it says:\n{}", came.title, came.text));
        }
    }
}
