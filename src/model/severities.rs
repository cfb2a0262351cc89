//! What alerts say of their severity, and what it means.

use std::collections::BTreeMap;

use super::{Alert, Digest, Severity};

/// The label that says it, and those that are asked where an alert does not have that one.
pub const SEVERITY_LABELS: [&str; 4] = ["severity", "priority", "level", "sev"];

/// What the words of others come to: those of Prometheus, syslog, Nagios and Icinga (also of
/// hosts), Zabbix, X.733, Datadog, PagerDuty, Opsgenie, Jira, AWS, Google Cloud and Azure. Written
/// as they are compared: small, and without what is neither letter nor digit.
///
/// The first rank of whatever scale is S1, the third S3. `warning`, `medium` and the like are S2:
/// most who write them want to be called, and whoever does not says so in `severities`.
const WORDS: [(Severity, &[&str]); 4] = [
    (
        Severity::S1,
        &[
            "s1",
            "s0",
            "sev1",
            "sev0",
            "severity1",
            "severity0",
            "p1",
            "p0",
            "priority1",
            "priority0",
            "critical",
            "crit",
            "page",
            "fatal",
            "emergency",
            "emerg",
            "disaster",
            "panic",
            "alert",
            "down",
            "blocker",
            "highest",
            "urgent",
            "immediate",
        ],
    ),
    (
        Severity::S2,
        &[
            "s2",
            "sev2",
            "severity2",
            "p2",
            "priority2",
            "high",
            "major",
            "error",
            "err",
            "warning",
            "warn",
            "average",
            "medium",
            "moderate",
            "important",
            "unknown",
            "unreachable",
            "nodata",
            "notclassified",
            "indeterminate",
        ],
    ),
    (
        Severity::S3,
        &[
            "s3",
            "sev3",
            "severity3",
            "p3",
            "priority3",
            "ticket",
            "minor",
            "low",
            "notice",
            "info",
            "information",
            "informational",
        ],
    ),
    (
        Severity::S4,
        &[
            "s4",
            "sev4",
            "sev5",
            "severity4",
            "severity5",
            "p4",
            "p5",
            "priority4",
            "priority5",
            "none",
            "ok",
            "debug",
            "trace",
            "verbose",
            "lowest",
            "trivial",
            "cleared",
            "success",
            "up",
        ],
    ),
];

/// The mapping from words to severities: the usual one, and what an operator adds to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Severities {
    own: BTreeMap<String, Severity>,
}

/// What an alert's labels say of its severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rated<'a> {
    pub severity: Severity,
    /// What the label `severity` says, if nobody knows that word.
    pub unknown: Option<&'a str>,
}

static USUAL: Severities = Severities { own: BTreeMap::new() };

impl Severities {
    /// Without anybody's additions.
    pub fn usual() -> &'static Self {
        &USUAL
    }

    /// The usual mapping with these additions, which come first. Of a word that is added twice the
    /// worse counts.
    pub fn with(added: impl IntoIterator<Item = (String, Severity)>) -> Self {
        let mut own: BTreeMap<String, Severity> = BTreeMap::new();
        for (word, severity) in added {
            own.entry(Self::key(&word)).and_modify(|other| *other = other.worst(severity)).or_insert(severity);
        }
        Self { own }
    }

    /// By what words are compared.
    pub fn key(word: &str) -> String {
        word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    }

    /// What a word means, if it is known.
    pub fn meaning(&self, word: &str) -> Option<Severity> {
        let key = Self::key(word);
        let usual = || WORDS.iter().find(|(_, words)| words.contains(&key.as_str())).map(|(severity, _)| *severity);
        self.own.get(&key).copied().or_else(usual)
    }

    /// What an alert is by its own word. Nothing, or a word that nobody knows, is S2: less would be
    /// guessing towards silence.
    pub fn of(&self, alert: &Alert) -> Severity {
        self.rate(|label| alert.label(label)).severity
    }

    /// The same, of whatever has labels. Labels other than `severity` may mean something else, and
    /// count only where they say a word that is known.
    pub fn rate<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> Rated<'a> {
        let said = |label: &str| value_of(label).filter(|word| !word.trim().is_empty());
        let [severity, others @ ..] = SEVERITY_LABELS;
        if let Some(word) = said(severity) {
            let known = self.meaning(word);
            return Rated { severity: known.unwrap_or(Severity::S2), unknown: known.is_none().then_some(word) };
        }
        let other = others.iter().find_map(|label| self.meaning(said(label)?));
        Rated { severity: other.unwrap_or(Severity::S2), unknown: None }
    }

    /// The same for two mappings by which every alert goes the same way.
    pub fn digest(&self) -> Digest {
        Digest::of(format!("{SEVERITY_LABELS:?} {WORDS:?} {:?}", self.own))
    }

    /// The words that mean this by themselves, in the order of the table.
    pub fn words(severity: Severity) -> &'static [&'static str] {
        WORDS.iter().find(|(of, _)| *of == severity).map_or(&[], |(_, words)| words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate<'a>(severities: &Severities, labels: &[(&str, &'a str)]) -> Rated<'a> {
        severities.rate(|label| labels.iter().find(|(name, _)| *name == label).map(|(_, value)| *value))
    }

    #[test]
    fn each_system_is_understood() {
        use Severity::{S1, S2, S3, S4};
        for (system, words) in [
            ("prometheus", &[("critical", S1), ("warning", S2), ("info", S3), ("none", S4)][..]),
            ("google's sre", &[("page", S1), ("ticket", S3)]),
            ("syslog", &[("emerg", S1), ("Alert", S1), ("crit", S1), ("err", S2), ("notice", S3), ("debug", S4)]),
            ("icinga", &[("CRITICAL", S1), ("DOWN", S1), ("UNREACHABLE", S2), ("UNKNOWN", S2), ("OK", S4), ("UP", S4)]),
            (
                "zabbix",
                &[
                    ("Disaster", S1),
                    ("High", S2),
                    ("Average", S2),
                    ("Warning", S2),
                    ("Information", S3),
                    ("Not classified", S2),
                ],
            ),
            ("x.733", &[("critical", S1), ("major", S2), ("minor", S3), ("indeterminate", S2), ("cleared", S4)]),
            ("datadog", &[("P1", S1), ("P2", S2), ("P3", S3), ("P4", S4), ("P5", S4), ("No Data", S2)]),
            ("pagerduty", &[("critical", S1), ("error", S2), ("warning", S2), ("info", S3)]),
            ("aws", &[("CRITICAL", S1), ("HIGH", S2), ("MEDIUM", S2), ("LOW", S3), ("INFORMATIONAL", S3)]),
            ("azure", &[("Sev0", S1), ("Sev1", S1), ("Sev2", S2), ("Sev3", S3), ("Sev4", S4), ("Verbose", S4)]),
            ("jira", &[("Blocker", S1), ("Highest", S1), ("Lowest", S4)]),
            ("by hand", &[(" fatal\n", S1), ("SEV-1", S1), ("sev_2", S2), ("Priority 3", S3), ("s4", S4)]),
        ] {
            for (word, severity) in words {
                assert_eq!(Severities::usual().meaning(word), Some(*severity), "{system}: {word}");
            }
        }
    }

    #[test]
    fn no_word_stands_in_two_places() {
        let all: Vec<&str> = WORDS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
        let known: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), known.len());
        for word in all {
            assert_eq!(Severities::key(word), word, "as it is compared");
        }
    }

    #[test]
    fn what_nobody_knows_is_s2_and_told() {
        let usual = Severities::usual();
        for word in ["purple", "3", "critical,page", "---"] {
            let rated = rate(usual, &[("severity", word), ("priority", "p4")]);
            assert_eq!(rated, Rated { severity: Severity::S2, unknown: Some(word) });
        }
    }

    #[test]
    fn other_labels_count_where_the_first_is_not_there() {
        let usual = Severities::usual();
        let severity = |labels: &[(&str, &str)]| rate(usual, labels).severity;
        assert_eq!(severity(&[]), Severity::S2);
        assert_eq!(severity(&[("priority", "P1")]), Severity::S1);
        assert_eq!(severity(&[("severity", " "), ("sev", "1"), ("level", "fatal")]), Severity::S1);
        assert_eq!(severity(&[("level", "ground floor")]), Severity::S2);
        assert_eq!(rate(usual, &[("level", "ground floor")]).unknown, None, "it may mean something else");
        assert_eq!(severity(&[("priority", "system-cluster-critical"), ("level", "info")]), Severity::S3);
    }

    #[test]
    fn an_operators_words_come_first() {
        let own = Severities::with([("Warning".to_owned(), Severity::S3), ("wake-up".to_owned(), Severity::S1)]);
        assert_eq!(own.meaning("warning"), Some(Severity::S3));
        assert_eq!(own.meaning("WAKE UP"), Some(Severity::S1));
        assert_eq!(own.meaning("critical"), Some(Severity::S1));
        assert_ne!(own.digest(), Severities::usual().digest());
        let twice = Severities::with([("x".to_owned(), Severity::S3), ("X".to_owned(), Severity::S2)]);
        assert_eq!(twice.meaning("x"), Some(Severity::S2));
    }
}
