//! Questions to humans.

use super::*;

pub async fn an_approval_is_answered_once_and_its_answer_reaches_the_run(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let expires_at = morning() + Duration::from_secs(1_800);
    story.asks(run, "scale 4 -> 6", expires_at).await;
    story.logs(run, Append { park_until: Some(expires_at), ..Append::default() }).await;
    let approval = story.store.open_approvals().await.unwrap().pop().unwrap();
    for (person, verdict) in [("alice", Verdict::Approve), ("bob", Verdict::Deny)] {
        let vote = Change::Vote { approval: approval.id, person: person.into(), verdict };
        story.decide(vec![vote]).await;
    }
    let answered = story.store.approval(approval.id).await.unwrap().unwrap();
    assert_eq!((answered.state, answered.answered_by.as_deref()), (ApprovalState::Approved, Some("alice")));
    let claimed = story.claims("one").await.expect("woken by the answer");
    let [(_, InboxItem::Answer { approval: of, verdict: Verdict::Approve, by, at: Some(_) })] =
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
    let vote = Change::Vote { approval: ApprovalId(1), person: "alice".into(), verdict: Verdict::Deny };
    story.decide(vec![vote]).await;
    assert_eq!((of(first).await, of(second).await), (vec![3], vec![2]));
    assert_eq!(story.store.approval(ApprovalId(9)).await.unwrap(), None);
}

pub async fn a_question_is_closed_by_its_time_or_by_the_end_of_its_run(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let state = async |n| story.store.approval(ApprovalId(n)).await.unwrap().unwrap().state;
    story.asks(run, "scale 4 -> 6", morning()).await;
    let event =
        RunEvent::ApprovalAnswered { approval: ApprovalId(1), verdict: None, by: "the clock".into(), waited: None };
    story.logs(run, Append { events: vec![event], ..Append::default() }).await;
    assert_eq!(state(1).await, ApprovalState::Expired);
    story.asks(run, "scale 4 -> 6", morning()).await;
    story.ends(run, Outcome::Cancelled, "ada stopped it").await;
    assert_eq!((state(1).await, state(2).await), (ApprovalState::Expired, ApprovalState::Withdrawn));
    assert!(story.store.open_approvals().await.unwrap().is_empty());
    let late = Change::Vote { approval: ApprovalId(2), person: "alice".into(), verdict: Verdict::Approve };
    story.decide(vec![late]).await;
    assert_eq!(state(2).await, ApprovalState::Withdrawn, "a late answer changes nothing");
}
