//! The names that playbooks may write, and the structs behind them.

use serde::Deserialize;
use serde::de::{Error, MapAccess};

use super::k8s_events::K8sEvents;
use super::k8s_get::K8sGet;
use super::k8s_last_change::K8sLastChange;
use super::k8s_list::K8sList;
use super::k8s_pods::K8sPods;
use super::k8s_scale::K8sScale;
use super::prometheus_query::PrometheusQuery;
use super::{Action, Arg, Mutation, Read, Tell};

/// All actions, in the order in which `dogwatch check` lists them.
const NAMES: &[&str] =
    &["prometheus.query", "k8s.get", "k8s.list", "k8s.events", "k8s.pods", "k8s.last_change", "page", "notice"];

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
        "prometheus.query" => read::<PrometheusQuery, A>(map),
        "k8s.get" => read::<K8sGet, A>(map),
        "k8s.list" => read::<K8sList, A>(map),
        "k8s.events" => read::<K8sEvents, A>(map),
        "k8s.pods" => read::<K8sPods, A>(map),
        "k8s.last_change" => read::<K8sLastChange, A>(map),
        "k8s.scale" => mutation::<K8sScale, A>(map),
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

fn read<'de, T: Read + Deserialize<'de> + 'static, A: MapAccess<'de>>(map: &mut A) -> Result<Action, A::Error> {
    map.next_value::<T>().map(|action| Action::Read(Box::new(action)))
}

fn mutation<'de, T: Mutation + Deserialize<'de> + 'static, A: MapAccess<'de>>(map: &mut A) -> Result<Action, A::Error> {
    map.next_value::<T>().map(|action| Action::Mutate(Box::new(action)))
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
