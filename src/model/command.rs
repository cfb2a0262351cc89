//! What a person asks for, on whichever way it came.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    ApprovalId, Digest, FreezeId, FreezeScope, Incident, IncidentId, IncidentState, Layer, OverrideId, RunId, Severity,
    Verdict, WindowId, WindowScope,
};

/// The way a command came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    Discord,
    Console,
    Api,
    /// The link of a page.
    Link,
    /// What somebody does at PagerDuty.
    PagerDuty,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Via::Discord => "discord",
            Via::Console => "console",
            Via::Api => "api",
            Via::Link => "link",
            Via::PagerDuty => "pagerduty",
        })
    }
}

/// What somebody may do. Each role may do all that the roles before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May look.
    Viewer,
    /// May acknowledge, resolve, run playbooks and approve what they ask for.
    Responder,
    /// May also change how the bot behaves.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Viewer => "viewer",
            Role::Responder => "responder",
            Role::Admin => "admin",
        })
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The name in `oncall.yaml` where that is known, else the chat's or the token's.
    pub name: String,
    pub via: Via,
    /// The chat's own, stable id of the person; the token's name for the API.
    pub id: String,
    /// `None`: known to nobody, and may do nothing.
    pub role: Option<Role>,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.via)
    }
}

/// What is asked for. How it is asked, and what it needs, stands in the module `command`.
///
/// Signals wait in databases in this form, and redeliveries are told by it: what one incident is
/// asked for is said as it always was, and what several are asked for stands beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The incidents that are not resolved, or some of them.
    Incidents(IncidentList),
    /// Run a playbook now.
    Run {
        playbook: String,
        /// Inputs, and `namespace`, `name` and the like where the playbook takes its target from the alert.
        set: BTreeMap<String, String>,
        /// Show what it would do, and do nothing.
        dry_run: bool,
    },
    /// Somebody has seen the incident and owns it.
    Ack { incident: IncidentId },
    /// The same for several, each by itself.
    AckMany { incidents: Vec<IncidentId> },
    /// The same for all of a team that wait for somebody when it is decided.
    AckAllOf { team: String },
    /// Somebody has closed it where it is paged, which says that they have it, and not that it is
    /// over.
    ClosedAtPager { incident: IncidentId },
    /// Somebody works on it by hand: it is theirs, and its runs stop.
    Take { incident: IncidentId },
    /// Runs may begin for it again, after somebody took it.
    Release { incident: IncidentId },
    /// Whoever comes next in the escalation is called at once.
    Escalate { incident: IncidentId, note: Option<String> },
    /// `to`, a member or a team, is called to take it over.
    Assign { incident: IncidentId, to: String, note: Option<String> },
    /// Close an incident.
    Resolve { incident: IncidentId, note: Option<String> },
    /// The same for several, each by itself.
    ResolveMany { incidents: Vec<IncidentId>, note: Option<String> },
    /// They are part of that one, each by itself.
    Merge { incidents: Vec<IncidentId>, into: IncidentId },
    /// It is part of no other; or one object is no part of it.
    Split { incident: IncidentId, object: Option<String> },
    /// Explain the decisions about an incident.
    Why { incident: IncidentId },
    /// What happened to an incident, in its order.
    Timeline { incident: IncidentId },
    /// A run and its log, for programs.
    RunLog { run: RunId },
    /// Page a team, which is told that it is a test.
    TestPage { team: String, severity: Severity },
    /// All that something fires about in an incident.
    Objects { incident: IncidentId },
    /// Answer a question of the bot. `digest` is that of the preview that the person saw; `None` on ways that cannot carry it
    /// is refused when a preview has changed.
    Approve { approval: ApprovalId, verdict: Verdict, digest: Option<Digest> },
    /// No to a question of the bot, and why.
    DenyBecause { approval: ApprovalId, reason: String },
    /// The questions that wait for an answer.
    Approvals,
    /// Nobody is paged about what it covers, and no run changes it, for a time.
    Silence { scope: WindowScope, lasting_secs: u64, from: Option<Start>, reason: String },
    /// End a maintenance window before its time.
    Unsilence { window: WindowId },
    /// The maintenance windows that are active and to come, with what each holds back.
    Windows,
    /// No run changes what it covers, for a time or until somebody ends it.
    Freeze { scope: FreezeScope, lasting_secs: Option<u64>, reason: String },
    /// End a freeze.
    Unfreeze { id: FreezeId },
    /// What is frozen.
    Freezes,
    /// The playbooks of which no run begins a change, as others did not help.
    Breakers,
    /// Runs of that playbook may change things again.
    CloseBreaker { playbook: String, reason: String },
    /// Who is on call, when, and what is wrong with that.
    Oncall {
        question: OncallQuestion,
        /// Of calendars also a member.
        team: Option<String>,
        layer: Option<Layer>,
        at: Option<Start>,
        lasting_secs: Option<u64>,
    },
    /// The person who asks covers from now on, until the end of the shift or until then.
    TakeShift { team: Option<String>, layer: Layer, until: Option<Start> },
    /// A member covers for whoever is on call, or for `whom`. `until`: a time, or so long after
    /// `from`.
    Override {
        team: String,
        layer: Layer,
        member: String,
        whom: Option<String>,
        from: Option<Start>,
        until: Start,
        reason: String,
    },
    /// End an override before its time.
    EndOverride { id: OverrideId },
    /// The playbooks, or what was kept of one.
    Playbooks { question: PlaybookQuestion },
    /// The state of the shift so far, as the handoff would tell it.
    Handoff,
    /// What can be asked for.
    Help,
}

/// What is asked about playbooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaybookQuestion {
    /// Which there are, and how they did.
    List,
    /// Each content that was kept of one.
    History { name: String },
    /// What is another in `to` than in `from`: each a version, or the beginning of a digest. `None`:
    /// what counts now, and the one before it.
    Diff { name: String, from: Option<String>, to: Option<String> },
}

/// What is asked about who is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OncallQuestion {
    /// Who it is, and who comes next.
    Who,
    /// Whose turn it is when.
    Schedule,
    /// When nobody is.
    Gaps,
    /// All that may be a mistake.
    Check,
    /// The schedule as a calendar.
    Ical,
}

/// When something begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    At(DateTime<Utc>),
    /// So many seconds after it is decided about.
    InSecs(u64),
}

/// Which incidents are listed, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentList {
    /// Also the ones that were resolved in the last 24 hours.
    pub all: bool,
    /// Only those that the asker owns.
    pub mine: bool,
    /// Only this team's.
    pub team: Option<String>,
    /// Only these; empty: whatever theirs is.
    pub severities: Vec<Severity>,
    pub states: Vec<IncidentState>,
    /// As JSON, for scripts.
    pub json: bool,
}

impl Start {
    /// The moment that is meant by somebody who counts from `from`; `None`: beyond the calendar.
    pub fn counted_from(self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Start::At(at) => Some(at),
            Start::InSecs(secs) => {
                let later = i64::try_from(secs).ok().and_then(TimeDelta::try_seconds)?;
                from.checked_add_signed(later)
            }
        }
    }
}

impl Command {
    /// Acknowledges one incident, or several.
    pub fn ack(incidents: Vec<IncidentId>) -> Self {
        match incidents.as_slice() {
            [incident] => Command::Ack { incident: *incident },
            _ => Command::AckMany { incidents },
        }
    }

    /// Closes one incident, or several.
    pub fn resolve(incidents: Vec<IncidentId>, note: Option<String>) -> Self {
        match incidents.as_slice() {
            [incident] => Command::Resolve { incident: *incident, note },
            _ => Command::ResolveMany { incidents, note },
        }
    }
}

impl IncidentList {
    /// Whether some that are open are left out.
    pub fn is_filtered(&self) -> bool {
        self.mine || self.team.is_some() || !self.severities.is_empty() || !self.states.is_empty()
    }

    /// Whether those are among them that were resolved.
    pub fn goes_back(&self) -> bool {
        self.all || self.states.contains(&IncidentState::Resolved)
    }

    /// Whether the incident is one of them, for somebody of that name.
    pub fn takes(&self, incident: &Incident, asker: &str) -> bool {
        (!self.mine || incident.owner.as_deref() == Some(asker))
            && self.team.as_ref().is_none_or(|team| incident.team == *team)
            && (self.severities.is_empty() || self.severities.contains(&incident.severity))
            && (self.states.is_empty() || self.states.contains(&incident.state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As databases of 0.1.0 hold them: signals wait there over an upgrade, and what comes again is
    /// told by its digest.
    #[test]
    fn what_was_written_before_is_read_and_written_as_it_was() {
        let one = IncidentId(7);
        let digest = Digest::from_hex("9b2889b1c253".into());
        let set = BTreeMap::from([("name".to_owned(), "data-1".to_owned())]);
        let answer = |digest| Command::Approve { approval: ApprovalId(3), verdict: Verdict::Approve, digest };
        for (written, command) in [
            (r#"{"command":"ack","incident":7}"#, Command::Ack { incident: one }),
            (r#"{"command":"why","incident":7}"#, Command::Why { incident: one }),
            (r#"{"command":"resolve","incident":7,"note":null}"#, Command::Resolve { incident: one, note: None }),
            (
                r#"{"command":"resolve","incident":7,"note":"a cable"}"#,
                Command::Resolve { incident: one, note: Some("a cable".into()) },
            ),
            (
                r#"{"command":"run","playbook":"pvc","set":{"name":"data-1"},"dry_run":false}"#,
                Command::Run { playbook: "pvc".into(), set, dry_run: false },
            ),
            (r#"{"command":"approve","approval":3,"verdict":"approve","digest":null}"#, answer(None)),
            (r#"{"command":"approve","approval":3,"verdict":"approve","digest":"9b2889b1c253"}"#, answer(Some(digest))),
            (r#"{"command":"handoff"}"#, Command::Handoff),
            (r#"{"command":"help"}"#, Command::Help),
        ] {
            assert_eq!(serde_json::from_str::<Command>(written).unwrap(), command);
            assert_eq!(serde_json::to_string(&command).unwrap(), written);
        }
        let list = serde_json::from_str::<Command>(r#"{"command":"incidents","all":true}"#).unwrap();
        assert_eq!(list, Command::Incidents(IncidentList { all: true, ..Default::default() }));
        // The digest of a redelivery is over this.
        let said = format!("{:?} {:?}", Command::ack(vec![one]), Command::resolve(vec![one], None));
        assert_eq!(said, "Ack { incident: IncidentId(7) } Resolve { incident: IncidentId(7), note: None }");
    }
}
