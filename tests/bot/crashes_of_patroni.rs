//! The bot dies at every point of what it has Patroni do.

use dogwatch::cluster::Object;
use dogwatch::model::Outcome;
use dogwatch::store::RunStore as _;
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::crashes_of_pods::{member, patroni};

/// A playbook that does this, once bob says yes.
fn playbook(step: &str, until: &str) -> String {
    format!(
        "
apiVersion: dogwatch/v1
kind: Playbook
metadata: {{ name: patroni, version: 1.0.0, owner: databases }}
summary: something is to be done
severity: S2
autonomy: approve
page_by: 8h
triggers: [{{ alert: PatroniOdd }}]
target: {{ kind: Pod, from: alert }}
diagnose:
  - id: cluster
    patroni.cluster: {{}}
mitigate:
  - id: act
    {step}
    approval: {{ of: databases, within: 4h, question: 'Do it?' }}
    verify: {{ query: cluster, until: \"{until}\", settle: 1m, every: 1m, within: 10m }}
escalate:
  - page: {{ message: '{{{{because}}}}' }}
"
    )
}

/// All is well, and a setting of the second member waits for a restart.
fn whole() -> Vec<Object> {
    let own = json!({ "role": "replica", "state": "streaming", "timeline": 3, "xlog_location": 9_000_000_000_u64, "pending_restart": true });
    let mut objects = patroni();
    objects[1] = member(1, &own);
    objects
}

/// The leader's node is gone.
fn headless() -> Vec<Object> {
    let mut objects = whole();
    objects[0] = member(0, &json!({ "role": "replica", "state": "stopped" }));
    objects
}

/// How often the bot did not know what became of it, over all points at which it dies.
async fn survives(objects: fn() -> Vec<Object>, playbook: &str, told: &str, unknown: &str) -> usize {
    let goes = async |n: Option<usize>| {
        let mut bot = Bot::begins(&[playbook], objects()).await;
        bot.dies_at(n).await;
        bot.fires("PatroniOdd", &[("namespace", "databases"), ("pod", "pg-00017-1")]).await;
        while bot.store().open_approvals().await.unwrap().is_empty() {
            bot.passes(minutes(1)).await;
        }
        bot.approves("bob").await;
        let (outcome, because) = bot.end().await;
        bot.settles().await;
        let made = bot.mutations();
        if outcome == Outcome::Fixed {
            assert_eq!(made, [told], "died at {n:?}");
            assert!(bot.paged().await.is_empty(), "died at {n:?}");
        } else {
            assert!(!unknown.is_empty() && because.contains(unknown), "died at {n:?}: {because}");
            assert!(made.is_empty(), "died at {n:?}: {made:?}");
            assert_eq!(bot.paged().await, ["databases escalated"], "died at {n:?}");
        }
        bot.keeps_the_laws().await;
        (outcome, bot.fuse.points_that_differ().await)
    };
    let (outcome, points) = goes(None).await;
    assert_eq!(outcome, Outcome::Fixed);
    assert!((15..60).contains(&points.len()), "{points:?}");
    let mut not_known = 0;
    for n in points {
        not_known += usize::from(goes(Some(n)).await.0 != Outcome::Fixed);
    }
    not_known
}

/// Where it died between the record of what it is about to do and doing it, nobody can tell: a wish
/// may wait in Patroni's store.
#[tokio::test]
async fn the_lead_moves_once_at_most_whenever_the_bot_dies() {
    let step = "patroni.switchover: { leader: '{{cluster.leader}}', candidate: pg-00017-1 }";
    let story = playbook(step, "leader == 'pg-00017-1'");
    let unknown = "told to lead is not known";
    assert_eq!(survives(whole, &story, "create pod/pg-00017-1 in databases", unknown).await, 1);
}

#[tokio::test]
async fn a_member_is_made_to_lead_once_at_most_whenever_the_bot_dies() {
    let story = playbook("patroni.failover: {}", "leader == 'pg-00017-1'");
    let unknown = "it is not known whether this was done";
    assert_eq!(survives(headless, &story, "create pod/pg-00017-1 in databases", unknown).await, 1);
}

/// Since when PostgreSQL runs tells it: nobody is called.
#[tokio::test]
async fn a_replica_is_restarted_once_whenever_the_bot_dies() {
    let story = playbook("patroni.restart: {}", "members.all(m, m.name == leader || m.streaming == true)");
    assert_eq!(survives(whole, &story, "create pod/pg-00017-1 in databases", "").await, 0);
}

#[tokio::test]
async fn a_cluster_is_paused_once_whenever_the_bot_dies() {
    let story = playbook("patroni.pause: {}", "paused");
    assert_eq!(survives(whole, &story, "create pod/pg-00017-1 in databases", "").await, 0);
}

fn paused() -> Vec<Object> {
    let mut objects = whole();
    let kept = objects.pop().expect("what the cluster keeps");
    let config = json!({ "metadata": { "annotations": { "config": "{\"ttl\":30,\"pause\":true}" } } });
    objects.push(kept.with(&config));
    objects
}

#[tokio::test]
async fn a_cluster_is_resumed_once_whenever_the_bot_dies() {
    let story = playbook("patroni.resume: {}", "!paused");
    assert_eq!(survives(paused, &story, "create pod/pg-00017-1 in databases", "").await, 0);
}
