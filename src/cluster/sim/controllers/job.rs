//! Jobs: pods that run to an end.

use std::time::Duration;

use serde_json::{Value, json};

use super::{condition, number};
use crate::cluster::sim::objects::{Id, condition as condition_of, text};
use crate::cluster::sim::state::{CONTROLLERS_STATUS, State};
use crate::cluster::sim::time::{parse, rfc3339};

const COMPONENT: &str = "job-controller";

impl State {
    pub(super) fn reconcile_job(&mut self, id: Id) {
        let job = self.objects.value(id);
        if let Some(finished) = ["Complete", "Failed"].iter().find_map(|end| condition_of(&job, end)) {
            self.expire(id, &job, finished);
            return;
        }
        let uid = text(&job, "/metadata/uid").to_owned();
        if job.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
            self.stop_pods(&uid);
            let now = self.now;
            self.change(id, CONTROLLERS_STATUS, |job| {
                condition::set(job, "Suspended", true, "JobSuspended", "Job suspended", now);
                job["status"]["active"] = json!(0);
            });
            return;
        }
        let started = match parse(text(&job, "/status/startTime")) {
            Some(started) => started,
            None => {
                self.set_status(id, json!({ "startTime": rfc3339(self.now) }));
                self.now
            }
        };
        let pods: Vec<(Id, String)> = self.pods_of(&uid);
        let ended = |phase: &str| pods.iter().filter(|(_, other)| other == phase).count() as i64;
        let succeeded = ended("Succeeded").max(number(&job, "/status/succeeded").unwrap_or(0));
        let failed = ended("Failed").max(number(&job, "/status/failed").unwrap_or(0));
        let wanted = number(&job, "/spec/completions").or(number(&job, "/spec/parallelism")).unwrap_or(1);
        let deadline = number(&job, "/spec/activeDeadlineSeconds").and_then(|seconds| u64::try_from(seconds).ok());
        let deadline = deadline.map(|seconds| started + Duration::from_secs(seconds));
        if succeeded >= wanted {
            return self.complete_job(id, succeeded);
        }
        if failed > number(&job, "/spec/backoffLimit").unwrap_or(6) {
            let message = "Job has reached the specified backoff limit";
            return self.fail_job(id, &uid, failed, "BackoffLimitExceeded", message);
        }
        if let Some(deadline) = deadline {
            if self.now >= deadline {
                let message = "Job was active longer than specified deadline";
                return self.fail_job(id, &uid, failed, "DeadlineExceeded", message);
            }
            self.touch_at(id, deadline);
        }
        let parallelism = number(&job, "/spec/parallelism").unwrap_or(1).min(wanted - succeeded);
        let active = self.live_pods(&uid).len() as i64;
        for _ in active..parallelism {
            let pod = self.free_name("Pod", text(&job, "/metadata/namespace"), text(&job, "/metadata/name"));
            self.add_pod(&job, &pod, &[]);
            self.tell(id, "SuccessfulCreate", &format!("Created pod: {pod}"), COMPONENT);
        }
        let live = self.live_pods(&uid);
        let ready = live.iter().filter(|(_, pod)| pod.is_ready).count();
        let count = |number: i64| if number == 0 { Value::Null } else { json!(number) };
        let status = json!({
            "active": live.len(),
            "ready": ready,
            "succeeded": count(succeeded),
            "failed": count(failed),
            "terminating": 0,
            "uncountedTerminatedPods": {},
        });
        self.set_status(id, status);
    }

    /// The pods of a Job and their phases.
    fn pods_of(&self, uid: &str) -> Vec<(Id, String)> {
        let owned = self.objects.owned_by(uid).into_iter();
        let pods = owned.filter(|id| self.objects.get(*id).is_some_and(|it| it.kind.id == "Pod"));
        pods.map(|id| (id, text(&self.objects.value(id), "/status/phase").to_owned())).collect()
    }

    fn stop_pods(&mut self, uid: &str) {
        let pods: Vec<Id> = self.live_pods(uid).iter().map(|(id, _)| *id).collect();
        for pod in pods {
            self.delete(pod, false);
        }
    }

    fn complete_job(&mut self, id: Id, succeeded: i64) {
        let now = self.now;
        self.change(id, CONTROLLERS_STATUS, |job| {
            let message = "Reached expected number of succeeded pods";
            condition::set(job, "SuccessCriteriaMet", true, "CompletionsReached", message, now);
            condition::set(job, "Complete", true, "CompletionsReached", message, now);
            job["status"]["completionTime"] = rfc3339(now).into();
            job["status"]["succeeded"] = json!(succeeded);
            job["status"]["ready"] = json!(0);
            if let Some(status) = job["status"].as_object_mut() {
                status.remove("active");
            }
        });
        self.tell(id, "Completed", "Job completed", COMPONENT);
        // As the CronJob's controller does, also for a Job that somebody else has started.
        let cronjob = self.lineage(id).into_iter().find(|(_, key)| key.kind == "CronJob");
        if let Some((cronjob, _)) = cronjob {
            self.set_status(cronjob, json!({ "lastSuccessfulTime": rfc3339(now) }));
        }
    }

    fn fail_job(&mut self, id: Id, uid: &str, failed: i64, reason: &str, message: &str) {
        let stopped = self.live_pods(uid).len() as i64;
        self.stop_pods(uid);
        let now = self.now;
        self.change(id, CONTROLLERS_STATUS, |job| {
            condition::set(job, "FailureTarget", true, reason, message, now);
            condition::set(job, "Failed", true, reason, message, now);
            job["status"]["failed"] = json!(failed + stopped);
            job["status"]["ready"] = json!(0);
            if let Some(status) = job["status"].as_object_mut() {
                status.remove("active");
            }
        });
        self.warn(id, reason, message, COMPONENT);
    }

    fn expire(&mut self, id: Id, job: &Value, finished: &Value) {
        let Some(kept) = number(job, "/spec/ttlSecondsAfterFinished").and_then(|kept| u64::try_from(kept).ok()) else {
            return;
        };
        let Some(end) = parse(text(finished, "/lastTransitionTime")).map(|at| at + Duration::from_secs(kept)) else {
            return;
        };
        if self.now >= end {
            self.delete(id, false);
        } else {
            self.touch_at(id, end);
        }
    }
}
