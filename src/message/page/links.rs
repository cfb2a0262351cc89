//! Where an alert's rule says to look: runbook, dashboard, the expression that fired.

use crate::message::text::{clip, width};
use crate::model::Episode;

/// An address of the web.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Link {
    /// `runbook`, `dashboard`, `panel`, `logs`, `query`, `silence`, `ticket`, `filed`.
    pub name: &'static str,
    pub url: String,
}

/// Enough for each sort and a second runbook.
const MOST: usize = 8;

/// A longer one is no address that somebody opens, and would take the place of all else.
const LONGEST: usize = 2_000;

/// The names under which rules and Grafana keep them, without `_`, `-` and a final `url` or `link`;
/// in the order of their use.
const NAMES: [(&str, &str); 9] = [
    ("runbook", "runbook"),
    ("playbook", "runbook"),
    ("dashboard", "dashboard"),
    ("grafana", "dashboard"),
    ("grafanadashboard", "dashboard"),
    ("panel", "panel"),
    ("logs", "logs"),
    ("generator", "query"),
    ("silence", "silence"),
];

/// Each of them once, the most useful first. What is no http or https is none.
pub(super) fn links(episodes: &[Episode]) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for (known, name) in NAMES {
        for episode in episodes {
            for (_, url) in episode.annotations.iter().filter(|(annotation, _)| plain(annotation) == known) {
                let is_new = |links: &[Link]| links.iter().all(|link| link.url != *url);
                // One expression of a group is like the other.
                let is_enough = name != "runbook" && links.iter().any(|link| link.name == name);
                if let Some(url) = address(url)
                    && is_new(&links)
                    && !is_enough
                    && links.len() < MOST
                {
                    links.push(Link { name, url });
                }
            }
        }
    }
    links
}

fn plain(annotation: &str) -> String {
    let letters = annotation.chars().filter(|letter| letter.is_ascii_alphanumeric());
    let name: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    let base = name.strip_suffix("url").or_else(|| name.strip_suffix("link")).unwrap_or(&name);
    base.to_owned()
}

fn address(url: &str) -> Option<String> {
    let url = clip(url, LONGEST + 1);
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    (is_web && width(&url) <= LONGEST && !url.contains([' ', '…'])).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::story::the_episode;

    fn of(annotations: &[(&str, &str)]) -> Vec<String> {
        let mut episode = the_episode();
        episode.annotations = annotations.iter().map(|(name, url)| ((*name).into(), (*url).into())).collect();
        links(&[episode]).into_iter().map(|link| format!("{} {}", link.name, link.url)).collect()
    }

    #[test]
    fn they_are_found_under_their_usual_names() {
        let found = of(&[
            ("generatorURL", "http://prometheus/graph?g0.expr=up"),
            ("dashboard_url", "https://grafana/d/1"),
            ("silenceURL", "https://grafana/silence"),
            ("panelURL", "https://grafana/d/1?viewPanel=2"),
            ("runbook_url", "https://runbooks/x"),
            ("summary", "https://no.link/"),
        ]);
        assert_eq!(
            found,
            [
                "runbook https://runbooks/x",
                "dashboard https://grafana/d/1",
                "panel https://grafana/d/1?viewPanel=2",
                "query http://prometheus/graph?g0.expr=up",
                "silence https://grafana/silence"
            ]
        );
    }

    #[test]
    fn what_is_no_address_is_no_link() {
        for url in ["javascript:alert(1)", "ftp://x/", "runbooks/x.md", "https://x/ and more", ""] {
            assert_eq!(of(&[("runbook_url", url)]), [] as [&str; 0], "{url}");
        }
        assert_eq!(of(&[("runbook_url", &format!("https://x/{}", "y".repeat(LONGEST)))]).len(), 0);
        assert_eq!(of(&[("dashboard", "https://x/?token=hunter2hunter2hunter2")]), ["dashboard https://x/?token=***"]);
    }

    #[test]
    fn the_same_address_stands_once() {
        assert_eq!(of(&[("runbook", "https://x/"), ("runbook_url", "https://x/")]), ["runbook https://x/"]);
    }
}
