//! How a page stands, what its receivers know of that, and what they are told next.

use crate::model::{Incident, IncidentState, PageEvent};

/// How a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Somebody is to take it.
    Open,
    /// Somebody has it.
    Acknowledged,
    /// Nothing is left to do about it.
    Over,
}

impl Standing {
    /// As the outbox has what was told so.
    pub(in crate::store) fn word(self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Acknowledged => "acknowledged",
            Standing::Over => "over",
        }
    }
}

/// What a receiver knows of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It may have been called, or not: nobody heard an answer.
    Perhaps,
    /// Its own incident was closed there, whatever it was told.
    Closed,
    Of(Standing),
}

impl Told {
    /// As the outbox has it. What is about to be told for the first time is not; what is damaged
    /// may have been.
    pub(in crate::store) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "taken" => return None,
            "open" => Told::Of(Standing::Open),
            "acknowledged" => Told::Of(Standing::Acknowledged),
            "over" => Told::Of(Standing::Over),
            "closed" => Told::Closed,
            _ => Told::Perhaps,
        })
    }

    /// Whether nothing is left to tell where it stands so. Who may have been called waits for
    /// another attempt, or wants none.
    pub fn is(self, standing: Standing) -> bool {
        match self {
            Told::Perhaps => standing == Standing::Open,
            Told::Closed => true,
            Told::Of(known) => known == standing,
        }
    }
}

/// What of a page says how it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageStands {
    pub acknowledged: bool,
    /// By a person, and not by the end of what it is about.
    pub answered: bool,
    /// The incident became worse since, and there is a page of that.
    pub outdone: bool,
    /// The incident was over and came back since: what it is now has pages of its own.
    pub earlier: bool,
}

impl PageStands {
    /// How it stands in that incident, the whole of what it is part of. `escalates`: for a receiver
    /// that calls the next by itself, and so has to hear when nobody needs to be called for now.
    pub fn in_the(self, incident: &Incident, escalates: bool) -> Standing {
        let is_quiet = (incident.episodes > 0 && incident.open_episodes == 0
            || incident.state == IncidentState::Mitigated)
            && incident.held_until.is_none();
        if incident.is_over() || self.earlier || self.outdone && escalates {
            return Standing::Over;
        }
        match (self.acknowledged, self.answered) {
            (true, true) if incident.state == IncidentState::Open => Standing::Over,
            (true, true) => Standing::Acknowledged,
            // What ended by itself does not come back: there is another page for what does.
            (true, false) => Standing::Over,
            (false, _) if is_quiet && escalates => Standing::Over,
            (false, _) => Standing::Open,
        }
    }
}

/// What a receiver is told that knows `told`. `has_news`: there is more to say than it knows.
/// `hears_ends`: it wants to know that somebody has a page, and that it is over. `None`: nothing.
pub fn next_event(
    told: Option<Told>,
    standing: Standing,
    stands: PageStands,
    has_news: bool,
    hears_ends: bool,
) -> Option<PageEvent> {
    let update = has_news.then_some(PageEvent::Update);
    if stands.earlier && told.is_none() {
        return None;
    }
    let event = match (told, standing) {
        (None | Some(Told::Perhaps), Standing::Open) => PageEvent::Trigger,
        (Some(Told::Of(Standing::Open)), Standing::Open) => PageEvent::Update,
        (Some(Told::Of(_)), Standing::Open) => PageEvent::Trigger,
        (Some(Told::Closed), Standing::Open) if has_news => PageEvent::Trigger,
        (Some(Told::Closed), _) => return None,
        // Nobody has looked, and it is over: who can be told so without being called is.
        (None, Standing::Over) if !stands.acknowledged && hears_ends => PageEvent::Resolve,
        (None, Standing::Over) if !stands.acknowledged => PageEvent::Trigger,
        (None, _) => return has_news.then_some(PageEvent::Trigger),
        (Some(Told::Of(known)), _) if known == standing => return update,
        (Some(_), Standing::Acknowledged) => PageEvent::Acknowledge,
        (Some(_), Standing::Over) => PageEvent::Resolve,
    };
    if event.is_end() && !hears_ends {
        // Where nobody has looked, it is still brought.
        let is_unseen = told == Some(Told::Perhaps) && !stands.acknowledged;
        return if is_unseen { Some(PageEvent::Trigger) } else { update };
    }
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDINGS: [Standing; 3] = [Standing::Open, Standing::Acknowledged, Standing::Over];

    fn stands() -> impl Iterator<Item = PageStands> {
        (0..16).map(|bits| PageStands {
            acknowledged: bits & 1 != 0,
            answered: bits & 2 != 0,
            outdone: bits & 4 != 0,
            earlier: bits & 8 != 0,
        })
    }

    #[test]
    fn who_knows_how_it_stands_hears_of_news_alone() {
        for (standing, stands) in STANDINGS.into_iter().flat_map(|standing| stands().map(move |it| (standing, it))) {
            for told in [Told::Of(standing), Told::Closed] {
                let hears = |has_news| next_event(Some(told), standing, stands, has_news, true);
                assert!(matches!(hears(false), None | Some(PageEvent::Update)), "{told:?} {stands:?}");
                assert!(!hears(true).is_some_and(PageEvent::is_end), "{told:?} {stands:?}");
            }
        }
    }

    #[test]
    fn an_end_goes_to_who_hears_of_ends_alone() {
        let known = STANDINGS.map(|standing| Some(Told::Of(standing)));
        for told in known.into_iter().chain([None, Some(Told::Perhaps), Some(Told::Closed)]) {
            for (standing, stands) in STANDINGS.into_iter().flat_map(|standing| stands().map(move |it| (standing, it)))
            {
                for has_news in [false, true] {
                    let event = next_event(told, standing, stands, has_news, false);
                    assert!(!event.is_some_and(PageEvent::is_end), "{told:?} {standing:?} {stands:?}");
                }
            }
        }
    }

    #[test]
    fn each_change_is_told_as_what_it_is() {
        let plain = PageStands { acknowledged: false, answered: false, outdone: false, earlier: false };
        let taken = PageStands { acknowledged: true, answered: true, ..plain };
        let hears = |told, standing, stands| next_event(told, standing, stands, false, true);
        let of = |standing| Some(Told::Of(standing));
        assert_eq!(hears(None, Standing::Open, plain), Some(PageEvent::Trigger));
        assert_eq!(hears(of(Standing::Open), Standing::Acknowledged, taken), Some(PageEvent::Acknowledge));
        assert_eq!(hears(of(Standing::Acknowledged), Standing::Over, taken), Some(PageEvent::Resolve));
        assert_eq!(hears(of(Standing::Over), Standing::Open, plain), Some(PageEvent::Trigger), "it is needed again");
        assert_eq!(hears(None, Standing::Over, plain), Some(PageEvent::Resolve), "over before anybody was called");
        assert_eq!(hears(None, Standing::Acknowledged, taken), None, "somebody was quicker");
        assert_eq!(hears(Some(Told::Perhaps), Standing::Acknowledged, taken), Some(PageEvent::Acknowledge));
        let earlier = PageStands { earlier: true, ..plain };
        assert_eq!(hears(None, Standing::Over, earlier), None, "what came back has a page of its own");
    }
}
