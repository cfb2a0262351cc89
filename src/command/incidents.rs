//! `/incidents`: what is open.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentList, IncidentState, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "incidents",
    help: "what is open, the worst first",
    example: "/incidents all",
    arguments: &[
        Argument::bare_flag("all", "also those that were resolved in the last 24 hours").short('a'),
        Argument::bare_flag("mine", "only those that you own"),
        Argument::option("team", Value::Text, "TEAM", "only those of this team"),
        Argument::list("severity", Value::Severity, "S1,S2", "only those of these severities"),
        Argument::list("state", STATE, "STATE", "only open, acknowledged, mitigated or resolved ones"),
        Argument::option("output", FORMAT, "FORMAT", "as text, or as json for scripts").short('o'),
    ],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "List the incidents that are not resolved",
        more: "\
Examples:
  dogwatch incidents                               what is open, the worst first
  dogwatch incidents --all                         also what was resolved in the last 24 hours
  dogwatch incidents --team databases --severity S1,S2 --state open
  dogwatch incidents -o json | jq -r '.incidents[] | select(.owner == null) | .id'

README.md says what the JSON holds.",
    }),
    read,
};

const STATE: Value = Value::OneOf { what: "state", words: &["open", "acknowledged", "mitigated", "resolved"] };
const FORMAT: Value = Value::OneOf { what: "format", words: &["text", "json"] };

fn read(given: &Given) -> Result<Command, ParseError> {
    Ok(Command::Incidents(IncidentList {
        all: given.flag("all"),
        mine: given.flag("mine"),
        team: given.one("team").map(str::to_owned),
        severities: given.severities("severity"),
        states: given.all("state").iter().filter_map(|state| state_called(state)).collect(),
        json: given.one("output") == Some("json"),
    }))
}

fn state_called(word: &str) -> Option<IncidentState> {
    use IncidentState::{Acknowledged, Mitigated, Open, Resolved};
    [Open, Acknowledged, Mitigated, Resolved].into_iter().find(|state| state.to_string() == word)
}
