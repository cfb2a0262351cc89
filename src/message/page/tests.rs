//! A page in any room, and what its parts say.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::message::tests::story::*;
use crate::message::text::width;
use crate::model::{Outcome, Phase, RunEvent};
use crate::store::{IncidentEvent, TimelineWhat};

fn facts<'a>(incident: &'a Incident, page: &'a Page) -> PageFacts<'a> {
    PageFacts {
        incident,
        page,
        runs: &[],
        timeline: &[],
        episodes: &[],
        objects: &[],
        objects_in_all: 0,
        approvals: &[],
        earlier: &[],
        folded: &[],
        experts: None,
    }
}

fn of_run(id: i64, time: &str, event: RunEvent) -> TimelineEntry {
    entry(time, TimelineWhat::Run(RunId(id), event))
}

fn done(summary: &str) -> RunEvent {
    let step = step("mitigate.scale");
    RunEvent::Done { step, attempt: 1, output: json!({}), summary: summary.into(), recovered: false }
}

fn read(output: serde_json::Value, summary: &str) -> RunEvent {
    RunEvent::Read { step: step("diagnose.x"), output, summary: summary.into() }
}

#[test]
fn the_object_stands_before_what_is_wrong_with_it() {
    let mut incident = the_incident(IncidentState::Open);
    incident.title = "A volume is nearly full: deployment/coredns in kube-system (cluster=eu-1)".into();
    incident.open_episodes = 1;
    let titled = |incident: &Incident| title(incident, Severity::S1, 1, 0);
    assert_eq!(
        titled(&incident),
        "[S1] INC-42 deployment/coredns in kube-system: A volume is nearly full (cluster=eu-1)"
    );
    incident.open_episodes = 4_012;
    incident.state = IncidentState::Resolved;
    let begins = "[S1] INC-42 (over) (4,012 alerts) deployment/coredns in kube-system: A volume";
    assert!(titled(&incident).starts_with(begins), "{}", titled(&incident));
    incident.title = "KubeX coredns is slow".into();
    assert_eq!(titled(&incident), "[S1] INC-42 (over) (4,012 alerts) KubeX coredns is slow", "it is named already");
    incident.title = "too slow".into();
    assert!(titled(&incident).ends_with("deployment/coredns in kube-system: too slow"));
    incident.target.as_mut().unwrap().name = "x".repeat(253);
    assert!(titled(&incident).ends_with("…: too slow"), "{}", titled(&incident));
}

#[test]
fn what_is_next_is_told_apart_from_the_rest() {
    let parted = |text: &str| {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (rest, next) = next::parted(&lines);
        (rest.join("|"), next.join("|"))
    };
    let both = |rest: &str, next: &str| (rest.to_owned(), next.to_owned());
    assert_eq!(parted("a\nNext: kubectl x\nb"), both("a|b", "kubectl x"));
    assert_eq!(parted("a\nNext:\n  kubectl x\n- kubectl y\n\nb"), both("a||b", "kubectl x|- kubectl y"));
    assert_eq!(parted("next: one\n  two\nb\n  c"), both("b|  c", "one|two"));
    assert_eq!(parted("what comes Next: nothing"), both("what comes Next: nothing", ""));
    assert_eq!(parted("Nexté: x"), both("Nexté: x", ""));
}

#[test]
fn a_page_of_one_run_tells_nothing_of_another() {
    let (incident, page) = (the_incident(IncidentState::Open), the_page(PageReason::Escalated { run: RunId(7) }));
    let timeline = [
        of_run(6, "02:03:00", read(json!({}), "p99 0.9")),
        of_run(6, "02:04:00", done("scaled 2 -> 4")),
        of_run(7, "02:09:00", read(json!({}), "p99 0.4")),
        of_run(
            7,
            "02:10:00",
            RunEvent::Entered { phase: Phase::Escalate, because: "requirement not met: no room".into() },
        ),
    ];
    let run = the_run(None);
    let text = page_text(&PageFacts { timeline: &timeline, runs: &[run], ..facts(&incident, &page) });
    assert_eq!(text.found, ["- x: p99 0.4"]);
    assert_eq!(text.tried, ["nothing"]);
    assert_eq!(text.changed, ["- 02:04:00, 9m before: RUN-6 scaled 2 -> 4"]);
    assert_eq!(text.reason, "RUN-7 of coredns-saturated stopped and needs a person: requirement not met: no room");
}

#[test]
fn what_changed_is_known_from_what_was_read() {
    let (incident, page) = (the_incident(IncidentState::Open), the_page(PageReason::Escalated { run: RunId(7) }));
    let object = json!({
        "kind": "Deployment",
        "metadata": { "name": "coredns", "creationTimestamp": "2025-01-01T00:00:00Z" },
        "status": { "conditions": [
            { "type": "Available", "lastUpdateTime": "2025-03-01T02:00:00Z" },
            { "type": "Progressing", "reason": "ReplicaSetUpdated", "message": "coredns-7 is progressing", "lastUpdateTime": "2025-03-01T01:55:00Z" },
        ] },
        "spec": { "template": { "metadata": { "annotations": { "kubectl.kubernetes.io/restartedAt": "2025-03-01T01:50:00Z" } } } },
    });
    let changed = |manager: &str, at: &str| json!({ "found": true, "manager": manager, "at": at, "age_seconds": 60 });
    let timeline = [
        of_run(7, "02:03:00", RunEvent::TargetRead { object: Some(object) }),
        of_run(
            7,
            "02:03:01",
            read(
                changed("kubectl-edit", "2025-03-01T00:30:00Z"),
                "spec.replicas was changed 1h33m ago by kubectl-edit",
            ),
        ),
        of_run(7, "02:03:02", read(changed("helm", "2025-02-01T00:30:00Z"), "too long ago")),
        of_run(7, "02:03:03", read(changed("dogwatch-run-1-7-scale", "2025-03-01T02:00:00Z"), "our own")),
        of_run(8, "02:03:04", read(changed("kubectl-edit", "2025-03-01T02:00:00Z"), "seen by another run")),
    ];
    let earlier = Earlier {
        incident: Incident { id: IncidentId(41), opened_at: at("00:10:00"), ..the_incident(IncidentState::Resolved) },
        timeline: vec![
            of_run(5, "00:20:00", done("scaled deployment/coredns in kube-system 2 -> 4")),
            entry(
                "01:00:00",
                incident_event(IncidentEvent::Resolved { by: "alice".into(), because: "a cable".into() }),
            ),
        ],
    };
    let text = page_text(&PageFacts { timeline: &timeline, earlier: &[earlier], ..facts(&incident, &page) });
    insta::assert_snapshot!(text.changed.join("\n"), @"
    - 01:55:00, 18m before: rollout of deployment/coredns: ReplicaSetUpdated: coredns-7 is progressing
    - 01:50:00, 23m before: deployment/coredns was restarted by kubectl rollout
    - 01:00:00, 1h13m before: INC-41 (CoreDNS has too little capacity for the cluster's queries; open since 2025-03-01 00:10:00 UTC) was resolved by alice: a cable
    - 00:30:00, 1h43m before: spec.replicas was changed by kubectl-edit
    - 00:20:00, 1h53m before: RUN-5 of INC-41 scaled deployment/coredns in kube-system 2 -> 4
    ");
}

#[test]
fn a_command_holds_only_names() {
    let page = Page { text: None, ..the_page(PageReason::Uncovered) };
    let mut incident = the_incident(IncidentState::Open);
    let next = |incident: &Incident, labels: &[(&str, &str)]| {
        let mut episode = the_episode();
        episode.labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let text = page_text(&PageFacts { episodes: &[episode], ..facts(incident, &page) });
        text.next[..text.next.len() - 1].join("|")
    };
    assert_eq!(next(&incident, &[]), "kubectl -n kube-system describe deployment coredns");
    incident.target = None;
    let pod = |name| next(&incident, &[("namespace", "shop"), ("pod", name), ("job", "node-exporter")]);
    assert_eq!(
        pod("a-1"),
        "kubectl -n shop describe pod a-1|kubectl -n shop logs a-1 --all-containers --tail=50 --prefix"
    );
    let around = "kubectl -n shop get pods; kubectl -n shop get events --sort-by=.lastTimestamp";
    assert_eq!(pod("node-exporter-x7"), around, "its pod says nothing of what it watches");
    let of_machine = [("namespace", "monitoring"), ("instance", "node-7:9100"), ("job", "node-exporter")];
    assert_eq!(next(&incident, &of_machine), "kubectl get nodes -o wide | grep -w -- node-7");
    for hostile in ["a; rm -rf /", "$(id)", "a`id`", "--all", "a b", "a\nb"] {
        assert_eq!(pod(hostile), around, "{hostile}");
    }
    assert_eq!(next(&incident, &[("node", "node-7")]), "kubectl describe node node-7");
    let runbook = "follow the runbook that is linked below";
    assert_eq!(next(&incident, &[("pod", "a")]), runbook, "in which namespace?");
    assert_eq!(next(&incident, &[("namespace", "$(id)")]), runbook);
}

#[test]
fn why_a_person_is_needed_is_always_said() {
    let reason = |reason: PageReason, run: Run| {
        let (incident, page) = (the_incident(IncidentState::Open), the_page(reason));
        page_text(&PageFacts { runs: &[run], ..facts(&incident, &page) }).reason
    };
    let ended = |outcome| the_run(Some(outcome));
    let run = RunId(7);
    assert_eq!(
        reason(PageReason::Escalated { run }, ended(Outcome::Escalated)),
        "RUN-7 of coredns-saturated stopped and needs a person: p99 was 0.021 at the last look"
    );
    assert_eq!(
        reason(PageReason::StillFires { run, outcome: Outcome::Fixed }, ended(Outcome::Fixed)),
        "its alerts still fire although RUN-7 called it fixed: p99 was 0.021 at the last look"
    );
    assert_eq!(
        reason(PageReason::Overdue, the_run(None)),
        "it is not mitigated after the time that its playbook allows; RUN-7 of coredns-saturated is still at work"
    );
    assert_eq!(
        reason(PageReason::SeverityOne, ended(Outcome::Proposed)),
        "it is S1, which pages at once; RUN-7 of coredns-saturated ended: proposed: p99 was 0.021 at the last look"
    );
    assert_eq!(reason(PageReason::Escalated { run }, the_run(None)), "RUN-7 needs a person, and has not said why");
}

/// A part's lines: words, so that it reads like a text, of any number and length.
fn lines(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec((1..900usize).prop_map(|n| "ab ".repeat(n / 3 + 1).trim_end().to_owned()), 0..most)
}

fn any_page() -> impl Strategy<Value = PageText> {
    let links = prop::collection::vec(10..1_900usize, 0..8);
    let parts = (lines(8), lines(30), lines(60), lines(30), lines(12), lines(10), lines(6));
    (1..4_000usize, parts, links, any::<bool>()).prop_map(|(reason, parts, links, has_first)| {
        let (fires, playbook, found, tried, changed, folded, next) = parts;
        PageText {
            title: "[S1] INC-1 x".into(),
            first: has_first.then(|| "nobody is on call".into()),
            reason: clip(&"why ".repeat(reason / 4 + 1), REASON),
            fires,
            playbook_text: String::new(),
            playbook,
            found_heading: "what RUN-1 found:".into(),
            found,
            tried_heading: "what RUN-1 did:".into(),
            tried,
            changed,
            folded,
            next: bounded(next, NEXT),
            links: links
                .into_iter()
                .enumerate()
                .map(|(n, length)| Link { name: "query", url: format!("https://x/{n}/{}", "y".repeat(length)) })
                .collect(),
            ack: "/ack INC-1".into(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_page_fits_and_says_why_and_what_to_type(page in any_page(), room in LEAST_ROOM..12_000) {
        let body = page.body(Room::Units(room));
        prop_assert!(width(&body.text) <= room, "{} in {room}", width(&body.text));
        prop_assert!(body.text.contains(&page.reason));
        prop_assert!(body.text.contains(&page.next.join("\n")) && body.text.contains(&page.ack));
        let first = page.first.as_deref().unwrap_or_default();
        prop_assert!(body.text.starts_with(first));
        let whole = page.body(Room::Whole).text;
        prop_assert_eq!(body.cut, width(&whole) > room);
        if !body.cut {
            prop_assert_eq!(&body.text, &whole);
        }
        // A link is whole or not there.
        for line in body.text.lines().filter(|line| line.starts_with("query: ")) {
            let is_whole = page.links.iter().any(|link| line.strip_prefix("query: ") == Some(link.url.as_str()));
            prop_assert!(is_whole, "{line}");
        }
        let headings = ["why a person", "what fires", "what the playbook", "what RUN-1 found", "what RUN-1 did", "what changed",
            "what to type", "links:", "to acknowledge"];
        let order: Vec<usize> = headings.iter().filter_map(|heading| body.text.find(&format!("\n{heading}"))).collect();
        prop_assert!(order.is_sorted());
    }

    #[test]
    fn evidence_gives_way_before_links_and_links_before_the_playbook(page in any_page(), room in LEAST_ROOM..12_000) {
        let body = page.body(Room::Units(room)).text;
        let is_there = |lines: &[String]| lines.is_empty() || body.contains(&lines.join("\n"));
        let without_evidence =
            PageText { found: Vec::new(), tried: Vec::new(), changed: Vec::new(), ..page.clone() };
        let fits = |page: &PageText| width(&page.body(Room::Whole).text) <= room;
        if fits(&without_evidence) {
            let links: Vec<String> = page.links.iter().map(|link| format!("query: {}", link.url)).collect();
            prop_assert!(is_there(&links));
        }
        let first_link = page.links.first().cloned().into_iter().collect();
        if fits(&PageText { links: first_link, ..without_evidence }) {
            prop_assert!(is_there(&page.fires) && is_there(&page.playbook));
        }
    }

    #[test]
    fn it_fits_also_where_there_is_hardly_any_room(page in any_page(), room in 0..LEAST_ROOM) {
        prop_assert!(width(&page.body(Room::Units(room)).text) <= room);
    }
}
