//! Episodes of alerts: which is the latest, whose it is, and how many there are.

use super::*;

pub async fn an_episode_that_moves_to_another_incident_counts_there(story: Story) {
    let (first, second) = (incident(&story, "coredns", 1).await, incident(&story, "another", 1).await);
    let head = story.store.latest_episodes("alertmanager", &["coredns-0"]).await.unwrap()["coredns-0"].clone();
    let close =
        Change::CloseEpisode { incident: IncidentRef::Existing(first), episode: head.id, at: morning(), start: None };
    story.decide(vec![close]).await;
    let reopen = |incident| Change::ReopenEpisode {
        incident: IncidentRef::Existing(incident),
        episode: head.id,
        held_by: None,
        counted_as: None,
    };
    story.decide(vec![reopen(second), reopen(second)]).await;
    let counts = async |id| {
        let incident = story.store.incident(id).await.unwrap().unwrap();
        (incident.open_episodes, incident.episodes)
    };
    assert_eq!((counts(first).await, counts(second).await), ((0, 1), (2, 2)));
    assert_eq!(story.store.episodes(second, 10).await.unwrap().len(), 2);
}

pub async fn the_latest_episode_of_each_alert_is_found_among_many(story: Story) {
    let id = incident(&story, "coredns", 2).await;
    let at = IncidentRef::Existing(id);
    for n in 1..=5 {
        let Change::OpenEpisode { episode, .. } = episode(at, "coredns-1") else { panic!() };
        let starts_at = morning() + Duration::from_secs(60 * n);
        let again = Change::OpenEpisode { incident: at, episode: NewEpisode { starts_at, ..episode } };
        story.decide(vec![again]).await;
    }
    let heads = story.store.latest_episodes("alertmanager", &["coredns-0", "coredns-1", "never"]).await.unwrap();
    assert_eq!(heads.len(), 2);
    assert_eq!(heads["coredns-1"].starts_at, morning() + Duration::from_secs(300));
    assert!(story.store.latest_episodes("elsewhere", &["coredns-0"]).await.unwrap().is_empty());
    // The open ones first, the newest before the others; then those that were closed.
    let close = Change::CloseEpisode { incident: at, episode: heads["coredns-1"].id, at: morning(), start: None };
    story.decide(vec![close]).await;
    let few: Vec<_> = story.store.episodes(id, 3).await.unwrap().iter().map(|episode| episode.starts_at).collect();
    assert_eq!(few, [4, 3, 2].map(|n| morning() + Duration::from_secs(60 * n)));
    let all = story.store.episodes(id, 100).await.unwrap();
    assert_eq!((all.len(), all[6].closed_at), (7, Some(morning())));
}

pub async fn a_firing_is_known_by_its_alert_its_start_and_its_source(story: Story) {
    incident(&story, "coredns", 1).await;
    let later = morning() + Duration::from_secs(1);
    let asked = [("coredns-0", morning()), ("coredns-0", later), ("coredns-1", morning())];
    let known = story.store.known_firings("alertmanager", &asked).await.unwrap();
    assert_eq!(known, [("coredns-0".to_owned(), morning())].into());
    assert!(story.store.known_firings("elsewhere", &asked).await.unwrap().is_empty());
}

pub async fn an_episode_keeps_the_labels_that_it_was_opened_with(story: Story) {
    incident(&story, "coredns", 1).await;
    let head = story.store.latest_episodes("alertmanager", &["coredns-0"]).await.unwrap()["coredns-0"].clone();
    assert!(head.annotations.is_empty());
    let annotations: BTreeMap<_, _> = [("summary".to_owned(), "it is slow".to_owned())].into();
    story.decide(vec![Change::Retell { episode: head.id, annotations: annotations.clone() }]).await;
    let labels = story.store.labels_of(head.id).await.unwrap();
    assert_eq!(labels, [("alertname".to_owned(), ALERT.to_owned())].into());
    let head = story.store.latest_episodes("alertmanager", &["coredns-0"]).await.unwrap()["coredns-0"].clone();
    assert_eq!(head.annotations, annotations, "what was said last");
    assert!(story.store.labels_of(EpisodeId(99)).await.unwrap().is_empty());
}

pub async fn alerts_are_counted_the_noisiest_first(story: Story) {
    story.incident(Severity::S2, "dns", "DNSSlow", 2).await;
    story.incident_of("databases", Severity::S3, "disk one", "DiskFull", 2, None).await;
    story.incident_of("databases", Severity::S3, "disk two", "DiskFull", 1, None).await;
    story.passes(60);
    story.incident_of("databases", Severity::S3, "too late", "DiskFull", 9, None).await;
    let to = morning() + Duration::from_secs(3_600);
    let counted = async |teams, limit| story.store.alert_counts(&teams, morning(), to, limit).await.unwrap();
    let disk = AlertCount { alert: "DiskFull".into(), episodes: 3, incidents: 2, uncovered: 2 };
    let dns = AlertCount { alert: "DNSSlow".into(), episodes: 2, incidents: 1, uncovered: 0 };
    assert_eq!(counted(Teams::everybody(), 10).await, [disk.clone(), dns.clone()]);
    assert_eq!(counted(Teams::everybody(), 1).await, [disk]);
    assert_eq!(counted(Teams::One("platform".into()), 10).await, std::slice::from_ref(&dns));
    assert_eq!(counted(Teams::AllBut(vec!["databases".into()]), 10).await, [dns]);
    assert!(counted(Teams::One("nobody".into()), 10).await.is_empty());
}
