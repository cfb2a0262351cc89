//! Questions to humans.

use super::*;

fn vote(approval: ApprovalId, person: &str, verdict: Verdict, after: usize) -> Change {
    Change::Vote(NewVote { approval, person: person.into(), verdict, reason: None, after })
}

pub async fn several_must_say_yes_each_once_and_their_run_is_told_of_the_last(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let expires_at = morning() + Duration::from_secs(1_800);
    let terms = ApprovalTerms { people: 2, of: Approvers::Team("databases".into()), ..ApprovalTerms::default() };
    story.asks_of(run, "scale 4 -> 6", expires_at, terms.clone()).await;
    story.logs(run, Append { park_until: Some(expires_at), ..Append::default() }).await;
    let asked = async || story.store.approval(ApprovalId(1)).await.unwrap().unwrap();
    assert_eq!((asked().await.terms, asked().await.approved_by), (terms, Vec::<String>::new()));
    story.decide(vec![vote(ApprovalId(1), "bob", Verdict::Approve, 0)]).await;
    // Once more, and decided about before the first was there.
    story.decide(vec![vote(ApprovalId(1), "bob", Verdict::Approve, 1)]).await;
    let outdated = story.tries(vec![vote(ApprovalId(1), "ada", Verdict::Approve, 0)]).await;
    assert!(matches!(outdated, Err(StoreError::Fenced(_))), "{outdated:?}");
    assert_eq!((asked().await.state, asked().await.approved_by), (ApprovalState::Open, vec!["bob".to_owned()]));
    assert!(story.claims("one").await.is_none(), "one yes wakes nobody");
    story.decide(vec![vote(ApprovalId(1), "ada", Verdict::Approve, 1)]).await;
    let answered = asked().await;
    assert_eq!((answered.state, answered.answered_by.as_deref()), (ApprovalState::Approved, Some("bob and ada")));
    let claimed = story.claims("one").await.expect("woken by the last answer");
    let [(_, InboxItem::Answer { verdict: Verdict::Approve, by, .. })] = claimed.inbox.as_slice() else {
        panic!("{:?}", claimed.inbox)
    };
    assert_eq!(by, "bob and ada");
    let progress = |entry: TimelineEntry| match entry.what {
        TimelineWhat::Incident(IncidentEvent::Answered { by, progress, .. }) => Some((by, progress.unwrap())),
        _ => None,
    };
    let told: Vec<_> = story.store.timeline(id).await.unwrap().into_iter().filter_map(progress).collect();
    assert_eq!(told, [("bob".to_owned(), "1 of 2".to_owned()), ("ada".to_owned(), "2 of 2".to_owned())]);
}

pub async fn a_no_with_its_reason_ends_a_question_that_some_said_yes_to(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let expires_at = morning() + Duration::from_secs(1_800);
    let terms = ApprovalTerms { people: 3, ..ApprovalTerms::default() };
    story.asks_of(run, "scale 4 -> 6", expires_at, terms).await;
    story.logs(run, Append { park_until: Some(expires_at), ..Append::default() }).await;
    story.decide(vec![vote(ApprovalId(1), "bob", Verdict::Approve, 0)]).await;
    // Whoever said yes may take it back.
    let (approval, person, verdict) = (ApprovalId(1), "bob".to_owned(), Verdict::Deny);
    let reason = Some("a colleague is at it".to_owned());
    story.decide(vec![Change::Vote(NewVote { approval, person, verdict, reason: reason.clone(), after: 1 })]).await;
    let denied = story.store.approval(approval).await.unwrap().unwrap();
    assert_eq!((denied.state, denied.answered_by.as_deref()), (ApprovalState::Denied, Some("bob")));
    assert_eq!((denied.reason.clone(), denied.approved_by), (reason.clone(), Vec::<String>::new()));
    let claimed = story.claims("one").await.expect("woken by the answer");
    let [(_, InboxItem::Answer { verdict: Verdict::Deny, reason: told, .. })] = claimed.inbox.as_slice() else {
        panic!("{:?}", claimed.inbox)
    };
    assert_eq!(*told, reason);
}

pub async fn an_approval_is_answered_once_and_its_answer_reaches_the_run(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let expires_at = morning() + Duration::from_secs(1_800);
    story.asks(run, "scale 4 -> 6", expires_at).await;
    story.logs(run, Append { park_until: Some(expires_at), ..Append::default() }).await;
    let approval = story.store.open_approvals().await.unwrap().pop().unwrap();
    story.decide(vec![vote(approval.id, "alice", Verdict::Approve, 0)]).await;
    let late = story.tries(vec![vote(approval.id, "bob", Verdict::Deny, 0)]).await;
    assert!(matches!(late, Err(StoreError::Fenced(_))), "it is decided again: {late:?}");
    let answered = story.store.approval(approval.id).await.unwrap().unwrap();
    assert_eq!((answered.state, answered.answered_by.as_deref()), (ApprovalState::Approved, Some("alice")));
    let claimed = story.claims("one").await.expect("woken by the answer");
    let [(_, InboxItem::Answer { approval: of, verdict: Verdict::Approve, by, at: Some(_), reason: None })] =
        claimed.inbox.as_slice()
    else {
        panic!("{:?}", claimed.inbox)
    };
    assert_eq!((*of, by.as_str()), (approval.id, "alice"));
    assert_eq!(claimed.run.id, run);
}

pub async fn open_questions_are_those_that_nobody_has_answered(story: Story) {
    let (first, second) = (incident(&story, "coredns", 1).await, incident(&story, "another", 1).await);
    let (one, two) = (run(&story, first, "coredns").await, run(&story, second, "another").await);
    let expires_at = morning() + Duration::from_secs(1_800);
    story.asks(one, "scale 4 -> 6", expires_at).await;
    story.asks(two, "delete job/backup", expires_at).await;
    story.asks(one, "scale 6 -> 9", expires_at).await;
    let numbers = |approvals: Vec<Approval>| approvals.iter().map(|approval| approval.id.0).collect::<Vec<_>>();
    let of = async |id| numbers(story.store.approvals_of(id).await.unwrap());
    assert_eq!((of(first).await, of(second).await), (vec![1, 3], vec![2]));
    assert_eq!(numbers(story.store.open_approvals().await.unwrap()), [1, 2, 3]);
    let asked = story.store.approval(ApprovalId(2)).await.unwrap().unwrap();
    assert_eq!((asked.run, asked.incident, asked.state), (two, second, ApprovalState::Open));
    assert_eq!((asked.asked_at, asked.expires_at), (morning(), expires_at));
    assert_eq!(asked.digest, asked.preview.digest());
    story.decide(vec![vote(ApprovalId(1), "alice", Verdict::Deny, 0)]).await;
    assert_eq!((of(first).await, of(second).await), (vec![3], vec![2]));
    assert_eq!(story.store.approval(ApprovalId(9)).await.unwrap(), None);
}

pub async fn a_question_is_closed_by_its_time_or_by_the_end_of_its_run(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let state = async |n| story.store.approval(ApprovalId(n)).await.unwrap().unwrap().state;
    story.asks(run, "scale 4 -> 6", morning()).await;
    let (approval, by) = (ApprovalId(1), "the clock".into());
    let event = RunEvent::ApprovalAnswered { approval, verdict: None, by, waited: None, reason: None };
    story.logs(run, Append { events: vec![event], ..Append::default() }).await;
    assert_eq!(state(1).await, ApprovalState::Expired);
    story.asks(run, "scale 4 -> 6", morning()).await;
    story.ends(run, Outcome::Cancelled, "ada stopped it").await;
    assert_eq!((state(1).await, state(2).await), (ApprovalState::Expired, ApprovalState::Withdrawn));
    assert!(story.store.open_approvals().await.unwrap().is_empty());
    let late = story.tries(vec![vote(ApprovalId(2), "alice", Verdict::Approve, 0)]).await;
    assert!(matches!(late, Err(StoreError::Fenced(_))), "{late:?}");
    assert_eq!(state(2).await, ApprovalState::Withdrawn, "a late answer changes nothing");
}
