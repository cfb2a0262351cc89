//! What a maintenance window holds back.

use crate::model::{Window, covering};
use crate::store::OpenAlert;

/// The window until whose end a page about these alerts waits; `None`: one of them is covered by
/// none, or nothing fires. Where several cover them, it is the one that ends first: then it is
/// looked at again.
pub fn holds_back<'w>(windows: &'w [Window], alerts: &[OpenAlert]) -> Option<&'w Window> {
    let mut first: Option<&Window> = None;
    for alert in alerts {
        let window = covering(windows, alert.coverable())?;
        first = Some(first.map_or(window, |first| if window.ends_at < first.ends_at { window } else { first }));
    }
    first
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::model::{WindowId, WindowScope};

    fn window(id: i64, matcher: &str, minutes: i64) -> Window {
        Window {
            id: WindowId(id),
            scope: WindowScope { matchers: vec![matcher.parse().unwrap()], ..WindowScope::default() },
            reason: "an upgrade".into(),
            owner: "anna".into(),
            via: "console".into(),
            made_at: DateTime::UNIX_EPOCH,
            starts_at: DateTime::UNIX_EPOCH,
            ends_at: DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes),
            ended_by: None,
            told_at: None,
        }
    }

    fn alert(name: &str) -> OpenAlert {
        let labels = BTreeMap::from([("alertname".to_owned(), name.to_owned())]);
        OpenAlert { source: "am".into(), alert: name.into(), labels, object: String::new(), severity: None }
    }

    #[test]
    fn a_page_is_held_until_the_first_of_its_alerts_is_covered_no_more() {
        let windows = [window(1, "alertname=A", 60), window(2, "alertname=~A|B", 30)];
        let held = |alerts: &[OpenAlert]| holds_back(&windows, alerts).map(|window| window.id.0);
        assert_eq!(held(&[alert("A")]), Some(1), "the one that lasts longest counts for an alert");
        assert_eq!(held(&[alert("A"), alert("B")]), Some(2));
        assert_eq!(held(&[alert("A"), alert("C")]), None);
        assert_eq!(held(&[]), None, "what fires nowhere is covered by nothing");
    }
}
