//! In which order the sinks for pages are asked.

/// Entry after entry: all sinks of one are told at once, and the next is asked when one of them
/// fails. Each sink stands in one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageOrder(Vec<Vec<String>>);

impl PageOrder {
    /// A sink that stands in an earlier entry counts there.
    pub fn new<E, S>(entries: E) -> Self
    where
        E: IntoIterator,
        E::Item: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let mut order = Self::default();
        for entry in entries {
            let mut new: Vec<String> = Vec::new();
            for sink in entry.into_iter().map(Into::into) {
                if !new.contains(&sink) && order.all().all(|known| *known != sink) {
                    new.push(sink);
                }
            }
            if !new.is_empty() {
                order.0.push(new);
            }
        }
        order
    }

    /// Those that get each page.
    pub fn first(&self) -> &[String] {
        self.0.first().map(Vec::as_slice).unwrap_or_default()
    }

    pub(in crate::store) fn entries(&self) -> impl Iterator<Item = &[String]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flatten()
    }

    /// The others of the sink's own entry, and the next one. `None`: it stands in none.
    pub(in crate::store) fn around(&self, sink: &str) -> Option<(&[String], &[String])> {
        let place = self.0.iter().position(|entry| entry.iter().any(|known| known == sink))?;
        Some((self.0.get(place)?, self.0.get(place + 1).map(Vec::as_slice).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_stands_in_its_earliest_entry_alone() {
        let order = PageOrder::new([vec!["slack"], vec!["pagerduty", "slack"], vec!["slack"], vec!["email"]]);
        assert_eq!(order, PageOrder::new([["slack"], ["pagerduty"], ["email"]]));
        let (own, next) = order.around("pagerduty").unwrap();
        assert_eq!((own, next), (&["pagerduty".to_owned()][..], &["email".to_owned()][..]));
        assert_eq!(order.around("email").unwrap().1, [""; 0]);
        assert!(order.around("ntfy").is_none());
    }
}
