//! `ticket`: work that outlives the incident goes to the tracker of a team.

use std::time::Duration;

use super::tell::Tell;
use super::typed::{Arguments as _, arguments};
use super::{Action, Declaration, Declared, Effect};
use crate::language::{AnyArg, Arg, Scope};
use crate::model::{Autonomy, HumanDuration};

arguments! {
    /// What a playbook wrote of a ticket.
    pub struct Ticket {
        /// What is to be done, in a line: at most 200 characters, what is more is cut
        title: Arg<String>,
        /// Why, and what whoever does it must know: at most 8000 characters, what is more is cut.
        /// What has no value is put in as `(unknown)`
        text: Arg<String>,
        /// The team of `oncall.yaml` in whose tracker it is filed; the playbook's owner by default
        team: Option<Arg<String>>,
        /// What is filed once: whatever has this key, in whichever playbook, is one piece of work.
        /// By default the playbook, its target and this step (and the item of a `foreach`)
        key: Option<Arg<String>>,
        /// After so long it is filed again although somebody has closed it, counted from when it
        /// was filed. What is open is never filed twice
        again: Option<Arg<HumanDuration>> = "30d",
    }
}

/// What is filed, with its texts as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filing {
    pub title: String,
    pub text: String,
    /// `None`: none was given, or it has no value now.
    pub key: Option<String>,
    pub again: Duration,
}

impl Ticket {
    /// The longest title: GitHub and GitLab take some more.
    pub const TITLE: usize = 200;
    /// The longest text: whoever reads more reads it in the incident.
    pub const TEXT: usize = 8_000;
    pub const KEY: usize = 300;
    /// What is filed again sooner is noise, and later is never.
    pub const AGAIN: std::ops::RangeInclusive<Duration> =
        Duration::from_secs(24 * 3_600)..=Duration::from_secs(365 * 24 * 3_600);

    pub fn team(&self) -> Option<&Arg<String>> {
        self.team.as_ref()
    }

    /// What it says, for the names in `scope`. `usual`: the title where nothing is left of its own.
    pub fn filing(&self, scope: &Scope, usual: &str) -> Filing {
        let title = one_line(&self.title.text_leniently(scope));
        let key = self.key.as_ref().and_then(|key| key.resolve(scope).ok()).map(|key| key.trim().to_owned());
        let usual_again = Duration::from_secs(30 * 24 * 3_600);
        let again = self.again(scope).map_or(usual_again, |again| again.0);
        Filing {
            title: cut(if says_something(&title) { &title } else { usual }, Self::TITLE),
            text: cut(self.text.text_leniently(scope).trim_end(), Self::TEXT),
            key: key.filter(|key| !key.is_empty() && key.chars().count() <= Self::KEY),
            again: again.clamp(*Self::AGAIN.start(), *Self::AGAIN.end()),
        }
    }
}

/// Whether anything is left but holes without values.
fn says_something(title: &str) -> bool {
    !title.replace("(unknown)", "").trim().is_empty()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters, and how many were left out.
fn cut(text: &str, longest: usize) -> String {
    let all = text.chars().count();
    if all <= longest {
        return text.to_owned();
    }
    // Room for what is said of the rest.
    let kept: String = text.chars().take(longest.saturating_sub(40)).collect();
    let left_out = all - kept.chars().count();
    format!("{} … ({left_out} more characters)", kept.trim_end())
}

impl Declared for Ticket {
    const DECLARATION: Declaration = Declaration {
        name: "ticket",
        summary: "Files work that outlives the incident in the tracker of a team, once",
        effect: Effect::Tells,
        about: "What is to be mended for good: a request to raise in the manifest that decides, a budget, a driver. It is an issue of the \
            team's tracker (`tickets` of dogwatch.yaml), or, where the team has none, of the default team's; a webhook gets a document with \
            `kind: work`. It is another thing than the ticket that stands for an incident: the end of the incident does not close it, \
            and nothing but a comment is ever added. While an issue with its `key` is open, it is not filed again: a comment says that it was \
            seen again, once a day at the most. One that somebody has closed is not filed again before `again`; a webhook cannot tell, so \
            that there the time alone counts. The timeline tells its number and address. It stands in any phase, and changes nothing of \
            how the run ends.",
        errors: "None: where no tracker is configured, the timeline, the page and chat say so, with what would be filed. What cannot be \
            delivered is tried again for a week. A run files at most 10, and a tracker gets at most 20 new ones a day: what is \
            more is told, and not filed.",
        repeated: "Each step files once in an incident, and once for its `key`, whichever incident.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: &[],
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- ticket:
    title: \"Raise the memory request of {{target.metadata.name}}\"
    text: \"It was killed for want of memory again. What decides is its manifest: {{because}}\"
    team: databases
    again: 60d
",
    };

    fn into_action(self) -> Action {
        Action::Tell(Box::new(Tell::Ticket(Box::new(self))))
    }
}

impl Ticket {
    pub(super) fn all_args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        self.args()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ticket(text: &str) -> Ticket {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_how_much_is_left_out() {
        let long = ticket(&format!("title: {}\ntext: \"{}\"\n", "a".repeat(300), "b ".repeat(10_000)));
        let filed = long.filing(&Scope::new(), "usual");
        assert!(filed.title.chars().count() <= Ticket::TITLE && filed.text.chars().count() <= Ticket::TEXT);
        assert!(filed.title.ends_with("a … (140 more characters)"), "{}", filed.title);
        assert!(filed.text.ends_with("more characters)"), "{}", filed.text);
    }

    #[test]
    fn what_has_no_value_keeps_nothing_from_being_filed() {
        let scope = Scope::from_iter([("name".to_owned(), json!(" \n ")), ("far".to_owned(), json!("9000d"))]);
        let filed =
            ticket("title: \"{{name}}\"\ntext: \"of {{odd.name}}\"\nkey: \"{{odd.key}}\"\nagain: \"{{far}}\"\n");
        let filed = filed.filing(&scope, "look of coredns");
        assert_eq!((&*filed.title, &*filed.text, filed.key), ("look of coredns", "of (unknown)", None));
        assert_eq!(filed.again, *Ticket::AGAIN.end());
    }

    #[test]
    fn a_title_is_one_line() {
        let filed = ticket("title: \"raise\\n  it\"\ntext: x\nkey: grow data\n").filing(&Scope::new(), "usual");
        assert_eq!((&*filed.title, filed.key.as_deref()), ("raise it", Some("grow data")));
        assert_eq!(filed.again, Duration::from_secs(30 * 24 * 3_600));
    }
}
