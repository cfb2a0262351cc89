//! Conversations about questions: who is asked, who may answer, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use dogwatch::clock::Clock as _;
use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, Verb, build};
use dogwatch::message::preview_text;
use dogwatch::model::*;
use dogwatch::oncall::OnCall;
use dogwatch::store::{IncidentStore as _, RunStore, SignalStore as _};
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::loops::{GROW, shop_of};
use crate::runs::{SHOP, UP, in_three_steps, shop, web};
use crate::why::asks;

/// Databases has three who take turns, and a manager; shop has one.
const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }, { name: bob }, { name: eve }, { name: grace }, { name: joan }]
teams:
  - name: databases
    manager: joan
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada, bob, grace] }
  - name: shop
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [eve] }
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
";

/// It asks by that rule before its first change.
fn asking(approval: &str) -> String {
    SHOP.replace("autonomy: auto", &format!("autonomy: approve\napproval: {approval}"))
}

const TWO: &str =
    "{ people: 2, of: databases, within: 1h, question: \"Scale {{target.metadata.name}}? p99 is {{p99.value}} s\" }";

async fn bot(playbook: &str) -> Bot {
    with(playbook, shop()).await
}

async fn with(playbook: &str, objects: Vec<Object>) -> Bot {
    let bot = Bot::begins(&[playbook], objects).await;
    bot.rules.oncall.reload(OnCall::parse("oncall.yaml", ONCALL).unwrap());
    let (cluster, web) = (bot.cluster.clone(), web());
    bot.prometheus.follows("shop_latency", move || {
        let replicas = cluster.object(&web).and_then(|web| web.number("/spec/replicas")).unwrap_or(0);
        Some(if replicas > 4 { 0.02 } else { 0.4 })
    });
    bot
}

/// Somebody clicks, and nothing is worked on yet.
async fn clicks(bot: &Bot, person: &str, verdict: Verdict, key: &str) -> SignalId {
    let who = Person { name: person.into(), via: Via::Discord, id: person.into(), role: Some(Role::Responder) };
    let digest = bot.store().approval(ApprovalId(1)).await.unwrap().map(|asked| asked.digest);
    let command = Command::Approve { approval: ApprovalId(1), verdict, digest };
    let body = SignalBody::Command { person: who, command };
    let signal = Signal { source: "discord".into(), key: key.into(), received_at: bot.clock.now(), body };
    bot.store().accept(&signal).await.unwrap().id()
}

async fn told(bot: &Bot, id: SignalId) -> String {
    bot.store().reply(id).await.unwrap().expect("it was worked on").text
}

async fn question(bot: &Bot, id: i64) -> Approval {
    bot.store().approval(ApprovalId(id)).await.unwrap().expect("it was asked")
}

async fn answers(bot: &mut Bot, person: &str, id: i64, verdict: Verdict) -> String {
    bot.says(person, Command::Approve { approval: ApprovalId(id), verdict, digest: None }).await
}

#[tokio::test]
async fn two_people_of_a_team_say_yes_and_each_hears_how_far_it_is() {
    let mut bot = bot(&asking(TWO)).await;
    bot.fires("ShopSlow", &[]).await;
    let not_theirs = bot.approves("eve").await;
    assert_eq!(
        not_theirs,
        "APR-1 asks 2 people of team databases, and that does not take your yes: ada, bob, grace, joan may"
    );
    let first = bot.approves("bob").await;
    assert_eq!(
        first,
        "APR-1: 1 of 2 have said yes; RUN-1 waits for 1 more until 2026-03-02 03:00 UTC: ada, grace, joan may"
    );
    bot.does_nothing_more().await;
    bot.passes(Duration::from_secs(1)).await;
    let again = bot.approves("bob").await;
    assert!(again.starts_with("you have said yes to APR-1 before: 1 of 2;"), "{again}");
    bot.does_nothing_more().await;
    let listed = asks(&bot, "/approvals").await;
    assert!(listed.contains("asks 2 people of team databases"), "{listed}");
    assert!(listed.contains("1 of 2 have said yes: bob") && listed.contains("Scale web? p99 is 0.4 s"), "{listed}");
    let why = asks(&bot, "/why INC-1").await;
    let said = "asks for approval: APR-1, until 03:00:00, of 2 people of team databases: Scale web? p99 is 0.4 s";
    assert!(why.contains(said) && why.contains("bob has approved APR-1 (1 of 2)"), "{why}");
    // Who manages the team is of it.
    assert_eq!(bot.approves("joan").await, "APR-1: approved; RUN-1 goes on");
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    let tells = bot.tells(1).await;
    let voted: Vec<&String> = tells.iter().filter(|line| line.contains("APR-1")).collect();
    assert_eq!(voted, ["02:00:00 bob has approved APR-1 (1 of 2)", "02:00:01 joan has approved APR-1 (2 of 2)"]);
    let log = bot.log().await;
    let answered = log.iter().find_map(|(_, event)| match event {
        RunEvent::ApprovalAnswered { by, .. } => Some(by.as_str()),
        _ => None,
    });
    assert_eq!(answered, Some("bob and joan"));
}

#[tokio::test]
async fn two_who_click_at_once_are_two_and_a_click_that_comes_twice_is_one() {
    let mut bot = bot(&asking(TWO)).await;
    bot.fires("ShopSlow", &[]).await;
    let first = clicks(&bot, "bob", Verdict::Approve, "click-1").await;
    let once_more = clicks(&bot, "bob", Verdict::Approve, "click-1").await;
    assert_eq!(first, once_more);
    bot.settles().await;
    assert_eq!(clicks(&bot, "bob", Verdict::Approve, "click-1").await, first);
    bot.settles().await;
    assert!(told(&bot, first).await.starts_with("APR-1: 1 of 2 have said yes"));
    assert_eq!(question(&bot, 1).await.approved_by, ["bob"]);
    bot.does_nothing_more().await;
    let two = clicks(&bot, "ada", Verdict::Approve, "click-2").await;
    let three = clicks(&bot, "grace", Verdict::Approve, "click-3").await;
    bot.settles().await;
    assert_eq!(told(&bot, two).await, "APR-1: approved; RUN-1 goes on");
    assert_eq!(told(&bot, three).await, "APR-1 was answered already, by bob and ada");
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn of_a_yes_and_a_no_at_once_the_no_ends_it() {
    let mut bot = bot(&asking(TWO)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.approves("bob").await;
    // Who is not asked may say no all the same.
    let no = clicks(&bot, "eve", Verdict::Deny, "click-1").await;
    let yes = clicks(&bot, "ada", Verdict::Approve, "click-2").await;
    bot.settles().await;
    assert_eq!(told(&bot, no).await, "APR-1: denied; RUN-1 escalates and changes nothing");
    assert_eq!(told(&bot, yes).await, "APR-1 was answered already, by eve");
    let because = bot.ends(Outcome::Escalated).await;
    assert_eq!(because, "eve said no to APR-1");
}

#[tokio::test]
async fn a_no_says_why_in_the_page_and_on_the_timeline() {
    let mut bot = bot(&asking("{ people: 2, of: databases }")).await;
    bot.fires("ShopSlow", &[]).await;
    bot.approves("bob").await;
    // Also whoever said yes before.
    let reply = bot.types("bob", "/deny APR-1 the cache is being rebuilt").await;
    assert_eq!(reply, "APR-1: denied; RUN-1 escalates and changes nothing");
    let because = bot.ends(Outcome::Escalated).await;
    assert_eq!(because, "bob said no to APR-1: the cache is being rebuilt");
    assert!(bot.page_texts().await.contains("bob said no to APR-1: the cache is being rebuilt"));
    let tells = bot.tells(1).await.join("\n");
    assert!(tells.contains("bob has denied APR-1: the cache is being rebuilt"), "{tells}");
    assert!(asks(&bot, "/why INC-1").await.contains("APR-1 is denied by bob: the cache is being rebuilt"));
    assert_eq!(question(&bot, 1).await.reason.as_deref(), Some("the cache is being rebuilt"));
    let more = bot.types("bob", "/deny APR-1 it takes an hour").await;
    assert_eq!(more, "APR-1 is denied already; your reason stands on the timeline of INC-1");
    assert!(bot.tells(1).await.join("\n").contains("bob denied APR-1 for this reason: it takes an hour"));
}

#[tokio::test]
async fn a_question_is_open_for_as_long_as_its_playbook_says_and_one_yes_of_two_is_none() {
    let mut bot = bot(&asking(TWO)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(59)).await;
    assert!(bot.approves("bob").await.starts_with("APR-1: 1 of 2 have said yes"));
    bot.passes(minutes(2)).await;
    assert_eq!(bot.approves("ada").await, "APR-1 has expired; nothing was done");
    let because = bot.ends(Outcome::Escalated).await;
    assert_eq!(because, "nobody answered APR-1 in time");
    bot.pages(["shop escalated"]).await;
}

#[tokio::test]
async fn both_said_yes_to_what_was_shown_and_not_to_what_became_of_it() {
    let mut bot = bot(&asking(TWO)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.approves("bob").await;
    bot.cluster.change(&web(), &json!({ "spec": { "replicas": 3 } }), "kubectl").unwrap();
    bot.approves("ada").await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("is no longer what it would do"), "{because}");
}

#[tokio::test]
async fn whoever_asked_for_the_run_is_not_one_of_two() {
    let mut bot = bot(&asking(TWO)).await;
    let runs = bot.types("bob", "/run shop-slow").await;
    assert!(runs.contains("autonomy approve"), "{runs}");
    assert_eq!(
        bot.approves("bob").await,
        "you asked for RUN-1, and its playbook wants the yes of somebody else to APR-1: ada, grace, joan may"
    );
    bot.approves("ada").await;
    bot.does_nothing_more().await;
    assert_eq!(bot.approves("grace").await, "APR-1: approved; RUN-1 goes on");
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn whoever_asked_for_the_run_counts_once_where_the_playbook_lets_them() {
    let mut bot = bot(&asking("{ people: 2, of: databases, requester: may }")).await;
    bot.types("bob", "/run shop-slow").await;
    assert!(bot.approves("bob").await.starts_with("APR-1: 1 of 2 have said yes"));
    bot.approves("bob").await;
    bot.does_nothing_more().await;
    bot.approves("ada").await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn people_may_be_named_in_the_stead_of_a_team() {
    let mut bot = bot(&asking("{ by: [eve, grace] }")).await;
    bot.fires("ShopSlow", &[]).await;
    let refused = bot.approves("bob").await;
    assert_eq!(refused, "APR-1 asks 1 person of eve, grace, and that does not take your yes: eve, grace may");
    bot.approves("grace").await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}

/// Two steps ask for themselves, the first one does not.
fn asking_twice() -> String {
    let own = |of: &str| format!("approval: {{ of: {of} }}, undo: never }}");
    let steps = in_three_steps().replace("  - atomic:\n      - ", "  - ").replace("\n      - ", "\n  - ");
    let (before, after) = steps.split_once("{ id: two,").unwrap();
    let (two, three) = after.split_once("undo: never }").unwrap();
    let (three, rest) = three.split_once("undo: never }").unwrap();
    format!("{before}{{ id: two,{two}{}{three}{}{rest}", own("databases"), own("shop"))
}

fn asked(log: &[(chrono::DateTime<chrono::Utc>, RunEvent)]) -> Vec<(Option<String>, Vec<String>, Vec<String>)> {
    let questions = log.iter().filter_map(|(_, event)| match event {
        RunEvent::ApprovalAsked { before, preview, .. } => Some((
            before.as_ref().map(ToString::to_string),
            preview.steps.iter().map(|step| step.step.to_string()).collect(),
            preview.asks_again.iter().map(ToString::to_string).collect(),
        )),
        _ => None,
    });
    questions.collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_step_asks_for_itself_whatever_the_autonomy_and_a_yes_goes_to_the_next_question() {
    let mut bot = bot(&asking_twice()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(2)).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    bot.does_nothing_more().await;
    assert!(answers(&mut bot, "eve", 1, Verdict::Approve).await.contains("asks 1 person of team databases"));
    answers(&mut bot, "bob", 1, Verdict::Approve).await;
    bot.passes(minutes(2)).await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    bot.does_nothing_more().await;
    assert!(answers(&mut bot, "bob", 2, Verdict::Approve).await.contains("asks 1 person of team shop"));
    answers(&mut bot, "eve", 2, Verdict::Approve).await;
    bot.passes(minutes(2)).await;
    bot.does("scale deployment/web in shop 6 -> 7").await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(
        asked(&bot.log().await),
        [
            (Some("mitigate.two".into()), owned(&["mitigate.two"]), owned(&["mitigate.three"])),
            (Some("mitigate.three".into()), owned(&["mitigate.three"]), Vec::new()),
        ]
    );
}

#[tokio::test]
async fn autonomy_approve_asks_before_what_comes_first_and_each_step_for_itself() {
    let mut bot = bot(&asking_twice().replace("autonomy: auto", "autonomy: approve")).await;
    bot.fires("ShopSlow", &[]).await;
    // The playbook says nothing of whom: whoever may answer.
    answers(&mut bot, "eve", 1, Verdict::Approve).await;
    bot.passes(minutes(2)).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    answers(&mut bot, "ada", 2, Verdict::Deny).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert_eq!(because, "ada said no to APR-2");
    let log = bot.log().await;
    let [(None, first, again), (Some(_), ..)] = &asked(&log)[..] else { panic!("{:?}", asked(&log)) };
    assert_eq!((first, again), (&owned(&["mitigate.one"]), &owned(&["mitigate.two"])));
}

#[tokio::test]
async fn a_first_step_with_a_question_of_its_own_is_asked_about_once() {
    let own = "undo: never\n    approval: { of: databases, people: 2 }";
    let playbook = SHOP.replace("autonomy: auto", "autonomy: approve").replace("undo: never", own);
    let mut bot = bot(&playbook).await;
    bot.fires("ShopSlow", &[]).await;
    bot.approves("ada").await;
    bot.does_nothing_more().await;
    bot.approves("bob").await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(asked(&bot.log().await).len(), 1);
}

/// What a yes was to is as old as the outage: it is asked again, of the same people, and not done
/// as the playbook is `auto`.
#[tokio::test]
async fn what_follows_a_question_is_never_done_on_less_than_its_answer() {
    let own = "approval: { of: databases }, undo: never }";
    let steps = in_three_steps().replace("  - atomic:\n      - ", "  - ").replace("\n      - ", "\n  - ");
    let steps: String =
        steps.lines().filter(|line| !line.contains("id: three")).map(|line| format!("{line}\n")).collect();
    let playbook = steps.replacen("undo: never }", own, 1);
    let mut bot = bot(&playbook).await;
    bot.fires("ShopSlow", &[]).await;
    answers(&mut bot, "bob", 1, Verdict::Approve).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    // Nobody goes on with it for hours, and no source can be asked.
    bot.is_gone_for(minutes(5 * 60)).await;
    bot.settles().await;
    bot.does_nothing_more().await;
    assert!(answers(&mut bot, "eve", 2, Verdict::Approve).await.contains("asks 1 person of team databases"));
    answers(&mut bot, "ada", 2, Verdict::Approve).await;
    bot.passes(minutes(10)).await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn before_a_loop_one_question_is_about_exactly_its_items() {
    let playbook = GROW.replacen("    max:", "    approval: { of: databases }\n    max:", 1);
    assert_ne!(playbook, GROW);
    let mut bot = with(&playbook, shop_of(&[2, 2])).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does_nothing_more().await;
    let asked = question(&bot, 1).await;
    let shown: Vec<String> = asked.preview.steps.iter().map(|step| step.step.to_string()).collect();
    assert!(shown.iter().any(|step| step.contains("web-1")) && shown.iter().any(|step| step.contains("web-2")));
    answers(&mut bot, "bob", 1, Verdict::Approve).await;
    bot.passes(minutes(30)).await;
    assert_eq!(bot.changes().await.len(), 2, "{:#?}", bot.log().await);
    assert_eq!(bot.runs().await[0].outcome, Some(Outcome::Fixed));
}

#[tokio::test]
async fn what_a_person_may_run_and_approve_is_limited() {
    let mut bot = bot(&asking("{ of: databases }")).await;
    let only = |whose, teams: Option<&[&str]>, namespaces: Option<&[&str]>| PersonLimit {
        whose,
        teams: teams.map(owned),
        namespaces: namespaces.map(owned),
    };
    bot.rules.people = Arc::new(PeopleLimits(vec![
        only(LimitFor::Person("bob".into()), None, Some(&["db-*"])),
        only(LimitFor::Person("eve".into()), Some(&["databases"]), None),
    ]));
    bot.is_restarted().await;
    let refused = bot.types("eve", "/run shop-slow").await;
    assert_eq!(
        refused,
        "shop-slow is not yours to run on deployment/web in shop: `people` in dogwatch.yaml lets eve run and approve what \
         belongs to databases, and this is of team shop; nobody else may"
    );
    let refused = bot.types("bob", "/run shop-slow").await;
    assert!(refused.contains("in the namespaces db-*, and this is in `shop`; eve may") || refused.contains("nobody"));
    bot.fires("ShopSlow", &[]).await;
    let refused = bot.approves("bob").await;
    assert!(refused.starts_with("your yes to APR-1 does not count") && refused.contains("ada, grace, joan may"));
    // Brakes are anybody's, and what lets runs go on again is not.
    assert!(bot.types("bob", "/freeze namespace=shop we look").await.contains("FRZ-1"));
    let refused = bot.types("bob", "/unfreeze FRZ-1").await;
    assert!(refused.starts_with("you may not let runs change"), "{refused}");
    // A freeze of a namespace is about each team, and one of a playbook about each namespace.
    let refused = bot.types("eve", "/unfreeze FRZ-1").await;
    assert!(refused.contains("and this is about each team"), "{refused}");
    assert!(bot.types("ada", "/unfreeze FRZ-1").await.contains("has ended"));
    assert!(bot.types("ada", "/freeze playbook=shop-slow we look").await.contains("FRZ-2"));
    let refused = bot.types("bob", "/unfreeze FRZ-2").await;
    assert!(refused.contains("and this is about each namespace"), "{refused}");
}

#[tokio::test]
async fn the_question_shows_what_the_api_server_makes_of_it() {
    let mut bot = bot(&asking("{ of: databases }")).await;
    bot.fires("ShopSlow", &[]).await;
    let asked = question(&bot, 1).await;
    let shown = preview_text(&asked.preview);
    assert_eq!(
        shown,
        "1. CHANGES: scale deployment/web in shop 4 -> 6\n    the API server's dry run:\n    - spec.replicas: 4\n    + \
         spec.replicas: 6"
    );
    let dry: Vec<bool> = bot.cluster.writes().iter().map(|write| write.dry_run).collect();
    assert_eq!(dry, [true], "it was tried, and nothing was changed");
    // What it says of the dry run is no promise: the change itself is compared.
    bot.approves("bob").await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn nobody_is_asked_about_what_the_api_server_would_refuse() {
    let mut bot = bot(&asking("{ of: databases }")).await;
    bot.cluster.fault(Fault::Forbidden { verb: Verb::Patch, kind: "Deployment".into() });
    bot.fires("ShopSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("the API server would refuse it: not allowed to patch"), "{because}");
    assert_eq!(bot.store().approval(ApprovalId(1)).await.unwrap(), None);
}

/// The bot dies at each point from the first click on: each person's yes counts once, and it is
/// done once.
#[tokio::test]
async fn each_yes_counts_once_whenever_the_bot_dies() {
    let goes = async |n: Option<usize>| {
        let mut bot = bot(&asking(TWO)).await;
        bot.fires("ShopSlow", &[]).await;
        let before = bot.fuse.passed().len();
        if let Some(n) = n {
            bot.fuse.dies_after(n);
        }
        for (person, key) in [("bob", "click-1"), ("bob", "click-2"), ("ada", "click-3")] {
            clicks(&bot, person, Verdict::Approve, key).await;
            bot.passes(Duration::from_secs(1)).await;
            let is_last = person == "ada";
            assert!(is_last || bot.mutations().is_empty(), "died at {n:?}: one yes is none");
        }
        assert_eq!(question(&bot, 1).await.approved_by, ["bob", "ada"], "died at {n:?}");
        let (outcome, because) = bot.end().await;
        assert_eq!(outcome, Outcome::Fixed, "died at {n:?}: {because}: {:#?}", bot.log().await);
        assert_eq!(bot.mutations(), ["patch deployment/web in shop"], "died at {n:?}");
        bot.keeps_the_laws().await;
        bot.fuse.passed().len() - before
    };
    let points = goes(None).await;
    assert!(points >= 20, "{points}");
    for n in 1..=points {
        goes(Some(n)).await;
    }
}

mod laws {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Happens {
        Votes { person: usize, is_yes: bool, is_twice: bool },
        Passes(u64),
        Meddles,
        Dies(usize),
    }

    const PEOPLE: [&str; 5] = ["ada", "bob", "eve", "grace", "stranger"];

    fn happens() -> impl Strategy<Value = Vec<Happens>> {
        let one = prop_oneof![
            8 => (0..PEOPLE.len(), proptest::bool::weighted(0.85), any::<bool>())
                .prop_map(|(person, is_yes, is_twice)| Happens::Votes { person, is_yes, is_twice }),
            3 => (1..1_500_u64).prop_map(Happens::Passes),
            1 => Just(Happens::Meddles),
            2 => (1..10_usize).prop_map(Happens::Dies),
        ];
        proptest::collection::vec(one, 1..12)
    }

    async fn holds(people: u32, by: Option<&str>, story: Vec<Happens>) {
        let mut bot = bot(&asking(&format!("{{ people: {people}, of: databases }}"))).await;
        match by {
            Some(by) => drop(bot.types(by, "/run shop-slow").await),
            None => bot.fires("ShopSlow", &[]).await,
        }
        let mut key = 0;
        for happens in story {
            match happens {
                Happens::Votes { person, is_yes, is_twice } => {
                    let verdict = if is_yes { Verdict::Approve } else { Verdict::Deny };
                    key += 1;
                    for _ in 0..=usize::from(is_twice) {
                        clicks(&bot, PEOPLE[person], verdict, &format!("click-{key}")).await;
                    }
                    bot.settles().await;
                }
                Happens::Passes(seconds) => bot.passes(Duration::from_secs(seconds)).await,
                Happens::Meddles => {
                    bot.cluster.change(&web(), &json!({ "spec": { "replicas": 3 } }), "kubectl").unwrap();
                }
                Happens::Dies(after) => bot.fuse.dies_after(after),
            }
        }
        bot.end().await;
        bot.keeps_the_laws().await;
        // By what is told of the votes, and not by what was counted.
        let timeline = bot.store().timeline(IncidentId(1)).await.unwrap();
        let (mut yes, mut is_over) = (BTreeSet::new(), false);
        for entry in &timeline {
            match &entry.what {
                dogwatch::store::TimelineWhat::Incident(dogwatch::store::IncidentEvent::Answered {
                    verdict,
                    by,
                    ..
                }) => match verdict {
                    Verdict::Approve => drop(yes.insert(by.clone())),
                    Verdict::Deny => is_over = true,
                },
                dogwatch::store::TimelineWhat::Run(_, RunEvent::ApprovalAnswered { verdict, .. }) => {
                    is_over |= *verdict != Some(Verdict::Approve);
                }
                dogwatch::store::TimelineWhat::Run(_, RunEvent::Started { .. }) => {
                    assert!(!is_over, "begun after a no or its time: {timeline:#?}");
                    assert!(yes.len() >= people as usize, "{yes:?} are no {people}: {timeline:#?}");
                    let may = ["ada", "bob", "grace"];
                    assert!(yes.iter().all(|name| may.contains(&name.as_str())), "{yes:?}: {timeline:#?}");
                    assert!(people == 1 || by.is_none_or(|by| !yes.contains(by)), "{yes:?}: {timeline:#?}");
                }
                _ => {}
            }
        }
        if bot.mutations().is_empty() {
            return;
        }
        assert_eq!(question(&bot, 1).await.state, ApprovalState::Approved);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

        /// Nothing is begun with fewer than so many different people's yes, each of those who are
        /// asked; nor after a no, or after the time of the question.
        #[test]
        fn it_acts_only_on_the_yes_of_those_who_are_asked(
            people in 1..4_u32,
            by in proptest::option::of(prop_oneof![Just("bob"), Just("eve")]),
            story in happens(),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(holds(people, by, story));
        }
    }
}

#[tokio::test]
async fn an_old_playbook_asks_as_it_did() {
    let mut bot =
        with(&SHOP.replace("autonomy: auto", "autonomy: approve"), vec![build::deployment("shop", "web", 4)]).await;
    bot.fires("ShopSlow", &[]).await;
    // Whoever may answer.
    assert_eq!(bot.approves("somebody").await, "APR-1: approved; RUN-1 goes on");
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    let log = bot.log().await;
    let asked = log.iter().find_map(|(_, event)| match event {
        RunEvent::ApprovalAsked { before, terms, .. } => Some((before, terms)),
        _ => None,
    });
    assert_eq!(asked, Some((&None, &None)));
}

const CASES: &str = "apiVersion: dogwatch/v1
kind: Cases
playbook: shop-slow
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { name: web, namespace: shop }
    spec:
      replicas: 4
      selector: { matchLabels: { app: web } }
      template:
        metadata: { labels: { app: web } }
        spec: { containers: [{ name: web, image: web }] }
prometheus:
  - { query: shop_latency, answers: [0.4, 0.02] }
cases:
  - name: two say yes
    alert: { name: ShopSlow }
    during: [{ after: 1m, approve: [ada, bob] }]
    expect: { outcome: fixed, changes: [scale deployment/web in shop 4 -> 6] }
  - name: one yes is none
    alert: { name: ShopSlow }
    during: [{ after: 1m, approve: ada }, { after: 2m, approve: ada }]
    expect: { outcome: escalated, because: nobody answered, pages: [shop] }
  - name: a no says why
    alert: { name: ShopSlow }
    during: [{ after: 1m, approve: ada }, { after: 2m, deny: bob, reason: we mend it }]
    expect: { outcome: escalated, because: \"said no to APR-1: we mend it\", pages: [shop] }
";

async fn tested(cases: &str) -> dogwatch::rehearse::cases::PlaybookReport {
    let folder = tempfile::tempdir().unwrap();
    let playbook = folder.path().join("shop-slow.yaml");
    std::fs::write(&playbook, asking(TWO)).unwrap();
    std::fs::write(folder.path().join("shop-slow.cases.yaml"), cases).unwrap();
    dogwatch::rehearse::cases::test_folder(&playbook, &Default::default(), |_| {}).await.unwrap().remove(0)
}

#[tokio::test]
async fn cases_have_several_people_answer() {
    let report = tested(CASES).await;
    assert_eq!(report.passed(), 3, "{report:#?}");
    // Who is of which team can be said.
    let report = tested(&CASES.replace("objects:", "teams: { databases: [ada] }\nobjects:")).await;
    let passed: Vec<bool> = report.cases.iter().map(|case| case.wrong.is_empty()).collect();
    assert_eq!(passed, [false, true, true], "{report:#?}");
    let report = tested(&CASES.replace("approve: [ada, bob]", "approve: 3.5")).await;
    assert!(report.error.as_ref().is_some_and(|error| error.contains("a name, or a list of names")), "{report:#?}");
    let report = tested(&CASES.replace("deny: bob, reason", "approve: bob, reason")).await;
    assert!(report.error.as_ref().is_some_and(|error| error.contains("says why somebody denies it")), "{report:#?}");
}
