//! `k8s.logs`: what a container has written lately.

use async_trait::async_trait;

use super::objects;
use crate::action::amounts::{Count, Flag};
use crate::action::masked::masked_text;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::{LogQuery, Object};
use crate::language::Arg;
use crate::model::{Autonomy, HumanDuration, ObjectKey, redact, redact_cut_key};

arguments! {
    pub(in crate::action) struct K8sLogs {
        /// The pod's name, in the target's namespace, or in the target where that is one. Left out:
        /// the target, which is a Pod then
        pod: Option<Arg<String>>,
        /// The container. Left out: the one that the annotation
        /// `kubectl.kubernetes.io/default-container` names, or else the first
        container: Option<Arg<String>>,
        /// Whether it is the container that ran before the last restart, and ended
        previous: Option<Arg<Flag>> = "false",
        /// So many of the newest lines; at most 500
        lines: Option<Arg<Count>> = "50",
        /// None that are older, such as `10m`
        since: Option<Arg<HumanDuration>>,
        /// Only lines that hold this text, of the newest 5000
        contains: Option<Arg<String>>,
    }
}

output! {
    struct Lines {
        /// The pod's name
        pod: String,
        /// The container's name
        container: String,
        /// The lines, the oldest first; of a line 1000 characters at most
        lines: Vec<String>,
        /// The same as one text
        text: String,
        /// How many they are
        count: usize,
        /// Whether some of what was read is left out, or the read itself was cut off
        truncated: bool,
    }
}

/// More than this nobody reads in a page, and 500 are enough to look through for a word.
const MOST_LINES: u32 = 500;
/// How many are looked through for `contains`.
const MOST_SEARCHED: usize = 5_000;
const LONGEST_LINE: usize = 1_000;
/// As the lines are kept twice, well within what an output may have.
const MOST_CHARS: usize = 48 * 1024;

impl Declared for K8sLogs {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.logs",
        summary: "Reads the newest lines that a container has written",
        effect: Effect::Reads,
        about: "The pod is the target, or the one that `pod` names. At most 1 MiB is read, and 48 KiB of the newest lines are kept. What \
            looks like a secret is masked before the text is split into lines, and a space or the end of a line stands for colours \
            and other control characters. No line at all is an answer: `count` is 0.",
        errors: "The pod is not there, or has no such container; the container has not started; with `previous`, it has not run \
            before. Where that is for people alone, `on_error: go_on` goes without.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Lines::FIELDS,
        rights: &[Right::on_kind(Kind::POD, &["get"]), Right::on_kind(Kind::POD, &["get"]).of("log")],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: pods
  k8s.pods: {}
- id: last_words
  k8s.logs: { pod: \"{{pods.items.[0].name}}\", previous: true, lines: 20 }
  on_error: go_on
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        match self.lines.as_ref().and_then(Arg::literal) {
            Some(lines) => check_lines(*lines),
            None => Ok(()),
        }
    }
}

fn check_lines(lines: Count) -> Result<(), String> {
    if (1..=MOST_LINES).contains(&lines.0) {
        return Ok(());
    }
    Err(format!("`lines: {lines}` is not from 1 to {MOST_LINES}"))
}

#[async_trait]
impl Read for K8sLogs {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let lines = self.lines(step.scope)?;
        check_lines(lines).map_err(ActionError::fail)?;
        let key = match &self.pod {
            Some(pod) => {
                ObjectKey::new("Pod", step.target.place(), objects::safe_name(pod.resolve(step.scope)?, "name")?)
            }
            None if step.target.kind == "Pod" => step.target.clone(),
            None => {
                return Err(ActionError::fail(format!("{} is no Pod; say which one: `pod: name`", step.target)));
            }
        };
        let container = match &self.container {
            Some(container) => objects::safe_name(container.resolve(step.scope)?, "container")?,
            None => {
                let pod = world.cluster.get(&key).await?;
                let pod = pod.ok_or_else(|| ActionError::fail(format!("{key} is not there")))?;
                usual_container(&pod)?
            }
        };
        let contains = self.contains.as_ref().map(|text| text.resolve(step.scope)).transpose()?;
        let query = LogQuery {
            key,
            container,
            previous: self.previous(step.scope)?.0,
            lines: if contains.is_some() { MOST_SEARCHED } else { lines.0 as usize },
            since: self.since.as_ref().map(|since| since.resolve(step.scope)).transpose()?.map(|since| since.0),
        };
        let log = world.cluster.logs(&query).await?;
        let mut kept = keep(&log.text, contains.as_deref(), lines.0 as usize);
        kept.truncated |= log.is_cut;
        Ok(output(&query, kept))
    }
}

/// The container whose log kubectl would show.
pub(super) fn usual_container(pod: &Object) -> Result<String, ActionError> {
    let named = pod.annotation("kubectl.kubernetes.io/default-container").unwrap_or_default();
    let first = if named.is_empty() { pod.text("/spec/containers/0/name") } else { named };
    if first.is_empty() {
        return Err(ActionError::fail(format!("{} has no container", pod.key())));
    }
    objects::safe_name(first.to_owned(), "container")
}

struct Kept {
    lines: Vec<String>,
    truncated: bool,
}

/// The newest lines of a log, masked, within bounds.
fn keep(text: &str, contains: Option<&str>, most: usize) -> Kept {
    // As a whole: a private key goes over many lines.
    let masked = masked_text(redact_cut_key(&redact(text)).as_ref());
    let mut kept = Kept { lines: Vec::new(), truncated: false };
    let mut chars = 0;
    for line in masked.lines().rev().filter(|line| contains.is_none_or(|text| line.contains(text))) {
        let shown = match line.char_indices().nth(LONGEST_LINE) {
            Some((end, _)) => {
                kept.truncated = true;
                format!("{}…", line.get(..end).unwrap_or_default())
            }
            None => line.to_owned(),
        };
        chars += shown.len() + 1;
        if kept.lines.len() == most || chars > MOST_CHARS {
            kept.truncated = true;
            break;
        }
        kept.lines.push(shown);
    }
    kept.lines.reverse();
    kept
}

fn output(query: &LogQuery, kept: Kept) -> Output {
    let Kept { lines, truncated } = kept;
    let before = if query.previous { " before its last restart" } else { "" };
    let summary = format!("{} lines of {} in {}{before}", lines.len(), query.container, query.key);
    let text = lines.join("\n");
    let (pod, container) = (query.key.name.clone(), query.container.clone());
    Output::new(&Lines { pod, container, count: lines.len(), text, lines, truncated }, summary)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_lines_are_kept_within_bounds() {
        let text: String = (1..=60).map(|n| format!("line {n}\n")).collect();
        let kept = keep(&text, None, 50);
        assert_eq!((kept.lines.len(), kept.truncated), (50, true));
        assert_eq!((kept.lines[0].as_str(), kept.lines[49].as_str()), ("line 11", "line 60"));
        let kept = keep(&text, Some("line 5"), 50);
        assert_eq!(
            kept.lines.join(","),
            "line 5,line 50,line 51,line 52,line 53,line 54,line 55,line 56,line 57,line 58,line 59"
        );
        assert!(!kept.truncated);
        let kept = keep("", None, 50);
        assert!(kept.lines.is_empty() && !kept.truncated);

        let kept = keep(&format!("short\n{}", "x".repeat(5_000)), None, 50);
        assert_eq!(kept.lines[1].chars().count(), LONGEST_LINE + 1);
        let kept = keep(&format!("{}\n", "y".repeat(900)).repeat(500), None, 500);
        assert!(kept.truncated && kept.lines.join("\n").len() <= MOST_CHARS);
    }

    #[test]
    fn secrets_are_masked_also_where_they_go_over_lines() {
        let key =
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nabcdefghijklmnop\n-----END RSA PRIVATE KEY-----\n";
        let kept = keep(&format!("start\nPGPASSWORD=hunter2hunter2\n{key}end\n"), None, 50).lines.join("\n");
        assert!(!kept.contains("hunter2") && !kept.contains("MIIEp") && !kept.contains("abcdefgh"), "{kept}");
        assert!(kept.starts_with("start\n") && kept.ends_with("end"), "{kept}");
    }

    #[test]
    fn a_control_character_neither_hides_nor_joins_a_secret() {
        for between in ["\r", "\u{7}", "\u{1b}[0m", "\u{85}"] {
            let kept = keep(&format!("done{between}ghp_0123456789abcdefABCD\n"), None, 50).lines.join("\n");
            assert!(kept.starts_with("done") && !kept.contains("0123456789"), "{between:?}: {kept}");
            let kept = keep(&format!("a ghp_0123{between}456789abcdefABCD01\n"), None, 50).lines.join("\n");
            assert!(between == "\r" || between == "\u{85}" || !kept.contains("456789abc"), "{between:?}: {kept}");
        }
    }

    #[test]
    fn a_log_that_begins_within_a_key_shows_none_of_it() {
        let body = "MIIEpAIBAAKCAQEA7bq0Zk2J9xYwq1vT8sLrN5cHdPfGmWjKeUoXaVtBiQyRz3D4\n".repeat(3);
        for text in [
            format!("aZk2J9xYwq1vT8sL\n{body}abc=\n-----END RSA PRIVATE KEY-----\nend\n"),
            format!(
                "2026-05-01T12:00:00Z {}abc=\n-----END PRIVATE KEY-----\nend",
                body.replace('M', "2026-05-01T12:00:00Z M")
            ),
            format!("{{\"key\": \"{}abc=\\n-----END PRIVATE KEY-----\\n\"}}\nend", body.replace('\n', "\\n")),
            format!("{body}end\n"),
        ] {
            let kept = keep(&text, None, 50).lines.join("\n");
            assert!(!kept.contains("IIEpA") && !kept.contains("Zk2J9") && !kept.contains("abc="), "{kept}");
            assert!(kept.ends_with("end"), "{kept}");
        }
        // What programs write about themselves is no key.
        let own = "level=error msg=failed component=scheduler\n".repeat(3);
        assert_eq!(keep(&own, None, 50).lines.join("\n"), own.trim_end());
        let kept = keep("one\ntwo words\nexpected -----END PRIVATE KEY-----\n", None, 50).lines.join("\n");
        assert!(kept.starts_with("one\ntwo words\nexpected"), "{kept}");
    }

    #[test]
    fn the_container_is_the_one_that_kubectl_would_take() {
        let pod = Object(json!({ "spec": { "containers": [{ "name": "proxy" }, { "name": "app" }] } }));
        assert_eq!(usual_container(&pod).unwrap(), "proxy");
        let named = json!({ "metadata": { "annotations": { "kubectl.kubernetes.io/default-container": "app" } } });
        assert_eq!(usual_container(&pod.with(&named)).unwrap(), "app");
        assert!(usual_container(&Object(json!({ "spec": {} }))).is_err());
    }
}
