//! Pages in Markdown for people who read what playbooks do, made of the playbooks themselves: one
//! for each, and an index of them and of the alerts.

mod changes;
mod comment;
mod finds;
mod index;
mod markdown;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::{InputKind, Playbook, TargetPart, rights};
use crate::action::Declaration;
use crate::cluster::{Access, Kind};
use crate::language::{AnyArg, Arg};
use crate::model::{Autonomy, HumanDuration};
use markdown::{code, prose, table};

/// The first line of each page: what has it may be written over.
pub const MARK: &str = "<!-- Written by `dogwatch docs`: change the playbook instead. -->";

/// The pages of these playbooks, which link to each other.
#[derive(Debug)]
pub struct Site<'p> {
    /// By name.
    playbooks: BTreeMap<&'p str, &'p Playbook>,
    /// The folder that their paths begin with.
    folder: &'p Path,
    /// Where the reference of the actions is, seen from a page; `None`: they are not linked.
    actions: Option<&'p str>,
    /// Where the folder of the playbooks is, seen from a page; `None`: they are not linked.
    sources: Option<&'p str>,
}

impl<'p> Site<'p> {
    /// Of what was read from `folder`; `actions` and `sources` are links as they stand in pages.
    pub fn new(
        playbooks: &'p [Arc<Playbook>],
        folder: &'p Path,
        actions: Option<&'p str>,
        sources: Option<&'p str>,
    ) -> Self {
        let playbooks = playbooks.iter().map(|playbook| (playbook.name.as_str(), &**playbook)).collect();
        Self { playbooks, folder, actions, sources }
    }

    /// All pages: the name of the file, and its text. No playbook is called as the index is: their
    /// names have no uppercase letters.
    pub fn pages(&self) -> Vec<(String, String)> {
        let pages = self.playbooks.values().map(|playbook| (format!("{}.md", playbook.name), self.page(playbook)));
        std::iter::once(("README.md".to_owned(), index::page(self))).chain(pages).collect()
    }

    fn page(&self, playbook: &Playbook) -> String {
        let (name, summary) = (prose(&playbook.name), prose(&playbook.summary));
        let mut page = format!("{MARK}\n\n# {name}\n\n**{summary}**\n\n{}\n", self.facts(playbook));
        let mut section = |title: &str, text: &str| {
            if !text.is_empty() {
                page.push_str(&format!("## {title}\n\n{}\n\n", text.trim_end()));
            }
        };
        section("What starts it", &starts(playbook));
        section("What it is about", &about(playbook));
        section("What to know about it", &comment::of_head(&playbook.source, &playbook.summary));
        section("Inputs", &inputs(playbook));
        section("What it finds", &finds::section(self, playbook));
        section("What it may change", &changes::section(self, playbook));
        section("Rights in the cluster", &granted(playbook));
        section("Which playbooks hand over to it", &self.handed_by(playbook));
        page.trim_end().to_owned() + "\n"
    }

    /// What its header says.
    fn facts(&self, playbook: &Playbook) -> String {
        let mut facts = vec![
            ("Owner", format!("the team {}", code(&playbook.owner))),
            ("Severity", playbook.severity.to_string()),
            ("Autonomy", autonomy(playbook)),
            ("Version", prose(&playbook.version)),
        ];
        let set = playbook.set_here().join("; ");
        if !set.is_empty() {
            facts.push(("Set by the site", prose(&set)));
        }
        let page_by = playbook.page_by.map(|by| format!("{} after its beginning at the latest", HumanDuration(by)));
        facts.extend(page_by.map(|by| ("Pages somebody", by)));
        facts.extend(limits(playbook).into_iter().map(|limit| ("Limit", limit)));
        facts.extend(playbook.review_by.map(|by| ("To be reviewed by", by.to_string())));
        if let Some(sources) = self.sources {
            let path = self.within(playbook);
            facts.push(("Source", format!("[{}]({})", prose(&path), target_of(&format!("{sources}/{path}")))));
        }
        facts.into_iter().map(|(what, text)| format!("- {what}: {text}\n")).collect()
    }

    /// Its file, from the folder of all on.
    fn within(&self, playbook: &Playbook) -> String {
        let path = playbook.path.strip_prefix(self.folder).unwrap_or(&playbook.path);
        path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    /// A playbook's name, linked where it has a page.
    fn link(&self, name: &str) -> String {
        if self.playbooks.contains_key(name) { format!("[{0}]({0}.md)", prose(name)) } else { code(name) }
    }

    fn action(&self, action: &Declaration) -> String {
        match self.actions {
            Some(page) => format!("[`{}`]({}#{})", action.name, target_of(page), action.anchor()),
            None => code(action.name),
        }
    }

    fn handed_by(&self, playbook: &Playbook) -> String {
        let hands = |other: &&&Playbook| other.hand_overs().any(|hand_over| hand_over.playbook == playbook.name);
        self.playbooks.values().filter(hands).map(|other| format!("- {}\n", self.link(&other.name))).collect()
    }
}

/// An address as a link's target: no blank, bracket or parenthesis ends it.
fn target_of(address: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !"()<>[]`\\|{}".contains(c);
    let encoded = address.chars().map(|c| {
        let mut bytes = [0; 4];
        if is_plain(c) {
            c.to_string()
        } else {
            c.encode_utf8(&mut bytes).bytes().map(|b| format!("%{b:02X}")).collect()
        }
    });
    encoded.collect()
}

fn autonomy(playbook: &Playbook) -> String {
    let means = match playbook.autonomy {
        Autonomy::Observe => "it looks, and changes nothing",
        Autonomy::Suggest => "it shows what it would change, and changes nothing",
        Autonomy::Approve => "it asks before its first change",
        Autonomy::Auto => "it acts alone",
    };
    let asked = playbook.approval.as_ref().map(|rule| format!("; asked: {}", changes::asked(rule)));
    format!("{} ({means}{})", code(&playbook.autonomy.to_string()), asked.unwrap_or_default())
}

fn limits(playbook: &Playbook) -> Vec<String> {
    let limits = &playbook.limits;
    let runs = limits.runs.map(|(most, within)| format!("{most} per {}, on one target", HumanDuration(within)));
    let cooldown = limits.cooldown.map(|time| format!("{} between two runs on one target", HumanDuration(time)));
    let whole = limits.runs_per_playbook.map(|rate| format!("{rate} that change something, on all targets together"));
    let local = limits.runs_per_namespace.map(|rate| format!("{rate} that change something, in one namespace"));
    let ramp = limits.ramp.map(|time| match time.is_zero() {
        true => "no ramp".to_owned(),
        false => format!("a ramp of {}", HumanDuration(time)),
    });
    [runs, cooldown, whole, local, ramp].into_iter().flatten().collect()
}

fn starts(playbook: &Playbook) -> String {
    let alerts = playbook.triggers.iter().map(|trigger| {
        let condition = trigger.condition.as_ref().map(|condition| format!(", where {}", code(condition.source())));
        format!("- The alert {}{}\n", code(&trigger.alert), condition.unwrap_or_default())
    });
    let times = playbook.schedules.iter().map(|schedule| format!("- The time {}\n", code(&schedule.to_string())));
    let text: String = alerts.chain(times).collect();
    if text.is_empty() {
        "No alert and no time: a person asks for it, or it is handed over to.\n".to_owned()
    } else {
        text
    }
}

fn about(playbook: &Playbook) -> String {
    let namespace = part(&playbook.target.namespace).map(|said| format!(", in the namespace {said}"));
    let namespace = namespace.unwrap_or_default();
    let kinds = playbook.target.kinds.iter().map(|one| {
        let named = part(&one.name).map(|said| format!(", called {said}")).unwrap_or_default();
        // The namespace is another part of the target, which what has none does not have.
        let is_namespaced = playbook.kinds.find_text(&one.kind).is_none_or(|kind| kind.namespaced);
        format!("- {}{named}{}\n", code(&one.kind), if is_namespaced { &namespace } else { "" })
    });
    kinds.collect()
}

fn part(part: &TargetPart) -> Option<String> {
    let written = |arg: &Arg<String>| arg.text().map(|(text, _)| code(text));
    match part {
        TargetPart::None | TargetPart::Unsaid => None,
        TargetPart::Given(arg) => written(arg),
        TargetPart::Label(label) => Some(format!("as the alert's label {} says", code(label))),
    }
}

fn inputs(playbook: &Playbook) -> String {
    if playbook.inputs.is_empty() {
        return String::new();
    }
    let rows = playbook.inputs.iter().map(|(name, input)| {
        let default = input.default.as_ref().map_or_else(
            || "must be given".to_owned(),
            |default| match default {
                serde_json::Value::String(text) if text.is_empty() => "empty".to_owned(),
                serde_json::Value::String(text) => code(text),
                other => code(&other.to_string()),
            },
        );
        let from = input.minimum.map(|minimum| format!("{} at least", input.kind.show(minimum)));
        let to = input.maximum.map(|maximum| format!("{} at most", input.kind.show(maximum)));
        vec![
            code(name),
            word(input.kind).to_owned(),
            default,
            from.into_iter().chain(to).collect::<Vec<_>>().join(", "),
            input.label.as_deref().map(code).unwrap_or_default(),
            input.description.as_deref().map(prose).unwrap_or_default(),
        ]
    });
    table(&["input", "type", "default", "bounds", "label", "what it says"], rows)
}

fn word(kind: InputKind) -> &'static str {
    InputKind::ALL.into_iter().find(|(_, one)| *one == kind).map_or("", |(word, _)| word)
}

/// As the roles grant it: what is granted everywhere is not told of one namespace once more.
fn granted(playbook: &Playbook) -> String {
    let rights = rights(playbook);
    let mut rows: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for right in &rights {
        let everywhere = Access { namespace: String::new(), ..right.clone() };
        if right.namespace.is_empty() || !rights.contains(&everywhere) {
            rows.entry((resource(playbook, right), place(playbook, right))).or_default().insert(&right.verb);
        }
    }
    if rows.is_empty() {
        return "None.\n".to_owned();
    }
    let rows = rows
        .into_iter()
        .map(|((resource, place), verbs)| vec![resource, verbs.into_iter().collect::<Vec<_>>().join(", "), place]);
    table(&["of", "verbs", "where"], rows)
}

fn kind_of(playbook: &Playbook, right: &Access) -> Option<&'static Kind> {
    let is_it = |kind: &&Kind| (kind.plural, kind.group) == (&*right.resource, &*right.group);
    Kind::all().iter().chain(playbook.kinds.custom()).find(is_it)
}

/// As `Deployment/scale`.
fn resource(playbook: &Playbook, right: &Access) -> String {
    let name = kind_of(playbook, right).map_or_else(|| right.resource.clone(), |kind| kind.id.to_owned());
    let part = if right.subresource.is_empty() { String::new() } else { format!("/{}", right.subresource) };
    let only = if right.name.is_empty() { String::new() } else { format!(" called {}", code(&right.name)) };
    format!("{}{only}", code(&format!("{name}{part}")))
}

fn place(playbook: &Playbook, right: &Access) -> String {
    match (right.namespace.as_str(), kind_of(playbook, right)) {
        ("", Some(kind)) if !kind.namespaced => "the whole cluster".to_owned(),
        ("", _) => "all namespaces".to_owned(),
        (namespace, _) => code(namespace),
    }
}
