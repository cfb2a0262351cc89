//! What people's commands need to know before it is decided what follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::IncidentRules;
use super::breaker_commands::decide_close_breaker;
use super::calls::{decide_assign, decide_escalate};
use super::commands::{Wish, decide_ack, decide_closed_at_pager, decide_resolve, decide_run, decline};
use super::freeze_commands::{Wanted, decide_freeze, decide_release, decide_take, decide_unfreeze, decline_frozen};
use super::many::{Called, MOST_OF_A_TEAM, Several, decide_each, decide_none_waits, tell_root, unknown, waiting_of};
use super::merging::{decide_merge, decide_split, decide_split_off};
use super::override_commands::{Cover, Duty};
use super::override_worker::read_overrides;
use super::radius::PutTogether;
use super::test_page::{self, decide_test_page};
use super::view::incident_about;
use super::voting::{Answer, Electorate, decide_vote};
use super::window_commands::{Silence, decide_silence, decide_unsilence, decline_covered};
use crate::model::{
    ApprovalId, ApprovalState, Command, Digest, Freeze, FreezeScope, IncidentId, Person, Severity, Target, Verdict,
};
use crate::oncall::OnCall;
use crate::playbook::{Catalog, Playbook};
use crate::store::{Decision, Groups, IncidentFilter, IncidentView, Store, StoreError, unfit_to_act_on};

/// Who asks, and what is known at that moment.
pub(super) struct Asked<'a> {
    pub store: &'a dyn Store,
    pub catalog: &'a Catalog,
    pub rules: &'a IncidentRules,
    pub now: DateTime<Utc>,
    pub person: &'a Person,
}

impl Asked<'_> {
    pub async fn decide(&self, command: &Command) -> Result<Decision, StoreError> {
        let person = self.person;
        match command {
            Command::Ack { incident } => self.about(*incident, |view| decide_ack(view, person, &[])).await,
            Command::AckMany { incidents } => {
                self.about_each(incidents, ACKNOWLEDGED, None, |view| decide_ack(view, person, incidents)).await
            }
            Command::AckAllOf { team } => self.ack_all_of(team).await,
            Command::ClosedAtPager { incident } => {
                self.about(*incident, |view| decide_closed_at_pager(view, person)).await
            }
            Command::Take { incident } => self.take(*incident).await,
            Command::Escalate { incident, note } => {
                let oncall = self.rules.oncall.get();
                self.about(*incident, |view| decide_escalate(&oncall, view, person, note.as_ref())).await
            }
            Command::Assign { incident, to, note } => {
                self.about(*incident, |view| decide_assign(view, person, to, note.as_ref())).await
            }
            Command::Resolve { incident, note } => {
                self.about(*incident, |view| decide_resolve(self.rules, view, person, note.as_deref())).await
            }
            Command::ResolveMany { incidents, note } => {
                let resolve = |view: &IncidentView| decide_resolve(self.rules, view, person, note.as_deref());
                self.about_each(incidents, "resolved", None, resolve).await
            }
            Command::Merge { incidents, into } => self.merge(incidents, *into).await,
            Command::Split { incident, object: None } => {
                Ok(match self.store.incident_views(&[*incident]).await?.pop() {
                    Some(view) => decide_split(&view, person),
                    None => unknown(*incident),
                })
            }
            Command::Split { incident, object: Some(object) } => self.split_off(*incident, object).await,
            Command::Approve { approval, verdict, digest } => {
                let answer = Answer { verdict: *verdict, digest: digest.as_ref(), reason: None };
                self.vote(*approval, answer).await
            }
            Command::DenyBecause { approval, reason } => {
                let answer = Answer { verdict: Verdict::Deny, digest: None, reason: Some(reason) };
                self.vote(*approval, answer).await
            }
            Command::Run { playbook, set, dry_run: false } => self.run(playbook, set).await,
            Command::Silence { scope, lasting_secs, from, reason } => {
                let wish = Silence { scope, lasting_secs: *lasting_secs, from: *from, reason };
                Ok(decide_silence(wish, self.store.next_window_id().await?, person, self.now))
            }
            Command::Unsilence { window } => {
                let known = self.store.window(*window).await?;
                Ok(decide_unsilence(*window, known.as_ref(), person, self.now))
            }
            Command::Freeze { scope, lasting_secs, reason } => {
                let lasting = lasting_secs.map(Duration::from_secs);
                self.freeze(Wanted { scope, lasting, reason }).await
            }
            Command::Unfreeze { id } => {
                let known = self.store.freeze(*id).await?;
                if let Some(why) = known.as_ref().and_then(|freeze| self.may_not_let_go_on(&freeze.scope)) {
                    return Ok(decline(why));
                }
                let others = self.store.freezes_at(self.now).await?;
                Ok(decide_unfreeze(*id, known.as_ref(), &others, person, self.now))
            }
            Command::CloseBreaker { playbook, reason } => self.close_breaker(playbook, reason).await,
            Command::Release { incident } => self.about(*incident, |view| decide_release(view, person)).await,
            Command::TakeShift { team, layer, until } => {
                self.on_duty(|duty| duty.take(team.as_deref(), *layer, *until)).await
            }
            Command::Override { team, layer, member, whom, from, until, reason } => {
                let (layer, whom, from, until) = (*layer, whom.as_deref(), *from, *until);
                let wish = Cover { team, layer, member, whom, from, until, reason };
                self.on_duty(|duty| duty.cover(&wish)).await
            }
            Command::EndOverride { id } => {
                let known = self.store.override_of(*id).await?;
                self.on_duty(|duty| duty.end(*id, known.as_ref())).await
            }
            Command::TestPage { team, severity } => self.test_page(team, *severity).await,
            // They only look, and are answered where they are asked.
            Command::Run { dry_run: true, .. }
            | Command::Incidents(_)
            | Command::Why { .. }
            | Command::Objects { .. }
            | Command::Timeline { .. }
            | Command::RunLog { .. }
            | Command::Windows
            | Command::Freezes
            | Command::Approvals
            | Command::Breakers
            | Command::Playbooks { .. }
            | Command::Oncall { .. }
            | Command::Handoff
            | Command::Help => Ok(decline("this command changes nothing, and is not a signal")),
        }
    }

    async fn vote(&self, id: ApprovalId, answer: Answer<'_>) -> Result<Decision, StoreError> {
        let Some(mut approval) = self.store.approval(id).await? else {
            return Ok(decline(format!("there is no {id}")));
        };
        let is_over =
            matches!(approval.state, ApprovalState::Approved | ApprovalState::Denied | ApprovalState::Expired);
        if answer.verdict == Verdict::Approve
            && !is_over
            && let Some(run) = self.store.run(approval.run).await?
        {
            if let Some(freeze) = self.freeze_over(&run.playbook.name, &run.target).await? {
                return Ok(decline_frozen(&freeze));
            }
            // As a version that did not write it down knew it.
            if approval.terms.owner.is_empty() {
                let owner = self.catalog.get(&run.playbook.name).map(|playbook| playbook.owner.clone());
                approval.terms.owner = owner.unwrap_or_default();
            }
            if approval.terms.namespaces.is_empty() {
                approval.terms.namespaces.push(run.target.place().to_owned());
            }
        }
        let oncall = self.rules.oncall.get();
        Ok(decide_vote(&approval, self.person, answer, &self.electorate(&oncall)))
    }

    fn electorate<'o>(&'o self, oncall: &'o OnCall) -> Electorate<'o> {
        Electorate { oncall, limits: &self.rules.people, now: self.now }
    }

    /// Why the person may not let runs change that again which a freeze or breaker covers.
    fn may_not_let_go_on(&self, scope: &FreezeScope) -> Option<String> {
        let oncall = self.rules.oncall.get();
        let all = self.electorate(&oncall);
        let limits = &self.rules.people;
        let why = match scope {
            FreezeScope::All => limits
                .limits(self.person, all.knows(self.person))
                .then(|| "`people` in dogwatch.yaml limits what you may run".to_owned()),
            FreezeScope::Namespace(namespace) => {
                limits.why_not_as_a_whole(self.person, all.knows(self.person), None, Some(namespace))
            }
            FreezeScope::Playbook(name) => {
                let owner = self.catalog.get(name).map(|playbook| playbook.owner.as_str());
                limits.why_not_as_a_whole(self.person, all.knows(self.person), owner, None)
            }
        };
        why.map(|why| format!("you may not let runs change {scope} again: {why}"))
    }

    async fn freeze_over(&self, playbook: &str, target: &Target) -> Result<Option<Freeze>, StoreError> {
        let freezes = self.store.freezes_at(self.now).await?;
        Ok(freezes.into_iter().find(|freeze| freeze.scope.covers_run(playbook, target)))
    }

    async fn take(&self, id: IncidentId) -> Result<Decision, StoreError> {
        let Some(Called { view, .. }) = self.root_views(&[id]).await?.pop() else { return Ok(unknown(id)) };
        let groups = self.groups().await;
        Ok(tell_root(id, view.incident.id, decide_take(&view, self.person, groups)))
    }

    async fn freeze(&self, wanted: Wanted<'_>) -> Result<Decision, StoreError> {
        if let FreezeScope::Playbook(name) = wanted.scope
            && !self.catalog.knows(name)
            && !self.may_be_under_way(name).await
        {
            return Ok(self.no_playbook(name));
        }
        let id = self.store.next_freeze_id().await?;
        let map = self.rules.freeze_map.get();
        Ok(decide_freeze(wanted, id, self.groups().await, &map, self.person, self.now))
    }

    async fn close_breaker(&self, playbook: &str, reason: &str) -> Result<Decision, StoreError> {
        let is_open = self.store.breakers().await?.iter().any(|breaker| breaker.playbook == playbook);
        let has_stopped = self.store.stopped_ramps(self.now).await?.iter().any(|ramp| ramp.playbook == playbook);
        if !is_open && !has_stopped && !self.catalog.knows(playbook) {
            return Ok(self.no_playbook(playbook));
        }
        if let Some(why) = self.may_not_let_go_on(&FreezeScope::Playbook(playbook.to_owned())) {
            return Ok(decline(why));
        }
        Ok(decide_close_breaker(playbook, (is_open, has_stopped), reason, self.person))
    }

    /// Whether a run of the playbook is under way, which may be in the catalog no more. What cannot
    /// be read is no reason not to freeze.
    async fn may_be_under_way(&self, name: &str) -> bool {
        match self.store.runs_under_way().await {
            Ok(runs) => runs.iter().any(|run| run.playbook.name == name),
            Err(error) => {
                tracing::warn!(%error, "the runs under way cannot be read, and a playbook is frozen that may have none");
                true
            }
        }
    }

    /// The groups of the playbooks that runs under way may have. What cannot be read is left out,
    /// and told of with the runs.
    async fn groups(&self) -> BTreeMap<Digest, Groups> {
        let of = |playbook: &Arc<Playbook>| (playbook.reference.digest.clone(), playbook.groups());
        let mut groups: BTreeMap<Digest, Groups> = self.catalog.iter().map(of).collect();
        let runs = self.store.runs_under_way().await.unwrap_or_default();
        let digests: BTreeSet<Digest> = runs.into_iter().map(|run| run.playbook.digest).collect();
        for digest in digests {
            if groups.contains_key(&digest) {
                continue;
            }
            let source = self.store.playbook_source(&digest).await.ok().flatten();
            if let Some(playbook) = source.and_then(|source| Playbook::from_store(&source).ok()) {
                groups.insert(digest, playbook.groups());
            }
        }
        groups
    }

    async fn test_page(&self, team: &str, severity: Severity) -> Result<Decision, StoreError> {
        let key = test_page::grouping(team).key();
        let known = self.store.incidents_by_grouping(&[&key]).await?.remove(&key);
        let next = self.store.next_incident_id().await?;
        let oncall = self.rules.oncall.get();
        Ok(decide_test_page(&oncall, (team, severity), self.person, next, known.as_ref()))
    }

    async fn about(
        &self,
        id: IncidentId,
        decide: impl FnOnce(&IncidentView) -> Decision,
    ) -> Result<Decision, StoreError> {
        Ok(match self.root_views(&[id]).await?.pop() {
            Some(Called { view, .. }) => tell_root(id, view.incident.id, decide(&view)),
            None => unknown(id),
        })
    }

    /// The incidents with these numbers, each as the one that it is part of.
    async fn root_views(&self, ids: &[IncidentId]) -> Result<Vec<Called>, StoreError> {
        let views = self.store.incident_views(ids).await?;
        let roots: BTreeSet<IncidentId> = views.iter().map(|view| view.incident.root()).collect();
        let called: Vec<(IncidentId, IncidentId)> =
            views.iter().map(|view| (view.incident.id, view.incident.root())).collect();
        let roots = self.store.incident_views(&roots.into_iter().collect::<Vec<_>>()).await?;
        let view = |root| roots.iter().find(|view| view.incident.id == root).cloned();
        Ok(called.into_iter().filter_map(|(id, root)| Some(Called { id, view: view(root)? })).collect())
    }

    async fn about_each(
        &self,
        ids: &[IncidentId],
        wanted: &str,
        team: Option<(&str, usize)>,
        decide: impl Fn(&IncidentView) -> Decision,
    ) -> Result<Decision, StoreError> {
        let views = self.root_views(ids).await?;
        Ok(decide_each(Several { ids, views: &views, wanted, team }, decide))
    }

    async fn merge(&self, ids: &[IncidentId], into: IncidentId) -> Result<Decision, StoreError> {
        let Some(Called { view: whole, .. }) = self.root_views(&[into]).await?.pop() else { return Ok(unknown(into)) };
        let parts = self.store.incident_views(ids).await?;
        let called = parts.into_iter().map(|view| Called { id: view.incident.id, view }).collect::<Vec<_>>();
        let decide = |view: &IncidentView| decide_merge(view, &whole, self.person);
        let decision = match ids {
            [id] => called.first().map_or_else(|| unknown(*id), |called| decide(&called.view)),
            ids => decide_each(Several { ids, views: &called, wanted: "merged", team: None }, decide),
        };
        let together = PutTogether { store: self.store, catalog: self.catalog, rules: self.rules, now: self.now };
        together.merged(decision, &whole, called.iter().map(|called| &called.view)).await
    }

    async fn split_off(&self, id: IncidentId, object: &str) -> Result<Decision, StoreError> {
        let Some(Called { view, .. }) = self.root_views(&[id]).await?.pop() else { return Ok(unknown(id)) };
        let objects = self.store.objects_of(view.incident.id, usize::MAX).await?;
        let Some(row) = objects.iter().find(|row| row.shown() == object || row.object == object) else {
            let root = view.incident.id;
            return Ok(decline(format!("nothing fires about `{object}` in {root}; /objects {root} lists what does")));
        };
        let within = view.incident.severity.ack_within();
        Ok(decide_split_off(&view, row, self.person, within, self.now))
    }

    /// Which ones are meant is decided now: whoever asks cannot know of what came in meanwhile, and
    /// is told.
    async fn ack_all_of(&self, team: &str) -> Result<Decision, StoreError> {
        let open = self.store.incidents(IncidentFilter::Unresolved).await?;
        let mut waiting = waiting_of(team, &open, &self.store.unanswered_pages().await?);
        if waiting.is_empty() {
            return Ok(decide_none_waits(team, &open));
        }
        let left = waiting.len().saturating_sub(MOST_OF_A_TEAM);
        waiting.truncate(MOST_OF_A_TEAM);
        let ack = |view: &IncidentView| decide_ack(view, self.person, &waiting);
        self.about_each(&waiting, ACKNOWLEDGED, Some((team, left)), ack).await
    }

    async fn on_duty(&self, decide: impl FnOnce(&Duty<'_>) -> Decision) -> Result<Decision, StoreError> {
        let roster = &self.rules.oncall;
        // The one before this may not have reached the roster yet.
        read_overrides(self.store, roster, self.now).await?;
        let (oncall, overrides) = (roster.get(), roster.overrides());
        let id = self.store.next_override_id().await?;
        let duty = Duty { oncall: &oncall, overrides: &overrides, id, person: self.person, now: self.now };
        Ok(decide(&duty))
    }

    fn no_playbook(&self, name: &str) -> Decision {
        if let Some(why) = self.catalog.why_disabled(name) {
            return decline(format!("{name} is {why}"));
        }
        let known: Vec<&str> = self.catalog.iter().map(|playbook| playbook.name.as_str()).collect();
        decline(format!("there is no playbook `{name}`; there are: {}", known.join(", ")))
    }

    async fn run(&self, name: &str, set: &BTreeMap<String, String>) -> Result<Decision, StoreError> {
        let catalog = self.catalog;
        let Some(playbook) = catalog.get(name) else {
            return Ok(self.no_playbook(name));
        };
        let (target, inputs) = match playbook.subject_without_alert(set) {
            Ok(subject) => subject,
            Err(problems) => return Ok(decline(problems.join("\n"))),
        };
        if let Some(because) = unfit_to_act_on(&target, &serde_json::Value::Object(inputs.clone())) {
            return Ok(decline(because));
        }
        let (oncall, places) = (self.rules.oncall.get(), [target.place().to_owned()]);
        let all = self.electorate(&oncall);
        if let Some(why) = all.beyond_limits(self.person, &playbook.owner, &places) {
            let others = all.others(&playbook.owner, &places);
            return Ok(decline(format!("{name} is not yours to run on {target}: {why}; {others}")));
        }
        let windows = self.store.windows_at(self.now).await?;
        if let Some(window) = windows.iter().find(|window| window.scope.covers_run(None, set, &target)) {
            return Ok(decline_covered(window, &target));
        }
        if let Some(freeze) = self.freeze_over(&playbook.name, &target).await? {
            return Ok(decline_frozen(&freeze));
        }
        let since = self.now - playbook.limits.of_target().look_back();
        let history = self.store.run_history(&playbook.name, &target.key(), since).await?;
        let known = incident_about(self.store, &target).await?;
        let wish = Wish { playbook, target, inputs, set };
        Ok(decide_run(self.rules, wish, known.as_ref(), &history, self.person))
    }
}

const ACKNOWLEDGED: &str = "acknowledged";
