//! Who is on call by a model that is as plain as it can be: it walks from minute to minute, looks
//! at the clock on the wall, and counts.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Duration, NaiveDateTime, Offset as _, TimeZone as _, Timelike as _, Weekday};
use chrono_tz::Tz;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::model::{Layer, Override, OverrideId};

/// North, south, half an hour, at midnight, a day that was left out, and no change at all.
const ZONES: [&str; 6] =
    ["America/Chicago", "Europe/Paris", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu"];

const NAMES: [&str; 5] = ["alice", "bob", "carol", "dan", "eve"];

const DAYS: [(&str, &[Weekday]); 5] = {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    [
        ("daily", &[Mon, Tue, Wed, Thu, Fri, Sat, Sun]),
        ("mon-fri", &[Mon, Tue, Wed, Thu, Fri]),
        ("sat-sun", &[Sat, Sun]),
        ("fri", &[Fri]),
        ("sat-tue", &[Sat, Sun, Mon, Tue]),
    ]
};

/// A rotation as the rules say it, which the file's text is made of.
#[derive(Debug, Clone)]
struct Plain {
    zone: &'static str,
    start: DateTime<Utc>,
    every: u32,
    /// Minutes of the day, ascending.
    times: Vec<u32>,
    members: Vec<&'static str>,
    /// Days, and minutes of the day.
    only: Option<(usize, u32, u32)>,
}

impl Plain {
    fn text(&self) -> String {
        let shown = |minute: &u32| format!("\"{:02}:{:02}\"", minute / 60, minute % 60);
        let times: Vec<String> = self.times.iter().map(shown).collect();
        let only = self.only.map(|(days, from, to)| {
            format!(", only: {{ days: {}, from: {}, to: {} }}", DAYS[days].0, shown(&from), shown(&to))
        });
        format!(
            "{{ time_zone: {}, start: {}, handoff: {{ at: [{}], every: {}d }}, members: [{}]{} }}",
            self.zone,
            self.start.format("%F"),
            times.join(", "),
            self.every,
            self.members.join(", "),
            only.unwrap_or_default(),
        )
    }
}

/// The walk over one rotation.
struct Walk<'a> {
    rotation: &'a Plain,
    zone: Tz,
    /// The latest that the clock has shown so far: what it shows again is no news.
    latest: NaiveDateTime,
    next: NaiveDateTime,
    handoffs: usize,
}

impl<'a> Walk<'a> {
    fn new(rotation: &'a Plain) -> Self {
        let next = rotation.start.date_naive().and_hms_opt(0, 0, 0).unwrap();
        let next = next + Duration::minutes(rotation.times[0].into());
        Self { rotation, zone: rotation.zone.parse().unwrap(), latest: NaiveDateTime::MIN, next, handoffs: 0 }
    }

    /// Goes on to that minute, and says whose turn it is then.
    fn on(&mut self, at: DateTime<Utc>) -> Option<&'a str> {
        let shown = at.with_timezone(&self.zone).naive_local();
        self.latest = self.latest.max(shown);
        while self.next <= self.latest {
            self.handoffs += 1;
            let (round, time) = (self.handoffs / self.rotation.times.len(), self.handoffs % self.rotation.times.len());
            let day = self.rotation.start.date_naive() + Duration::days(round as i64 * i64::from(self.rotation.every));
            self.next = day.and_hms_opt(0, 0, 0).unwrap() + Duration::minutes(self.rotation.times[time].into());
        }
        let turn = self.handoffs.checked_sub(1)?;
        let is_in = self.rotation.only.is_none_or(|(days, from, to)| {
            let days = DAYS[days].1;
            let minute = shown.hour() * 60 + shown.minute();
            let (today, yesterday) = (days.contains(&shown.weekday()), days.contains(&shown.weekday().pred()));
            if from < to {
                today && (from..to).contains(&minute)
            } else {
                today && minute >= from || yesterday && minute < to
            }
        });
        is_in.then(|| self.rotation.members[turn % self.rotation.members.len()])
    }
}

fn any_plain() -> impl Strategy<Value = Plain> {
    let minute = || prop_oneof![3 => (0..96u32).prop_map(|quarter| quarter * 15), 1 => 0..1440u32];
    let times =
        proptest::collection::btree_set(minute(), 1..=3).prop_map(|times| times.into_iter().collect::<Vec<_>>());
    let only = proptest::option::weighted(0.7, (0..DAYS.len(), minute(), minute()))
        .prop_map(|only| only.filter(|(_, from, to)| from != to));
    let members = proptest::collection::vec(select(NAMES.as_slice()), 1..=4);
    (select(ZONES.as_slice()), -12..4i64, 1..=7u32, times, members, only).prop_map(
        |(zone, start, every, times, members, only)| {
            let every = if times.len() > 1 { 1 } else { every };
            // As the middle of what is looked at is 0.
            Plain { zone, start: DateTime::UNIX_EPOCH + Duration::days(start), every, times, members, only }
        },
    )
}

/// Whom, since when and until when, in hours from the middle; when it was made and when it was
/// ended.
type Plan = (&'static str, Option<&'static str>, Layer, i64, i64, i64, Option<i64>);

fn any_plan() -> impl Strategy<Value = Plan> {
    let name = || select(NAMES.as_slice());
    let layer = prop_oneof![3 => Just(Layer::Primary), 1 => Just(Layer::Secondary)];
    (
        name(),
        proptest::option::weighted(0.3, name()),
        layer,
        -90..90i64,
        1..60i64,
        -120..90i64,
        proptest::option::weighted(0.2, -90..90i64),
    )
}

/// A day near which the clocks of one of the zones change, or any other.
fn any_middle() -> impl Strategy<Value = DateTime<Utc>> {
    let changes = vec![
        "2011-12-30",
        "2026-03-08",
        "2026-04-04",
        "2026-09-05",
        "2026-10-03",
        "2026-10-25",
        "2026-11-01",
        "2026-07-15",
    ];
    (select(changes), 0..24i64).prop_map(|(day, hour)| utc(&format!("{day}T00:00:00Z")) + Duration::hours(hour))
}

fn overrides(plans: &[Plan], middle: DateTime<Utc>) -> Vec<Override> {
    let hour = |hour: i64| middle + Duration::hours(hour);
    let kept = |(n, plan): (usize, &Plan)| {
        let (member, whom, layer, from, lasting, made, ended) = *plan;
        Override {
            id: OverrideId(n as i64 + 1),
            team: "platform".into(),
            layer,
            member: member.into(),
            whom: whom.map(str::to_owned),
            from: hour(from),
            until: hour(from + lasting),
            reason: String::new(),
            by: "alice".into(),
            via: "console".into(),
            made_at: hour(made),
            ended: ended.map(|ended| (hour(ended), "bob".into())),
        }
    };
    plans.iter().enumerate().map(kept).collect()
}

/// Whose turn it is in each minute of the time by the rules alone.
fn walked(
    rotations: &[Plain],
    overrides: &[Override],
    layer: Layer,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> BTreeMap<DateTime<Utc>, Option<String>> {
    let mut walks: Vec<Walk> = rotations.iter().map(Walk::new).collect();
    let mut minutes = BTreeMap::new();
    // No rotation begins earlier.
    let mut at = from - Duration::days(10);
    while at < to {
        // All of them are asked: each has a clock to look at.
        let turns: Vec<Option<&str>> = walks.iter_mut().map(|walk| walk.on(at)).collect();
        let mut who = turns.into_iter().flatten().next();
        for cover in overrides.iter().filter(|cover| cover.layer == layer) {
            let ended = cover.ended.as_ref().is_some_and(|(ended, _)| *ended <= at);
            let counts = cover.from <= at && at < cover.until && cover.made_at <= at && !ended;
            if counts && (cover.whom.is_none() || cover.whom.as_deref() == who) {
                who = Some(&cover.member);
            }
        }
        if from <= at {
            minutes.insert(at, who.map(str::to_owned));
        }
        at += Duration::minutes(1);
    }
    minutes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn at_each_minute_it_is_whoever_the_rules_say(
        primary in proptest::collection::vec(any_plain(), 1..=3),
        secondary in proptest::option::of(any_plain()),
        plans in proptest::collection::vec(any_plan(), 0..5),
        middle in any_middle(),
    ) {
        let placed = |plain: &Plain| Plain { start: middle + (plain.start - DateTime::UNIX_EPOCH), ..plain.clone() };
        let primary: Vec<Plain> = primary.iter().map(placed).collect();
        let secondary: Vec<Plain> = secondary.iter().map(placed).collect();
        let list = |rotations: &[Plain]| rotations.iter().map(Plain::text).collect::<Vec<_>>().join(", ");
        let mut said = format!("    rotation: [{}]\n", list(&primary));
        if !secondary.is_empty() {
            said += &format!("    secondary: {}\n", list(&secondary));
        }
        let file = team(&said);
        let mut overrides = overrides(&plans, middle);
        overrides.retain(|kept| kept.layer == Layer::Primary || !secondary.is_empty());
        let (on_call, passed_over) = file.with_overrides(&overrides);
        prop_assert_eq!(passed_over, vec![]);
        let time = (middle - Duration::days(4), middle + Duration::days(4));
        for (layer, rotations) in [(Layer::Primary, &primary), (Layer::Secondary, &secondary)] {
            let minutes = walked(rotations, &overrides, layer, time);
            let shifts: Vec<Watch> = on_call.shifts_in("platform", layer, time.0, time.1).unwrap().collect();
            let gaps = on_call.gaps("platform", layer, time.0, time.1).unwrap();
            if rotations.is_empty() {
                prop_assert!(shifts.is_empty() && gaps.is_empty());
                continue;
            }
            for pair in shifts.windows(2) {
                prop_assert!(pair[0].shift.to <= pair[1].shift.from, "they are in order, and never two at once");
            }
            for (at, who) in &minutes {
                let of = |watch: &&Watch| watch.shift.contains(*at);
                let told = shifts.iter().find(of).map(|watch| watch.member.name.clone());
                prop_assert_eq!(&told, who, "{} at {}", layer, at);
                let is_gap = gaps.iter().any(|gap| gap.contains(*at));
                prop_assert_eq!(is_gap, who.is_none(), "what nobody covers is told as a gap: {}", at);
            }
            // Whoever asks about one instant hears the same, and for how long it holds.
            let ends = shifts.iter().flat_map(|watch| [watch.shift.from, watch.shift.to]);
            let edges = ends.flat_map(|at| [at - Duration::minutes(1), at, at + Duration::minutes(1)]);
            let all = minutes.keys().copied().step_by(311).chain(edges);
            for at in all.filter(|at| minutes.contains_key(at)) {
                let watch = on_call.who_in("platform", layer, at).unwrap();
                prop_assert_eq!(&watch.as_ref().map(|watch| watch.member.name.clone()), &minutes[&at]);
                prop_assert_eq!(watch.as_ref(), shifts.iter().find(|watch| watch.shift.contains(at)));
            }
        }
    }
}

/// The model itself is held to what people know.
#[test]
fn the_model_knows_what_a_clock_shows() {
    let zone: Tz = "Pacific/Apia".parse().unwrap();
    let offset = |at: &str| zone.offset_from_utc_datetime(&utc(at).naive_utc()).fix().local_minus_utc() / 3_600;
    assert_eq!((offset("2011-12-30T09:59:00Z"), offset("2011-12-30T10:00:00Z")), (-10, 14));
    let daily = Plain {
        zone: "UTC",
        start: utc("2026-03-02T00:00:00Z"),
        every: 1,
        times: vec![540],
        members: vec!["alice", "bob"],
        only: Some((1, 540, 1_020)),
    };
    let minutes = walked(&[daily], &[], Layer::Primary, (utc("2026-03-01T00:00:00Z"), utc("2026-03-08T00:00:00Z")));
    let who = |at: &str| minutes[&utc(at)].as_deref();
    assert_eq!(who("2026-03-02T08:59:00Z"), None);
    assert_eq!(who("2026-03-02T09:00:00Z"), Some("alice"));
    assert_eq!(who("2026-03-03T16:59:00Z"), Some("bob"));
    assert_eq!(who("2026-03-03T17:00:00Z"), None);
    assert_eq!(who("2026-03-07T12:00:00Z"), None);
}
