//! Incidents that are put together, and taken apart again.

use super::*;

fn merge(from: IncidentId, into: IncidentId) -> Change {
    let into = IncidentRef::Existing(into);
    Change::Merge { from, into, by: Some("ada".into()), because: "one cause".into() }
}

async fn counts(story: &Story, id: IncidentId) -> (IncidentState, u64, u64) {
    let incident = story.store.incident(id).await.unwrap().unwrap();
    (incident.state, incident.open_episodes, incident.episodes)
}

async fn runs(story: &Story, id: IncidentId) -> Vec<RunId> {
    story.store.runs_of(id).await.unwrap().into_iter().map(|run| run.id).collect()
}

pub async fn what_is_merged_goes_on_in_the_whole_and_what_is_split_comes_back(story: Story) {
    let (whole, part) = (incident(&story, "whole", 2).await, incident(&story, "part", 3).await);
    let (of_whole, of_part) = (run(&story, whole, "a").await, run(&story, part, "b").await);
    story.decide(vec![merge(part, whole)]).await;
    let story = story.reopens().await;
    assert_eq!(counts(&story, whole).await, (IncidentState::Open, 5, 5));
    assert_eq!(counts(&story, part).await.0, IncidentState::Resolved);
    let merged = story.store.incident(part).await.unwrap().unwrap().merged;
    assert_eq!(merged, Some(Merged { into: whole, root: whole }));
    assert_eq!((runs(&story, whole).await, runs(&story, part).await), (vec![of_whole, of_part], vec![]));
    // Its key leads to the whole; and the same again changes nothing.
    let found = story.store.incidents_by_grouping(&["target:part"]).await.unwrap();
    assert_eq!(found["target:part"].incident.id, whole);
    story.decide(vec![merge(part, whole)]).await;
    assert_eq!(counts(&story, whole).await, (IncidentState::Open, 5, 5));

    story.decide(vec![Change::Split { incident: part, by: "ada".into() }]).await;
    assert_eq!(counts(&story, whole).await, (IncidentState::Open, 2, 2));
    assert_eq!((counts(&story, part).await.0, counts(&story, part).await.1), (IncidentState::Open, 3));
    assert_eq!((runs(&story, whole).await, runs(&story, part).await), (vec![of_whole], vec![of_part]));
    assert_eq!(story.store.incidents_by_grouping(&["target:part"]).await.unwrap()["target:part"].incident.id, part);
}

pub async fn a_part_of_a_part_comes_back_with_it(story: Story) {
    let [a, b, c] = [incident(&story, "a", 1).await, incident(&story, "b", 1).await, incident(&story, "c", 1).await];
    story.decide(vec![merge(c, b), merge(b, a)]).await;
    let root = async |id| story.store.incident(id).await.unwrap().unwrap().root();
    assert_eq!((root(b).await, root(c).await, counts(&story, a).await.1), (a, a, 3));
    story.decide(vec![Change::Split { incident: b, by: "ada".into() }]).await;
    assert_eq!((root(b).await, root(c).await), (b, b));
    assert_eq!((counts(&story, a).await.1, counts(&story, b).await.1), (1, 2));
}

pub async fn the_pages_of_a_part_are_answered_with_the_whole(story: Story) {
    let (whole, part) = (incident(&story, "whole", 1).await, incident(&story, "part", 1).await);
    for id in [whole, part] {
        story.page(id, PageReason::Overdue).await;
    }
    story.decide(vec![merge(part, whole)]).await;
    let pages = story.store.pages_of(whole).await.unwrap();
    let told: Vec<_> = pages.iter().map(|page| (page.incident, page.made_for)).collect();
    assert_eq!(told, [(whole, whole), (whole, part)]);
    let keys: BTreeMap<&str, ()> = pages.iter().map(|page| (page.key.as_str(), ())).collect();
    assert_eq!(keys.len(), 2, "a receiver knows each by the key that it came with: {keys:?}");
    let view = &story.store.incident_views(&[whole]).await.unwrap()[0];
    assert_eq!(view.unanswered.len(), 2);
    story.ack(whole, "ada").await;
    assert!(story.store.unanswered_pages().await.unwrap().is_empty());
}

/// A receiver goes on calling for a page that nobody answers, whoever it was made for.
pub async fn the_pages_of_a_part_of_a_part_are_answered_by_whoever_has_the_whole(story: Story) {
    let [whole, part, inner] =
        [incident(&story, "whole", 1).await, incident(&story, "part", 1).await, incident(&story, "inner", 1).await];
    for id in [whole, part, inner] {
        story.page(id, PageReason::Overdue).await;
    }
    story.ack(whole, "ada").await;
    story.decide(vec![merge(inner, part)]).await;
    assert_eq!(story.store.unanswered_pages().await.unwrap().len(), 2);
    story.decide(vec![merge(part, whole)]).await;
    assert!(story.store.unanswered_pages().await.unwrap().is_empty());
    assert!(story.store.pages_of(whole).await.unwrap().iter().all(|page| page.answered));
}

/// Between what a decision looks at and its carrying out, a run may have stopped as another one
/// did.
pub async fn what_was_decided_about_an_incident_is_not_done_to_what_became_a_part(story: Story) {
    let (whole, part) = (incident(&story, "whole", 1).await, incident(&story, "part", 1).await);
    let late = story.signal("late").await;
    story.decide(vec![merge(part, whole)]).await;
    let at = IncidentRef::Existing(part);
    for change in [
        Change::Resolve { incident: at, by_itself: true },
        episode(at, "new"),
        Change::Acknowledge { incident: at, by: "bob".into() },
    ] {
        let decision = Decision { changes: vec![change], reply: None };
        let fenced = story.store.apply(late, decision).await;
        assert!(matches!(fenced, Err(StoreError::Fenced(_))), "{fenced:?}");
    }
    assert_eq!(counts(&story, whole).await, (IncidentState::Open, 2, 2));
    let waits = story.store.pending_signals(10).await.unwrap();
    assert!(waits.iter().any(|(id, _)| *id == late), "it is decided about anew");
}

pub async fn what_a_person_set_apart_gathers_with_nobody(story: Story) {
    let scope = Scope { source: "alertmanager".into(), team: "platform".into(), origin: Origin::Home };
    let shared = Grouping::Alert { alert: ALERT.into(), scope };
    let (whole, part) = (incident(&story, "whole", 1).await, incident(&story, "part", 1).await);
    let shares = |incident| Change::Gather {
        incident: IncidentRef::Existing(incident),
        by: shared.clone(),
        gathers: Vec::new(),
        shares: vec![shared.clone()],
    };
    story.decide(vec![shares(whole), shares(part)]).await;
    let recent = async || -> Vec<IncidentId> {
        let recent = story.store.recent_incidents(morning()).await.unwrap();
        assert!(recent.iter().all(|it| it.shares.contains_key(&shared.key())));
        recent.into_iter().map(|recent| recent.id).collect()
    };
    assert_eq!(recent().await, [whole, part]);
    story.decide(vec![merge(part, whole)]).await;
    assert_eq!(recent().await, [whole]);
    story.decide(vec![Change::Split { incident: part, by: "ada".into() }]).await;
    assert_eq!(recent().await, [whole]);
}

pub async fn what_fires_is_told_by_what_it_is_about(story: Story) {
    let id = incident(&story, "one", 2).await;
    let at = IncidentRef::Existing(id);
    assert!(!story.store.incident_views(&[id]).await.unwrap()[0].is_of_many);
    story.decide(vec![episode(at, "other")]).await;
    assert!(story.store.incident_views(&[id]).await.unwrap()[0].is_of_many);
    let objects = story.store.objects_of(id, 10).await.unwrap();
    let told: Vec<_> = objects.iter().map(|row| (row.shown(), row.open)).collect();
    assert_eq!((told, story.store.count_objects(id).await.unwrap()), (vec![("other", 1), ("one", 2)], 2));
    let open = story.store.incidents_by_object(&["target:one", "other", "never"]).await.unwrap();
    assert_eq!((open.len(), open["target:one"], open["other"]), (2, id, id));
}

pub async fn what_is_affected_is_told_by_objects_and_by_alerts(story: Story) {
    let (one, two) = (incident(&story, "one", 2).await, incident(&story, "two", 1).await);
    let window = keeps_window(&story).await;
    let at = IncidentRef::Existing(one);
    let opens = |name: &str, counted: Option<&str>, severity, held_by| match episode(at, name) {
        Change::OpenEpisode { incident, episode } => {
            let counted_as = counted.map(str::to_owned);
            Change::OpenEpisode { incident, episode: NewEpisode { severity, held_by, counted_as, ..episode } }
        }
        other => other,
    };
    let (s1, s3, s4) = (Some(Severity::S1), Some(Severity::S3), Some(Severity::S4));
    story
        .decide(vec![
            opens("a", Some("host:a"), s4, None),
            opens("a too", Some("host:a"), s3, None),
            opens("b", Some("host:b"), s4, None),
            opens("c", Some("host:c"), s1, Some(window)),
            opens("nobody has rated it", Some("host:d"), None, None),
            opens("by its labels", None, s3, None),
        ])
        .await;
    let all = Firing { but: &[], mildest: Severity::S4, windows: &[], is_uncounted: false };
    let objects = async |firing| -> Vec<String> {
        let mut found = story.store.objects_in(&[one, two], firing).await.unwrap();
        found.sort();
        assert!(found.iter().all(|(id, _)| *id == one), "{found:?}");
        found.into_iter().map(|(_, object)| format!("{} {}", object.key, object.severity)).collect()
    };
    let alerts = async |id, firing, page| -> Vec<String> {
        let found = story.store.firing_in(id, firing, page).await.unwrap();
        assert!(found.iter().all(|(_, alert)| alert.source == "alertmanager" && !alert.labels.is_empty()));
        found.into_iter().map(|(_, alert)| alert.object).collect()
    };
    assert_eq!(objects(all).await, ["host:a S3", "host:b S4", "host:c S1"], "the worst of each");
    let serious = Firing { mildest: Severity::S3, ..all };
    assert_eq!(objects(serious).await, ["host:a S3", "host:c S1"]);
    let held = [window];
    assert_eq!(objects(Firing { windows: &held, ..all }).await, ["host:a S3", "host:b S4"]);
    let from_the_first = (EpisodeId(0), 100);
    let uncounted = ["target:one", "target:one", "nobody has rated it", "by its labels"];
    assert_eq!(alerts(one, Firing { is_uncounted: true, ..serious }, from_the_first).await, uncounted);
    assert_eq!(alerts(one, all, from_the_first).await.len(), 8);
    assert_eq!(alerts(one, Firing { windows: &held, ..all }, from_the_first).await.len(), 7);
    assert_eq!(alerts(two, all, from_the_first).await, ["target:two"]);
    // By pages.
    let first = story.store.firing_in(one, all, (EpisodeId(0), 5)).await.unwrap();
    let rest = story.store.firing_in(one, all, (first[4].0, 5)).await.unwrap();
    assert_eq!((first.len(), rest.len()), (5, 3));
    // What ends now is left out, and so is what has ended.
    let ends: Vec<EpisodeId> = first.iter().chain(&rest).map(|(id, _)| *id).collect();
    assert!(objects(Firing { but: &ends, ..all }).await.is_empty());
    assert!(alerts(one, Firing { but: &ends, ..all }, from_the_first).await.is_empty());
    let close = |episode| Change::CloseEpisode { incident: at, episode, at: morning(), start: None };
    story.decide(ends.iter().copied().map(close).collect()).await;
    assert!(objects(all).await.is_empty());
    // What fires again is counted as it is told then.
    let again = |counted_as| Change::ReopenEpisode { incident: at, episode: ends[2], held_by: None, counted_as };
    story.decide(vec![again(Some("host:new".into()))]).await;
    assert_eq!(objects(all).await, ["host:new S4"]);
}

pub async fn how_objects_were_counted_is_forgotten_when_the_words_change(story: Story) {
    let id = incident(&story, "one", 0).await;
    story.store.counts_by(&Digest::of("these")).await.unwrap();
    let opens = |name: &str| match episode(IncidentRef::Existing(id), name) {
        Change::OpenEpisode { incident, episode } => {
            let (severity, counted_as) = (Some(Severity::S3), Some(format!("host:{name}")));
            Change::OpenEpisode { incident, episode: NewEpisode { severity, counted_as, ..episode } }
        }
        other => other,
    };
    story.decide(vec![opens("a"), opens("b")]).await;
    let all = Firing { but: &[], mildest: Severity::S4, windows: &[], is_uncounted: false };
    let counts = async || {
        let objects = story.store.objects_in(&[id], all).await.unwrap().len();
        let uncounted = Firing { is_uncounted: true, ..all };
        (objects, story.store.firing_in(id, uncounted, (EpisodeId(0), 10)).await.unwrap().len())
    };
    story.store.counts_by(&Digest::of("these")).await.unwrap();
    assert_eq!(counts().await, (2, 0));
    story.store.counts_by(&Digest::of("others")).await.unwrap();
    assert_eq!(counts().await, (0, 2));
    story.decide(vec![opens("c")]).await;
    story.store.counts_by(&Digest::of("others")).await.unwrap();
    assert_eq!(counts().await, (1, 2));
}

async fn keeps_window(story: &Story) -> WindowId {
    let id = story.store.next_window_id().await.unwrap();
    let scope = WindowScope { matchers: vec!["alertname=X".parse().unwrap()], ..WindowScope::default() };
    let window = NewWindow {
        key: "moving".into(),
        scope,
        reason: "moving".into(),
        owner: "ada".into(),
        via: "console".into(),
        starts_at: morning(),
        ends_at: morning() + TimeDelta::hours(1),
    };
    story.decide(vec![Change::KeepWindow { id, window: Box::new(window) }]).await;
    id
}
