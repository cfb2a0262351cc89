//! When a question is answered.

use chrono::{DateTime, Utc};

use crate::model::{Approval, ApprovalState, Verdict};

/// What one more answer comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Voted {
    /// It is counted, and others are waited for.
    Counted,
    /// The question is answered, by these.
    Answered { state: ApprovalState, by: String },
    /// It was answered before, or its time is over.
    TooLate,
    /// Others have answered since it was decided what this one would come to.
    Outdated,
}

/// What becomes of a question by one more person's answer, of somebody who has not said the same
/// before. It is decided again in the transaction that counts it: of two who answer at once, each
/// counts once, and in order.
pub(in crate::store) fn voted(
    question: &Approval,
    person: &str,
    verdict: Verdict,
    after: usize,
    now: DateTime<Utc>,
) -> Voted {
    if question.state != ApprovalState::Open || now >= question.expires_at {
        return Voted::TooLate;
    }
    if question.approved_by.len() != after {
        return Voted::Outdated;
    }
    let needed = usize::try_from(question.terms.people).unwrap_or(usize::MAX);
    match verdict {
        Verdict::Deny => Voted::Answered { state: ApprovalState::Denied, by: person.to_owned() },
        Verdict::Approve if after + 1 < needed => Voted::Counted,
        Verdict::Approve => {
            let all: Vec<&str> = question.approved_by.iter().map(String::as_str).chain([person]).collect();
            Voted::Answered { state: ApprovalState::Approved, by: all.join(" and ") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ApprovalId, ApprovalTerms, IncidentId, Preview, RunId};

    fn question(people: u32, approved_by: &[&str]) -> Approval {
        let preview = Preview { steps: Vec::new(), asks_again: Vec::new() };
        Approval {
            id: ApprovalId(1),
            run: RunId(1),
            incident: IncidentId(1),
            digest: preview.digest(),
            preview,
            state: ApprovalState::Open,
            asked_at: DateTime::UNIX_EPOCH,
            expires_at: DateTime::UNIX_EPOCH + std::time::Duration::from_secs(60),
            answered_by: None,
            terms: ApprovalTerms { people, ..ApprovalTerms::default() },
            approved_by: approved_by.iter().map(|name| (*name).to_owned()).collect(),
            reason: None,
        }
    }

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn answered(state: ApprovalState, by: &str) -> Voted {
        Voted::Answered { state, by: by.into() }
    }

    #[test]
    fn so_many_must_say_yes_and_one_no_ends_it() {
        let (yes, no) = (Verdict::Approve, Verdict::Deny);
        let approved = |by| answered(ApprovalState::Approved, by);
        assert_eq!(voted(&question(1, &[]), "ada", yes, 0, NOW), approved("ada"));
        assert_eq!(voted(&question(2, &[]), "ada", yes, 0, NOW), Voted::Counted);
        assert_eq!(voted(&question(2, &["ada"]), "bob", yes, 1, NOW), approved("ada and bob"));
        assert_eq!(voted(&question(2, &["ada"]), "bob", no, 1, NOW), answered(ApprovalState::Denied, "bob"));
        assert_eq!(voted(&question(2, &["ada"]), "ada", no, 1, NOW), answered(ApprovalState::Denied, "ada"));
    }

    #[test]
    fn what_was_decided_of_another_state_is_decided_again() {
        assert_eq!(voted(&question(2, &["ada"]), "bob", Verdict::Approve, 0, NOW), Voted::Outdated);
        for state in [ApprovalState::Approved, ApprovalState::Denied, ApprovalState::Expired, ApprovalState::Withdrawn]
        {
            let over = Approval { state, ..question(1, &[]) };
            assert_eq!(voted(&over, "ada", Verdict::Approve, 0, NOW), Voted::TooLate);
            assert_eq!(voted(&over, "ada", Verdict::Deny, 0, NOW), Voted::TooLate);
        }
        let late = question(1, &[]).expires_at;
        assert_eq!(voted(&question(1, &[]), "ada", Verdict::Approve, 0, late), Voted::TooLate);
    }
}
