//! Maintenance windows, and what they hold back.

use super::*;

fn new_window(key: &str, from: i64, lasting: i64) -> NewWindow {
    NewWindow {
        key: key.into(),
        scope: WindowScope { matchers: vec![format!("alertname={ALERT}").parse().unwrap()], ..WindowScope::default() },
        reason: "an upgrade with password=hunter2-hunter2".into(),
        owner: "anna".into(),
        via: "console".into(),
        starts_at: morning() + TimeDelta::minutes(from),
        ends_at: morning() + TimeDelta::minutes(from + lasting),
    }
}

async fn keeps(story: &Story, from: i64, lasting: i64) -> WindowId {
    let id = story.store.next_window_id().await.unwrap();
    let window = Box::new(new_window(&id.to_string(), from, lasting));
    story.decide(vec![Change::KeepWindow { id, window }]).await;
    id
}

async fn active(story: &Story) -> Vec<i64> {
    let windows = story.store.windows_at(story.clock.now()).await.unwrap();
    windows.iter().map(|window| window.id.0).collect()
}

pub async fn a_window_covers_from_its_beginning_until_before_its_end(story: Story) {
    let id = keeps(&story, 10, 20).await;
    assert_eq!(id, WindowId(1));
    assert!(active(&story).await.is_empty());
    story.passes(10);
    assert_eq!(active(&story).await, [1]);
    let story = story.reopens().await;
    story.passes(19);
    assert_eq!(active(&story).await, [1]);
    assert_eq!(story.store.ended_windows(story.clock.now()).await.unwrap().1, Some(morning() + TimeDelta::minutes(30)));
    story.passes(1);
    assert!(active(&story).await.is_empty());
    let (ended, next) = story.store.ended_windows(story.clock.now()).await.unwrap();
    assert_eq!((ended[0].id, ended.len(), next), (id, 1, None));
    assert!(!ended[0].reason.contains("hunter2"), "{}", ended[0].reason);
}

pub async fn the_end_of_a_window_is_told_once(story: Story) {
    let id = keeps(&story, 0, 20).await;
    story.passes(5);
    let end = |by: &str| Change::EndWindow { window: id, by: by.into() };
    story.decide(vec![end("bob"), end("carol")]).await;
    let window = story.store.window(id).await.unwrap().unwrap();
    assert_eq!((window.ended_by.as_deref(), window.ends_at), (Some("bob"), morning() + TimeDelta::minutes(5)));
    assert_eq!(story.store.ended_windows(story.clock.now()).await.unwrap().0.len(), 1);
    story.decide(vec![Change::WindowTold { window: id }]).await;
    assert!(story.store.ended_windows(story.clock.now()).await.unwrap().0.is_empty());
    assert_eq!(story.store.windows_since(morning()).await.unwrap().len(), 1);
    assert!(story.store.windows_since(morning() + TimeDelta::minutes(6)).await.unwrap().is_empty());
}

pub async fn no_page_is_made_of_what_windows_cover(story: Story) {
    let id = incident(&story, "coredns", 2).await;
    let window = keeps(&story, 0, 20).await;
    story.page(id, PageReason::Overdue).await;
    assert!(story.store.pages_of(id).await.unwrap().is_empty());
    let held = story.store.incident(id).await.unwrap().unwrap();
    assert_eq!((held.page_at, held.held_until), (None, Some(morning() + TimeDelta::minutes(20))));
    let held = story.store.held_by(&[window]).await.unwrap();
    assert_eq!((held[0].incident, held[0].alerts, held[0].pages, held[0].firing), (id, 0, 1, 2));
    // Something that no window covers.
    let Change::OpenEpisode { episode, .. } = episode(IncidentRef::Existing(id), "other") else { panic!() };
    let labels = BTreeMap::from([("alertname".to_owned(), "Other".to_owned())]);
    let other = NewEpisode { labels, ..episode };
    story.decide(vec![Change::OpenEpisode { incident: IncidentRef::Existing(id), episode: other }]).await;
    story.page(id, PageReason::Overdue).await;
    assert_eq!(story.store.pages_of(id).await.unwrap().len(), 1);
    assert_eq!(story.store.incident(id).await.unwrap().unwrap().held_until, None);
}

pub async fn what_was_held_back_is_counted_where_all_is_told(story: Story) {
    let (part, whole) = (incident(&story, "part", 1).await, incident(&story, "whole", 1).await);
    let window = keeps(&story, 0, 20).await;
    let until = morning() + TimeDelta::minutes(20);
    let hold =
        |id, alerts| Change::HoldBack { incident: IncidentRef::Existing(id), window, until, alerts, is_whole: true };
    story.decide(vec![hold(part, 2), hold(whole, 3), hold(whole, 1)]).await;
    let merge = Change::Merge { from: part, into: IncidentRef::Existing(whole), by: None, because: "one cause".into() };
    story.decide(vec![merge]).await;
    let held = story.store.held_by(&[window]).await.unwrap();
    assert_eq!(held.iter().map(|held| (held.incident, held.alerts)).collect::<Vec<_>>(), [(whole, 6)]);
    assert_eq!(story.store.incident(whole).await.unwrap().unwrap().held_until, Some(until));
    story.decide(vec![Change::HoldOver { incident: IncidentRef::Existing(whole) }]).await;
    assert_eq!(story.store.incident(whole).await.unwrap().unwrap().held_until, None);
}

pub async fn an_alert_knows_the_window_that_held_it_until_it_is_let_go(story: Story) {
    let id = incident(&story, "coredns", 0).await;
    let window = keeps(&story, 0, 20).await;
    let Change::OpenEpisode { episode, .. } = episode(IncidentRef::Existing(id), "f") else { panic!() };
    let held = NewEpisode { held_by: Some(window), ..episode };
    story.decide(vec![Change::OpenEpisode { incident: IncidentRef::Existing(id), episode: held }]).await;
    let head = async || story.store.latest_episodes("alertmanager", &["f"]).await.unwrap()["f"].clone();
    assert_eq!(head().await.held_by, Some(window));
    let object = story.store.open_alerts(id).await.unwrap().remove(0).object;
    assert_eq!(object, "f");
    story.decide(vec![Change::Release { episodes: vec![head().await.id] }]).await;
    assert_eq!(head().await.held_by, None);
}

pub async fn a_file_s_windows_are_what_the_file_says(story: Story) {
    let planned = |key: &str, from| new_window(&format!("{}{key}", WindowOrigin::File.prefix()), from, 20);
    let person = keeps(&story, 0, 60).await;
    let first = vec![planned("a", 0), planned("b", 30)];
    assert!(story.store.plan_windows(WindowOrigin::File, first.clone()).await.unwrap());
    assert!(!story.store.plan_windows(WindowOrigin::File, first).await.unwrap(), "they are kept already");
    assert_eq!(active(&story).await, [person.0, 2]);
    // One that a person has ended is not opened again.
    story.decide(vec![Change::EndWindow { window: WindowId(2), by: "bob".into() }]).await;
    assert!(!story.store.plan_windows(WindowOrigin::File, vec![planned("a", 0), planned("b", 30)]).await.unwrap());
    assert_eq!(active(&story).await, [person.0]);
    story.passes(31);
    assert_eq!(active(&story).await, [person.0, 3]);
    assert!(story.store.plan_windows(WindowOrigin::File, vec![planned("c", 40)]).await.unwrap());
    assert_eq!(active(&story).await, [person.0], "what stands in the file no more is ended");
    assert_eq!(story.store.windows_since(morning()).await.unwrap().len(), 4);
    // Somebody puts it back, and another origin has a say in its own ones only.
    assert!(story.store.plan_windows(WindowOrigin::File, vec![planned("a", 0), planned("b", 30)]).await.unwrap());
    assert_eq!(active(&story).await, [person.0, 5]);
    assert!(!story.store.plan_windows(WindowOrigin::Alertmanager, Vec::new()).await.unwrap());
    assert_eq!(active(&story).await, [person.0, 5]);
}

pub async fn what_fires_is_told_by_its_source_and_which_firing_it_is(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let Change::OpenEpisode { episode, .. } = episode(IncidentRef::Existing(id), "f") else { panic!() };
    let of_another = NewEpisode { source: "backups".into(), ..episode.clone() };
    let of_web = episode;
    story.decide(vec![Change::OpenEpisode { incident: IncidentRef::Existing(id), episode: of_another }]).await;
    let firing = async |sources: &[&str]| {
        let sources: Vec<String> = sources.iter().map(ToString::to_string).collect();
        story.store.firing(&sources).await.unwrap()
    };
    let all = firing(&[]).await;
    assert_eq!((all.len(), all[0].fingerprint.as_str(), all[0].alert.source.as_str()), (2, "f", "backups"));
    assert_eq!(firing(&["backups"]).await, [all[0].clone()]);
    let web = Target::new("Deployment", "shop", "web");
    assert_eq!(story.store.firing_about("alertmanager", &web).await.unwrap(), []);
    let about = NewEpisode { fingerprint: "g".into(), object: format!("target:{}", web.key()), ..of_web };
    let incident = IncidentRef::Existing(id);
    story.decide(vec![Change::OpenEpisode { incident, episode: about }]).await;
    let about = story.store.firing_about("alertmanager", &web).await.unwrap();
    assert_eq!(about.iter().map(|firing| firing.fingerprint.as_str()).collect::<Vec<_>>(), ["g"]);
    assert_eq!(story.store.firing_about("backups", &web).await.unwrap(), []);
    let g = story.store.latest_episodes("alertmanager", &["g"]).await.unwrap()["g"].clone();
    let at = story.clock.now();
    story.decide(vec![Change::CloseEpisode { incident, episode: g.id, at, start: None }]).await;
    assert_eq!(story.store.firing_about("alertmanager", &web).await.unwrap(), []);
    let head = story.store.latest_episodes("backups", &["f"]).await.unwrap()["f"].clone();
    assert_eq!(head.starts_at, all[0].starts_at);
    let (incident, at) = (IncidentRef::Existing(id), story.clock.now());
    story.decide(vec![Change::CloseEpisode { incident, episode: head.id, at, start: None }]).await;
    assert_eq!(firing(&["alertmanager", "backups"]).await, [all[1].clone()]);
}
