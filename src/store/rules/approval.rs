//! When a question is answered.

use crate::model::{ApprovalState, Verdict};

/// What becomes of a question by one more person's answer; `None`: nothing. One answer is enough.
pub(in crate::store) fn answered(state: ApprovalState, verdict: Verdict) -> Option<ApprovalState> {
    match (state, verdict) {
        (ApprovalState::Open, Verdict::Approve) => Some(ApprovalState::Approved),
        (ApprovalState::Open, Verdict::Deny) => Some(ApprovalState::Denied),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_counts() {
        assert_eq!(answered(ApprovalState::Open, Verdict::Approve), Some(ApprovalState::Approved));
        assert_eq!(answered(ApprovalState::Open, Verdict::Deny), Some(ApprovalState::Denied));
        for over in [ApprovalState::Approved, ApprovalState::Denied, ApprovalState::Expired, ApprovalState::Withdrawn] {
            assert_eq!(answered(over, Verdict::Approve), None);
        }
    }
}
