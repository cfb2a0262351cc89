//! Actions as a page of the reference.

use super::text::{NO_WAY_BACK, autonomy, need, output_rows, rights};
use crate::action::Declaration;

const HEAD: &str = "\
<!-- Written by `dogwatch actions -o markdown > docs/reference/actions.md`. Change the declarations in src/action instead. -->

# Actions

A step of a playbook names exactly one action. An argument is a value, or a text with holes that becomes one when the step runs: \
`max: \"{{inputs.max}}\"`. What a step found or did stands under its `id` for the conditions and texts after it, with the fields below; \
beside them, each has `summary`, a line for people, and where something may be changed `made`, whether it was. A field that is \
`optional` may be left out, and a condition on it is then an error.

An action that changes something belongs to `mitigate`, and needs a `verify`. Before the change is made, its intent goes on the run's \
log; after a crash, the live object is compared with it, and what is neither as before nor as was wanted is left to a human. What \
no playbook and no approval can do is refused by all of them: to write a Secret, to delete a PersistentVolumeClaim, a \
PersistentVolume, a StatefulSet or a Namespace, to change or delete the pod of a Patroni leader, and to change what is annotated \
`dogwatch/hands-off`, or lies in a namespace that is.

";

/// The whole page.
pub(super) fn reference(actions: &[&Declaration]) -> String {
    let mut page = HEAD.to_owned();
    let rows = actions.iter().map(|action| {
        vec![
            format!("[`{0}`](#{1})", action.name, action.anchor()),
            action.effect.to_string(),
            action.summary.to_owned(),
        ]
    });
    page.push_str(&table(&["action", "effect", "what it is for"], rows));
    for action in actions {
        page.push('\n');
        page.push_str(&section(action));
    }
    page
}

/// One action.
pub(super) fn section(action: &Declaration) -> String {
    let mut text = format!("## {}\n\n{}. Effect: {}.\n\n", action.name, action.summary, action.effect);
    text.push_str(&format!("{}\n\n```yaml\n{}```\n\n", action.about, action.example));
    if action.arguments.is_empty() {
        text.push_str("It takes no arguments.\n\n");
    } else {
        let rows = action.arguments.iter().map(|argument| {
            vec![format!("`{}`", argument.name), argument.of_type.to_owned(), need(argument), argument.doc.to_owned()]
        });
        text.push_str(&table(&["argument", "type", "", "what it says"], rows));
        text.push('\n');
    }
    let output = output_rows(action);
    if !output.is_empty() {
        let rows = output.into_iter().map(|[name, of_type, doc]| vec![format!("`{name}`"), of_type, doc]);
        text.push_str(&table(&["output", "type", "what it says"], rows));
        text.push('\n');
    }
    for (title, prose) in [
        ("Errors, and what needs a human", action.errors),
        ("Repeated", action.repeated),
        ("Undo", action.way_back.unwrap_or(NO_WAY_BACK)),
        ("Rights", &format!("{}.", rights(action))),
        ("Autonomy", &format!("{}.", autonomy(action.most_autonomy))),
    ] {
        text.push_str(&format!("- **{title}**: {prose}\n"));
    }
    text
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head.iter().map(|&cell| cell.to_owned()).collect());
    text.push_str(&line(head.iter().map(|_| "---".to_owned()).collect()));
    text.extend(rows.map(|row| line(row.into_iter().map(|cell| cell.replace('|', "\\|")).collect())));
    text
}
