//! What a pager's webhook brings.

/// What became of an event of PagerDuty's webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagerEvent {
    /// Somebody has it.
    Acknowledged,
    /// Somebody has closed it there, which acknowledges it here.
    Resolved,
    /// It came before.
    Duplicate,
    /// Of a type that nothing follows from.
    OtherType,
    /// No person did it, but an integration such as ours.
    NoPerson,
    /// Its incident is none of ours.
    UnknownIncident,
    /// Its incident is one of another database.
    OtherDatabase,
    /// There is a later page of the incident, which is another one there.
    Outdated,
    Unreadable,
    /// The store did not take it; it comes again.
    Failed,
}

impl PagerEvent {
    pub(super) const ALL: [Self; 10] = [
        Self::Acknowledged,
        Self::Resolved,
        Self::Duplicate,
        Self::OtherType,
        Self::NoPerson,
        Self::UnknownIncident,
        Self::OtherDatabase,
        Self::Outdated,
        Self::Unreadable,
        Self::Failed,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            PagerEvent::Acknowledged => "acknowledged",
            PagerEvent::Resolved => "resolved",
            PagerEvent::Duplicate => "duplicate",
            PagerEvent::OtherType => "other_type",
            PagerEvent::NoPerson => "no_person",
            PagerEvent::UnknownIncident => "unknown_incident",
            PagerEvent::OtherDatabase => "other_database",
            PagerEvent::Outdated => "outdated",
            PagerEvent::Unreadable => "unreadable",
            PagerEvent::Failed => "failed",
        }
    }
}
