//! A game day: one case of a playbook, with a person in the place of whoever would be called. Time
//! passes only when the person waits for something.

use std::collections::BTreeSet;
use std::io::{BufRead, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::cases::{Case, CaseFile, LONGEST, Play, handed_to};
use super::demo::{Screen, Tone};
use crate::clock::Clock as _;
use crate::message::{preview_text, timeline_line};
use crate::model::{
    Approval, ApprovalId, Command, HumanDuration, Incident, IncidentId, IncidentState, PageId, Verdict, parse_duration,
};
use crate::playbook::Playbook;
use crate::store::{IncidentFilter, IncidentStore as _, Page, RunStore as _};

/// Who takes part, as the bot knows them.
const PERSON: &str = "the engineer";

const HELP: &str = "\
ack             you have seen it, and it is yours
take            you do it by hand: the run stops
approve, deny   the answer to what the bot asks
resolve NOTE    it is over
wait [5m]       until something new happens, or for so long
quit            end the drill";

/// What the person types, and where that and the rest is shown.
pub struct Table<'a> {
    pub screen: Screen,
    pub typed: &'a mut dyn BufRead,
    /// Shows what was typed: where a person does not see it anyway.
    pub echo: bool,
}

/// Plays a case in `folder`, which is for it alone.
///
/// # Errors
/// When the case cannot be set up, or nobody reads any more.
pub async fn drill(
    playbook: &Arc<Playbook>,
    file: &CaseFile,
    case: &Case,
    folder: &Path,
    table: &mut Table<'_>,
) -> anyhow::Result<()> {
    let play = Play::set(playbook, &handed_to(playbook), file, case, folder).await?;
    let mut drill = Drill { play, table, told: BTreeSet::new(), shown: Shown::default(), did: Vec::new() };
    let played = drill.run().await;
    drill.play.stage.store.close().await;
    played
}

struct Drill<'a, 't, 'b> {
    play: Play<'a>,
    table: &'t mut Table<'b>,
    /// The lines that were told: what happens at one time may come into a timeline before what was
    /// told of it.
    told: BTreeSet<String>,
    shown: Shown,
    /// What the person did, and how long after the alert.
    did: Vec<(Duration, String)>,
}

/// What the person was shown that wants an answer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Shown {
    approvals: BTreeSet<ApprovalId>,
    pages: BTreeSet<PageId>,
    is_over: bool,
}

/// What the person wants next.
enum Next {
    /// Something was done: whatever follows from it follows at once.
    Did,
    /// Until something new happens, or until then.
    Wait(Option<DateTime<Utc>>),
    Quit,
}

/// How things stand.
struct Standing {
    incidents: Vec<Incident>,
    approvals: Vec<Approval>,
    pages: Vec<Page>,
    is_running: bool,
}

impl Standing {
    /// Nobody is needed any more.
    fn is_settled(&self) -> bool {
        let over = |state| matches!(state, IncidentState::Resolved | IncidentState::Mitigated);
        !self.is_running && self.approvals.is_empty() && self.incidents.iter().all(|incident| over(incident.state))
    }

    fn wants(&self) -> Shown {
        Shown {
            approvals: self.approvals.iter().map(|approval| approval.id).collect(),
            pages: self.pages.iter().filter(|page| page.acknowledged_at.is_none()).map(|page| page.id).collect(),
            is_over: !self.is_running,
        }
    }

    /// The incident that a word without a number is about: the one that was opened last and is not
    /// over.
    fn incident(&self) -> Option<IncidentId> {
        let open = self.incidents.iter().filter(|incident| incident.state != IncidentState::Resolved);
        open.map(|incident| incident.id).max()
    }
}

impl Drill<'_, '_, '_> {
    async fn run(&mut self) -> anyhow::Result<()> {
        self.begin().await?;
        let case = self.play.case;
        let mut during: Vec<_> = case.during.iter().map(|during| &during.value).collect();
        during.sort_by_key(|during| during.after.0);
        let mut during = during.into_iter().peekable();
        let end = self.play.begin + LONGEST;
        let mut wait_until: Option<DateTime<Utc>> = None;
        loop {
            let due = self.play.stage.settle().await.map_err(anyhow::Error::from_boxed)?;
            self.tell_news().await?;
            let standing = self.standing().await?;
            if standing.is_settled() {
                break;
            }
            let wants = standing.wants();
            let is_new = wants != self.shown && wants != Shown::default();
            let now = self.play.stage.clock.now();
            let happens = during.peek().map(|during| self.play.begin + during.after.0);
            let next = [due, happens, wait_until.filter(|until| *until > now)].into_iter().flatten().min();
            let has_waited = wait_until.is_some_and(|until| until <= now);
            if is_new || has_waited || next.is_none() {
                self.show(&standing).await?;
                self.shown = wants;
                match self.ask(&standing).await? {
                    Next::Did => {
                        wait_until = None;
                        continue;
                    }
                    Next::Wait(until) => wait_until = until,
                    Next::Quit => break,
                }
                if next.is_none() && wait_until.is_none() {
                    self.say(Tone::Quiet, "nothing happens any more").await?;
                    break;
                }
            }
            let next = [next, wait_until].into_iter().flatten().min().unwrap_or(end);
            if next >= end {
                break;
            }
            self.play.stage.clock.set(next.max(now));
            if happens.is_some_and(|at| at <= next)
                && let Some(during) = during.next()
            {
                self.play.world_changes(during).await?;
            }
        }
        self.report().await
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        let (at, name) = (self.play.begin, self.play.name.clone());
        self.table.screen.title(at, &format!("a drill of {name}")).await?;
        let what = match &self.play.case.alert {
            Some(alert) => {
                let labels: Vec<String> = alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{} {} fires: {}", at.format("%H:%M:%S"), alert.name, labels.join(" "))
            }
            None => format!("{} somebody asks for a run of {name}", at.format("%H:%M:%S")),
        };
        self.say(Tone::Bad, &what).await?;
        self.play.start().await
    }

    async fn standing(&self) -> anyhow::Result<Standing> {
        let store = &self.play.stage.store;
        let now = self.play.stage.clock.now();
        Ok(Standing {
            incidents: store.incidents(IncidentFilter::ResolvedSince(self.play.begin - LONGEST)).await?,
            approvals: store.open_approvals().await?,
            pages: store.pages(self.play.begin, now + Duration::from_secs(1)).await?,
            is_running: !store.runs_under_way().await?.is_empty(),
        })
    }

    /// What chat would say since it was told last.
    async fn tell_news(&mut self) -> anyhow::Result<()> {
        let mut incidents = self.standing().await?.incidents;
        incidents.sort_by_key(|incident| incident.id);
        for incident in incidents {
            let timeline = self.play.stage.store.timeline(incident.id).await?;
            for line in timeline.iter().filter_map(timeline_line) {
                let line = format!("{line}  ({})", incident.id);
                if self.told.insert(line.clone()) {
                    self.say(Tone::of(&line), &line).await?;
                }
            }
        }
        Ok(())
    }

    /// The texts of what wants an answer.
    async fn show(&mut self, standing: &Standing) -> anyhow::Result<()> {
        for page in standing.pages.iter().filter(|page| page.acknowledged_at.is_none()) {
            if let Some(text) = page.text.as_ref().filter(|_| !self.shown.pages.contains(&page.id)) {
                self.say(Tone::Bad, &format!("  your pager: {}", text.trim_end().replace('\n', "\n              ")))
                    .await?;
            }
        }
        for approval in &standing.approvals {
            if self.shown.approvals.contains(&approval.id) {
                continue;
            }
            let shown = preview_text(&approval.preview).replace('\n', "\n  ");
            let until = approval.expires_at.format("%H:%M:%S");
            let text = format!("  {}: may I do this? (until {until})\n  {shown}", approval.id);
            self.say(Tone::Change, &text).await?;
        }
        Ok(())
    }

    async fn ask(&mut self, standing: &Standing) -> anyhow::Result<Next> {
        loop {
            let now = self.play.stage.clock.now();
            let question = format!("{} what do you do? (`help` lists what you can) > ", now.format("%H:%M:%S"));
            write!(self.table.screen.out, "{question}")?;
            self.table.screen.out.flush()?;
            let mut line = String::new();
            let is_end = self.table.typed.read_line(&mut line)? == 0;
            if self.table.echo || is_end {
                self.say(Tone::Plain, if is_end { "quit" } else { line.trim() }).await?;
            }
            if is_end {
                return Ok(Next::Quit);
            }
            match self.take_word(line.trim(), standing).await? {
                Ok(next) => return Ok(next),
                Err(text) => self.say(Tone::Quiet, &text).await?,
            }
        }
    }

    /// What a line asks for; else, what to say to it.
    async fn take_word(&mut self, line: &str, standing: &Standing) -> anyhow::Result<Result<Next, String>> {
        let line = line.trim_start_matches('/');
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let commands = match (word, standing.incident()) {
            ("help" | "?" | "", _) => return Ok(Err(HELP.to_owned())),
            ("quit" | "exit", _) => return Ok(Ok(Next::Quit)),
            ("wait", _) if rest.is_empty() => return Ok(Ok(Next::Wait(None))),
            ("wait", _) => {
                let until = parse_duration(rest).map(|lasting| self.play.stage.clock.now() + lasting);
                let wrong = format!("`{rest}` is no duration; write `wait 5m`");
                return Ok(until.map(|until| Next::Wait(Some(until))).map_err(|_| wrong));
            }
            ("approve" | "deny", _) if standing.approvals.is_empty() => {
                return Ok(Err("the bot asks nothing now".to_owned()));
            }
            ("approve" | "deny", _) => {
                let verdict = if word == "approve" { Verdict::Approve } else { Verdict::Deny };
                let answer = |approval: &Approval| Command::Approve { approval: approval.id, verdict, digest: None };
                standing.approvals.iter().map(answer).collect()
            }
            ("ack" | "take" | "resolve", None) => return Ok(Err("there is no incident that is open".to_owned())),
            ("ack", Some(incident)) => vec![Command::Ack { incident }],
            ("take", Some(incident)) => vec![Command::Take { incident }],
            ("resolve", Some(incident)) => {
                let note = (!rest.is_empty()).then(|| rest.to_owned());
                vec![Command::Resolve { incident, note }]
            }
            _ => return Ok(Err(format!("`{word}` is nothing that you can do here\n{HELP}"))),
        };
        for command in commands {
            self.play.ask(PERSON, command).await?;
        }
        self.did.push((self.elapsed(), line.to_owned()));
        Ok(Ok(Next::Did))
    }

    /// What came of it, and how long it took.
    async fn report(&mut self) -> anyhow::Result<()> {
        let standing = self.standing().await?;
        let now = self.play.stage.clock.now();
        let lasted = HumanDuration(self.elapsed());
        self.table.screen.title(now, &format!("the drill is over, {lasted} after its beginning")).await?;
        let mut outcomes = Vec::new();
        for incident in &standing.incidents {
            for run in self.play.stage.store.runs_of(incident.id).await? {
                let because = run.because.unwrap_or_default();
                let ended = run.outcome.map_or("is still under way".to_owned(), |outcome| format!("ended {outcome}"));
                self.say(Tone::Plain, format!("  {} {ended}: {because}", run.id).trim_end_matches(": ")).await?;
                outcomes.extend(run.outcome);
            }
            let owner = incident.owner.as_ref().map(|owner| format!(", {owner} had it")).unwrap_or_default();
            self.say(Tone::Plain, &format!("  {} is {}{owner}", incident.id, incident.state)).await?;
        }
        let begin = self.play.begin;
        for page in &standing.pages {
            let after = HumanDuration((page.created_at - begin).to_std().unwrap_or_default());
            let then = match page.acknowledged_at {
                Some(at) => {
                    let waited = HumanDuration((at - page.created_at).to_std().unwrap_or_default());
                    format!("acknowledged within {waited}")
                }
                None => "never acknowledged".to_owned(),
            };
            self.say(Tone::Plain, &format!("  {} was paged after {after}: {then}", page.team)).await?;
        }
        for (after, what) in std::mem::take(&mut self.did) {
            self.say(Tone::Plain, &format!("  you, after {}: {what}", HumanDuration(after))).await?;
        }
        let case = self.play.case;
        let wanted = case.expect.value.outcome;
        let is_as_expected = wanted.is_some_and(|wanted| outcomes.contains(&wanted));
        let wanted = wanted.map_or_else(String::new, |wanted| wanted.to_string());
        let (tone, text) = match is_as_expected {
            true => (Tone::Good, format!("  it was the case `{}`, and ended as that does: {wanted}", case.name)),
            false => (
                Tone::Bad,
                format!("  it was the case `{}`, which ends {wanted}: what was done here made it another", case.name),
            ),
        };
        self.say(tone, &text).await
    }

    fn elapsed(&self) -> Duration {
        (self.play.stage.clock.now() - self.play.begin).to_std().unwrap_or_default()
    }

    async fn say(&mut self, tone: Tone, text: &str) -> anyhow::Result<()> {
        Ok(self.table.screen.line(tone, text).await?)
    }
}
