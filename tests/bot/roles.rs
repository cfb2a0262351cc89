//! Who can act on a cause is paged, whoever's the object is.

use dogwatch::model::*;
use dogwatch::oncall::OnCall;
use serde_json::json;

use crate::bot::Bot;
use crate::bot::pager::Pager;

/// Everybody is on call for one team.
const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }, { name: bob }, { name: cy }]
teams:
  - { name: platform, rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] } }
  - { name: infra, rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob] } }
  - { name: shop, rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [cy] } }
roles: ROLES
";

const PLAYBOOK: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: slow, version: 1.0.0, owner: platform }
summary: It is slow
severity: S2
autonomy: observe
inputs: { cause: { type: string, description: what it is, label: cause, default: none } }
triggers: [{ alert: Slow }]
target: { kind: Deployment, namespace: shop, name: web }
diagnose:
  - require: inputs.cause != 'driver'
    because: the driver is gone
    role: storage
  - choose:
      - branch: the code is slow
        when: inputs.cause == 'code'
        escalate: its own code is slow
        role: applications
      - branch: the network loses packets
        when: inputs.cause == 'network'
        escalate: packets are lost
        role: \"{{inputs.cause}}\"
      - otherwise: nobody knows
        escalate: no cause that is known
escalate:
  - page: { message: \"{{because}}\" }
";

async fn paged_for(cause: &str, roles: &str, labels: serde_json::Value) -> (Bot, String) {
    let web = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop", "labels": labels },
        "spec": { "replicas": 1 },
    });
    let mut bot = Bot::begins(&[PLAYBOOK], vec![dogwatch::cluster::Object(web)]).await;
    let pager = Pager::listening("email", bot.clock.clone());
    bot.pages_by(std::slice::from_ref(&pager), &ONCALL.replace("ROLES", roles)).await;
    bot.fires("Slow", &[("namespace", "shop"), ("cause", cause)]).await;
    bot.settles().await;
    let calls = pager.calls();
    (bot, calls.join("; "))
}

/// Whom the latest run has told, by its log.
async fn told(bot: &Bot) -> String {
    let log = bot.log().await;
    let told = log.iter().rev().find_map(|(_, event)| match event {
        RunEvent::Told { team, role: Some(role), .. } => Some(format!("{role} is team {team}")),
        _ => None,
    });
    told.unwrap_or_default()
}

#[tokio::test]
async fn a_cause_goes_to_the_team_that_has_its_role() {
    let (bot, paged) = paged_for("driver", "{ storage: infra }", json!({})).await;
    assert_eq!(paged, "02:00 bob");
    assert_eq!(told(&bot).await, "storage is team infra");
}

#[tokio::test]
async fn a_role_that_nobody_has_falls_back_along_the_map() {
    assert_eq!(paged_for("driver", "{ storage: network, network: infra }", json!({})).await.1, "02:00 bob");
    assert_eq!(paged_for("driver", "{}", json!({})).await.1, "02:00 ada", "the platform's");
    assert_eq!(paged_for("network", "{ network: infra }", json!({})).await.1, "02:00 bob", "by a name of a `set`");
}

#[tokio::test]
async fn an_applications_own_goes_to_whoever_owns_it() {
    let shop = json!({ "team": "shop" });
    assert_eq!(paged_for("code", "{ applications: infra }", shop.clone()).await.1, "02:00 cy");
    assert_eq!(paged_for("code", "{ applications: infra }", json!({ "team": "gone" })).await.1, "02:00 bob");
    assert_eq!(paged_for("driver", "{ storage: infra }", shop).await.1, "02:00 bob", "its owner cannot mend a driver");
}

#[tokio::test]
async fn a_cause_without_a_role_goes_to_the_playbooks_owner() {
    assert_eq!(paged_for("none", "{ storage: infra }", json!({ "team": "shop" })).await.1, "02:00 ada");
}

/// The map holds from its reload on.
#[tokio::test]
async fn a_map_that_is_read_anew_counts_for_the_next_page() {
    let (mut bot, _) = paged_for("driver", "{ storage: infra }", json!({})).await;
    let file = OnCall::parse("oncall.yaml", &ONCALL.replace("ROLES", "{ storage: shop }")).unwrap();
    bot.rules.oncall.reload(file);
    bot.resolves("Slow", &[("namespace", "shop"), ("cause", "driver")]).await;
    bot.types("ada", "/run slow --set cause=driver").await;
    bot.settles().await;
    assert_eq!(told(&bot).await, "storage is team shop");
}
