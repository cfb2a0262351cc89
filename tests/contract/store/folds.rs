//! Pages that are told in others, as their team's budget is spent.

use super::*;

/// The store with a budget of two incidents in twelve hours.
async fn with_a_budget(story: Story) -> Story {
    let sinks = Sinks { budgets: PageBudgets::usual(), ..story::sinks(&["console"], &["console", "webhook"]) };
    story.reopens_with(sinks).await
}

/// Incidents of one shape that somebody is paged for, one after the other.
async fn paged(story: &Story, count: usize) -> Vec<IncidentId> {
    let mut ids = Vec::new();
    for n in 0..count {
        let id = incident(story, &format!("disk {n}"), 1).await;
        story.page(id, PageReason::Overdue).await;
        ids.push(id);
    }
    ids
}

async fn folded(story: &Story) -> Vec<(IncidentId, Option<IncidentId>)> {
    let pages = story.store.unanswered_pages().await.unwrap();
    pages.iter().filter(|page| page.is_folded()).map(|page| (page.incident, page.folded_into())).collect()
}

pub async fn over_its_teams_budget_a_page_is_told_in_the_latest_of_its_shape(story: Story) {
    let story = with_a_budget(story).await;
    let ids = paged(&story, 4).await;
    assert_eq!(folded(&story).await, [(ids[2], Some(ids[1])), (ids[3], Some(ids[1]))]);
    let page = story.store.pages_of(ids[2]).await.unwrap().pop().unwrap();
    assert_eq!((page.deliveries.len(), page.reach(story.clock.now())), (0, Reach::Folded));
    let fold = page.fold.unwrap();
    assert_eq!((fold.at, fold.until), (morning(), morning() + TimeDelta::minutes(30)));
    assert_eq!(fold.spent, SpentBudget { pages: 2, within: 12 * 3_600, on: ids[..2].to_vec() });
    let carrier = story.store.pages_of(ids[1]).await.unwrap().pop().unwrap();
    let told = story.store.folded_into(carrier.id).await.unwrap();
    let told: Vec<_> = told.iter().map(|folded| (folded.incident, folded.into, folded.reason.clone())).collect();
    assert_eq!(told, [ids[2], ids[3]].map(|id| (id, Some(ids[1]), Some(PageReason::Overdue))));
    let view = story.store.incident_views(&[ids[1], ids[2]]).await.unwrap();
    assert_eq!((&view[0].carries[..], &view[1].carries[..]), (&ids[2..], &[][..]));
    assert_eq!(view[1].unanswered, [PageReason::Overdue], "somebody is to look at it");
    let levels = story.store.levels().await.unwrap();
    assert_eq!((levels.unacknowledged_pages, levels.folded), (2, 2));
    // Another team, another playbook and S1 have nothing to do with it.
    let other = story.incident_of("databases", Severity::S2, "another team", ALERT, 1, Some(PLAYBOOK)).await;
    let shape = story.incident_of("platform", Severity::S2, "another shape", ALERT, 1, None).await;
    let worst = story.incident(Severity::S1, "worse", ALERT, 1).await;
    for id in [other, shape, worst] {
        story.page(id, PageReason::Overdue).await;
        assert!(!story.store.pages_of(id).await.unwrap()[0].is_folded(), "{id}");
    }
}

pub async fn a_fold_is_due_at_its_time_or_when_the_page_that_tells_of_it_is_over(story: Story) {
    let story = with_a_budget(story).await;
    let ids = paged(&story, 4).await;
    let due = async || story.store.due_folds(story.clock.now()).await.unwrap();
    assert_eq!(due().await, (vec![], Some(morning() + TimeDelta::minutes(30))));
    let page = story.store.pages_of(ids[2]).await.unwrap()[0].id;
    assert!(!story.store.unfold(page).await.unwrap(), "it is not due");
    story.resolve(ids[1], "ada").await;
    let (both, _) = due().await;
    assert_eq!(both.len(), 2);
    assert!(story.store.unfold(both[0]).await.unwrap());
    assert!(!story.store.unfold(both[0]).await.unwrap(), "once");
    assert!(!story.store.unfold(both[1]).await.unwrap(), "it is told in the other one now");
    assert_eq!(folded(&story).await, [(ids[3], Some(ids[2]))]);
    let out = story.store.pages_of(ids[2]).await.unwrap().pop().unwrap();
    assert_eq!(out.deliveries.len(), 2);
    assert!(out.fold.is_some_and(|fold| fold.into.is_none()), "it was folded");
    let made = story.store.pages_made(PageId(0)).await.unwrap();
    assert_eq!(made.by_team_and_severity.values().sum::<u64>(), 3);
    assert_eq!(story.store.pages_made(PageId(4)).await.unwrap().by_team_and_severity.values().sum::<u64>(), 1);
    story.passes(30);
    assert_eq!(due().await.0.len(), 1);
    story.ack(ids[3], "ada").await;
    assert_eq!(due().await, (vec![], None), "somebody has it");
}

pub async fn a_budget_counts_what_time_has_passed_whatever_the_clock_says(story: Story) {
    let story = with_a_budget(story).await;
    paged(&story, 2).await;
    story.store.move_what_waits(TimeDelta::hours(20)).await.unwrap();
    story.clock.set(morning() + TimeDelta::hours(20));
    let third = incident(&story, "disk 3", 1).await;
    story.page(third, PageReason::Overdue).await;
    assert_eq!(folded(&story).await.len(), 1, "nobody has slept meanwhile");
    story.store.move_what_waits(TimeDelta::hours(1)).await.unwrap();
    let due = story.store.due_folds(story.clock.now()).await.unwrap().1;
    assert_eq!(due, Some(story.clock.now() + TimeDelta::minutes(90)));
}

pub async fn what_was_folded_in_a_shift_is_told_of_its_team(story: Story) {
    let story = with_a_budget(story).await;
    let ids = paged(&story, 3).await;
    let (from, to) = (morning(), morning() + TimeDelta::hours(1));
    let of = async |teams: Teams| story.store.shift_view(&teams, from, to).await.unwrap().folded;
    let told = of(Teams::One("platform".into())).await;
    assert_eq!(told.iter().map(|folded| (folded.incident, folded.into)).collect::<Vec<_>>(), [(ids[2], Some(ids[1]))]);
    assert_eq!(of(Teams::One("databases".into())).await, []);
    assert_eq!(of(Teams::AllBut(vec!["databases".into()])).await, told);
    let later = story.store.shift_view(&Teams::everybody(), to, to + TimeDelta::hours(1)).await.unwrap();
    assert_eq!(later.folded, []);
}
