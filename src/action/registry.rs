//! The names that playbooks may write, and the structs behind them.

use serde::Deserialize;
use serde::de::{Error, MapAccess};

use super::{Action, Arg, Tell};

/// All actions, in the order in which `dogwatch check` lists them.
const NAMES: &[&str] = &["page", "notice"];

/// The names of all actions.
pub fn names() -> &'static [&'static str] {
    NAMES
}

/// Reads the arguments of the action `name` from the value that comes next in `map`, so that errors stay located.
/// `None` when no action has that name; the value is then still to be read.
///
/// # Errors
/// When the arguments are not those of the action.
pub fn parse<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Option<Result<Action, A::Error>> {
    Some(match name {
        "page" => map.next_value::<TellArgs>().map(|args| args.into_action(true)),
        "notice" => map.next_value::<TellArgs>().map(|args| args.into_action(false)),
        _ => return None,
    })
    .map(|parsed| {
        let action = parsed?;
        action.describe().check().map_err(A::Error::custom)?;
        Ok(action)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TellArgs {
    team: Option<Arg<String>>,
    message: Arg<String>,
}

impl TellArgs {
    fn into_action(self, page: bool) -> Action {
        Action::Tell(Box::new(Tell { page, team: self.team, message: self.message }))
    }
}
