//! `certmanager.renew`: a certificate is asked for anew.

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::action::k8s::{doubt, objects};
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::Object;
use crate::model::{Autonomy, Intent};

arguments! {
    pub(in crate::action) struct CertManagerRenew {}
}

output! {
    pub(in crate::action) struct Renewal {
        /// How many certificates it has had; null: none was issued yet
        revision_before: OrNull<i64>,
        /// How many tries in a row had failed
        failures_before: i64,
    }
}

/// A CA counts certificates by the week: Let's Encrypt allows five of the same names. A bot that
/// asks each day for one that is not taken into use soon has none left.
const AFTER_SUCCESS: TimeDelta = TimeDelta::days(1);

/// A CA counts failures by the hour: Let's Encrypt allows five for each name.
const AFTER_FAILURE: TimeDelta = TimeDelta::hours(1);

impl Declared for CertManagerRenew {
    const DECLARATION: Declaration = Declaration {
        name: "certmanager.renew",
        summary: "Has cert-manager issue the target, a Certificate, once more, as `cmctl renew` does",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch of the `status` subresource sets the condition `Issuing`, on the condition of UID and \
            resourceVersion, with the step's marker as field manager. cert-manager then makes a new CertificateRequest at once, \
            however long it would still wait after a failure; the certificate that there is stays in use until the new one is \
            there. No Secret is read or deleted.",
        errors: "The Certificate is being deleted; it is ready and not due yet; its last try failed less than an hour ago, as CAs \
            count failures; one was issued less than a day ago (`status.notBefore`), as CAs count certificates. One that is being issued already is left as it is: that is no error. A conflict is tried again from \
            the beginning.",
        repeated: "While it is being issued, a repetition changes nothing. Later it is one more certificate, which counts \
            towards the CA's limits.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Renewal::FIELDS,
        rights: &[
            Right::on_target(&["get"]),
            Right::on_target(&["patch"]).of("status"),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: renew
  certmanager.renew: {}
  verify:
    until: >-
      target.status.?conditions.orValue([]).exists(c, c.type == 'Ready' && c.status == 'True')
      && target.status.?revision.orValue(0) > renew.?revision_before.orValue(0)
    within: 30m
",
    };

    const TARGETS: &'static [Kind] = &[Kind::CERTIFICATE];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for CertManagerRenew {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let certificate = objects::live_target(world.cluster.as_ref(), &step).await?;
        plan(&certificate, world.clock.now(), step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let live = objects::as_decided(world.cluster.as_ref(), intent).await?;
        let mut patch = objects::patch_of(intent, json!({ "status": { "conditions": asked(&live, intent) } }), dry_run);
        patch.subresource = Some("status");
        world.cluster.patch(&patch).await?;
        Ok(output(intent, intent.summary.clone()))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        Ok(look(live.as_ref(), intent))
    }
}

fn plan(certificate: &Object, now: DateTime<Utc>, marker: String) -> Result<Plan, ActionError> {
    let of = certificate.key();
    if certificate.is_going() {
        return Err(ActionError::fail(format!("{of} is being deleted")));
    }
    let intent = Intent {
        summary: format!("renew {of}"),
        object: of.clone(),
        uid: certificate.uid().to_owned(),
        resource_version: certificate.resource_version().to_owned(),
        before: tries(certificate),
        after: json!(now.to_rfc3339_opts(SecondsFormat::Secs, true)),
        marker,
    };
    if objects::condition_holds(certificate, ISSUING) {
        return Ok(Plan::Unneeded(output(&intent, format!("{of} is being issued already"))));
    }
    let at = |field: &str| objects::time_at(&certificate.0, &format!("/status/{field}"));
    if let Some(due) = at("renewalTime").filter(|due| *due > now)
        && objects::condition_holds(certificate, "Ready")
    {
        let due = due.to_rfc3339_opts(SecondsFormat::Secs, true);
        return Err(ActionError::fail(format!("{of} is ready, and its renewal is not due before {due}")));
    }
    if let Some(failed) = at("lastFailureTime").filter(|failed| now - *failed < AFTER_FAILURE) {
        let minutes = objects::seconds_since(now, failed) / 60;
        return Err(ActionError::fail(format!(
            "the last try for {of} failed {minutes} minutes ago, and a CA counts failures by the hour; mend the cause, and ask an hour \
             after it"
        )));
    }
    if let Some(issued) = at("notBefore").filter(|issued| now - *issued < AFTER_SUCCESS) {
        let issued = issued.to_rfc3339_opts(SecondsFormat::Secs, true);
        return Err(ActionError::fail(format!(
            "{of} has a certificate of {issued}, less than a day old, and one more would count towards the CA's limits; look why that \
             one does not do"
        )));
    }
    Ok(Plan::Do(intent))
}

const ISSUING: &str = "Issuing";

/// What tells whether it was tried since.
fn tries(certificate: &Object) -> Value {
    let status = |field: &str| certificate.at(&format!("/status/{field}")).cloned().unwrap_or(Value::Null);
    json!({
        "revision": status("revision"),
        "failures": status("failedIssuanceAttempts"),
        "last failure": status("lastFailureTime"),
    })
}

/// Its conditions with the one that has cert-manager issue it.
fn asked(certificate: &Object, intent: &Intent) -> Value {
    let conditions = certificate.at("/status/conditions").and_then(Value::as_array);
    let mut conditions: Vec<Value> = conditions.cloned().unwrap_or_default();
    conditions.retain(|condition| objects::word(condition, "type") != ISSUING);
    conditions.push(json!({
        "type": ISSUING,
        "status": "True",
        "reason": "ManuallyTriggered",
        "message": format!("Asked for by {}", intent.marker),
        "lastTransitionTime": intent.after,
        "observedGeneration": certificate.at("/metadata/generation"),
    }));
    conditions.into()
}

/// cert-manager takes the condition away again once it has issued the certificate, or has failed
/// to: then its counts tell that it was asked.
fn look(live: Option<&Object>, intent: &Intent) -> Doubt {
    let live = match doubt::still_there(live, intent) {
        Ok(live) => live,
        Err(why) => return Doubt::Unclear(why),
    };
    if objects::condition_holds(live, ISSUING) {
        return Doubt::Done(output(intent, intent.summary.clone()));
    }
    if tries(live) != intent.before {
        let summary = format!("{} was tried again since, by whomever it was asked", intent.object);
        return Doubt::Done(output(intent, summary));
    }
    doubt::not_done(live, intent)
}

fn output(intent: &Intent, summary: String) -> Output {
    let number = |field: &str| intent.before.get(field).and_then(Value::as_i64);
    let renewal = Renewal {
        revision_before: OrNull(number("revision")),
        failures_before: number("failures").unwrap_or_default(),
    };
    Output::new(&renewal, summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-05-01T12:00:00Z";

    fn now() -> DateTime<Utc> {
        NOW.parse().unwrap()
    }

    /// One whose renewal failed five times, last of all three hours ago.
    fn waiting() -> Object {
        Object(json!({
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": { "namespace": "shop", "name": "web", "uid": "u1", "resourceVersion": "10", "generation": 2 },
            "status": {
                "conditions": [
                    { "type": "Ready", "status": "False", "reason": "Expired" },
                    { "type": "Issuing", "status": "False", "reason": "Failed" },
                ],
                "failedIssuanceAttempts": 5,
                "lastFailureTime": "2026-05-01T09:00:00Z",
                "renewalTime": "2026-04-20T00:00:00Z",
                "revision": 3,
            },
        }))
    }

    fn with_status(status: Value) -> Object {
        waiting().with(&json!({ "status": status }))
    }

    fn decide(certificate: &Object) -> String {
        match plan(certificate, now(), "dogwatch-run-7-renew".into()) {
            Ok(Plan::Do(intent)) => intent.summary,
            Ok(Plan::Unneeded(output)) => format!("unneeded: {}", output.summary),
            Err(error) => error.message,
        }
    }

    fn intent() -> Intent {
        let Ok(Plan::Do(intent)) = plan(&waiting(), now(), "dogwatch-run-7-renew".into()) else { panic!() };
        intent
    }

    #[test]
    fn what_waits_after_failures_is_asked_for_anew() {
        assert_eq!(decide(&waiting()), "renew certificate.cert-manager.io/web in shop");
        assert_eq!(
            asked(&waiting(), &intent()),
            json!([
                { "type": "Ready", "status": "False", "reason": "Expired" },
                {
                    "type": "Issuing",
                    "status": "True",
                    "reason": "ManuallyTriggered",
                    "message": "Asked for by dogwatch-run-7-renew",
                    "lastTransitionTime": NOW,
                    "observedGeneration": 2,
                },
            ])
        );
    }

    #[test]
    fn what_needs_no_new_try_gets_none() {
        let issuing = with_status(json!({ "conditions": [{ "type": "Issuing", "status": "True" }] }));
        assert!(decide(&issuing).starts_with("unneeded:") && decide(&issuing).ends_with("is being issued already"));
        let good =
            json!({ "conditions": [{ "type": "Ready", "status": "True" }], "renewalTime": "2026-06-01T00:00:00Z" });
        assert!(decide(&with_status(good)).ends_with("its renewal is not due before 2026-06-01T00:00:00Z"));
        let due = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
        assert!(decide(&with_status(due)).starts_with("renew"));
        let just_now = decide(&with_status(json!({ "lastFailureTime": "2026-05-01T11:13:00Z" })));
        assert!(just_now.contains("failed 47 minutes ago"), "{just_now}");
        for issued in ["2026-05-01T11:00:00Z", "2026-04-30T12:00:01Z", "2026-05-01T12:05:00Z"] {
            let fresh = decide(&with_status(json!({ "notBefore": issued })));
            assert!(fresh.contains("less than a day old") && fresh.contains(issued), "{fresh}");
        }
        assert!(decide(&with_status(json!({ "notBefore": "2026-04-30T12:00:00Z" }))).starts_with("renew"));
        let going = waiting().with(&json!({ "metadata": { "deletionTimestamp": NOW } }));
        assert!(decide(&going).ends_with("is being deleted"));
        let first = Object(json!({ "kind": "Certificate", "metadata": { "name": "new", "namespace": "shop" } }));
        assert!(decide(&first).starts_with("renew"));
    }

    #[test]
    fn whether_it_was_asked_shows_until_it_is_over_and_after() {
        let says = |live: Option<Object>| look(live.as_ref(), &intent());
        let later = waiting().with(&json!({ "metadata": { "resourceVersion": "12" } }));
        let Doubt::NotDone(fresh) = says(Some(later)) else { panic!() };
        assert_eq!(fresh.resource_version, "12");
        let issuing = with_status(json!({ "conditions": [{ "type": "Issuing", "status": "True" }] }));
        assert!(matches!(says(Some(issuing)), Doubt::Done(_)));
        assert!(matches!(says(Some(with_status(json!({ "revision": 4 })))), Doubt::Done(_)));
        let failed = json!({ "failedIssuanceAttempts": 6, "lastFailureTime": "2026-05-01T12:01:00Z" });
        assert!(matches!(says(Some(with_status(failed))), Doubt::Done(_)));
        assert!(matches!(says(None), Doubt::Unclear(_)));
        let other = waiting().with(&json!({ "metadata": { "uid": "u2" } }));
        assert!(matches!(says(Some(other)), Doubt::Unclear(_)));
    }
}
