//! What a log says of the run's question to people.

use chrono::{DateTime, Utc};

use super::RunState;
use crate::engine::ask_source::Heard;
use crate::model::{ApprovalId, HumanDuration, Preview, SourceAnswer, StepAddress, Verdict};

/// Where the run's question to a human stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Approval {
    #[default]
    None,
    Asked {
        id: ApprovalId,
        preview: Preview,
        expires_at: DateTime<Utc>,
        /// The step or loop whose own question it is.
        before: Option<StepAddress>,
    },
    Granted {
        preview: Preview,
        by: String,
        before: Option<StepAddress>,
    },
}

impl RunState {
    pub(super) fn take_answer(
        &mut self,
        approval: ApprovalId,
        verdict: Option<Verdict>,
        by: &str,
        reason: Option<&str>,
    ) {
        let Approval::Asked { id, preview, before, .. } = &self.approval else { return };
        if *id != approval {
            return;
        }
        match verdict {
            Some(Verdict::Approve) => {
                self.approval =
                    Approval::Granted { preview: preview.clone(), by: by.to_owned(), before: before.clone() };
                self.heard = None;
            }
            Some(Verdict::Deny) => {
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                self.is_refused(format!("{by} said no to {approval}{reason}"));
            }
            None => self.is_refused(format!("nobody answered {approval} in time")),
        }
    }

    /// No further item of a loop begins; what was begun of it is finished. Else it is trouble.
    fn is_refused(&mut self, why: String) {
        match self.loops.last_mut().filter(|listed| listed.at_work().next().is_some()) {
            Some(listed) => listed.stopped = Some(why),
            None => self.is_in_trouble(why),
        }
    }

    pub(super) fn take_source(
        &mut self,
        at: DateTime<Utc>,
        waited: HumanDuration,
        answer: &SourceAnswer,
        again_at: Option<DateTime<Utc>>,
    ) {
        let since = match (&self.heard, answer) {
            (Some(heard), SourceAnswer::NotListed) => heard.not_listed_since(at),
            _ => at,
        };
        self.heard = Some(Heard { answer: answer.clone(), waited, since, again_at });
        // Patience with what failed, or was waited for, before nobody was there begins anew.
        self.forget_failures();
        // It was a yes to what was so before.
        if matches!(self.approval, Approval::Granted { .. }) {
            self.approval = Approval::None;
        }
    }
}
