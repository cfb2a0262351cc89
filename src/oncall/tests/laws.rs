//! What holds for every rotation, in every zone, at every time.

use chrono::Duration;
use proptest::prelude::*;

use super::*;
use crate::oncall::TurnSource;

/// North and south, half an hour, three quarters of an hour, none at all, at midnight, and for a month of the moon.
pub(super) const ZONES: [&str; 6] = [
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "America/Santiago",
];

const MEMBERS: [&str; 5] = ["alice", "bob", "carol", "dan", "eve"];

/// Any rotation.
fn any_rotation() -> impl Strategy<Value = OnCall> {
    let zone = proptest::sample::select(ZONES.as_slice());
    let start = (2016..2032i32, 1..=12u32, 1..=28u32).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02}"));
    (zone, start, any_handoff(), 1..=MEMBERS.len())
        .prop_map(|(zone, start, handoff, members)| rotation(zone, &start, &handoff, &MEMBERS[..members]))
}

/// Every some days, or several times a day; often in the hours in which clocks change. Several times are an hour and a
/// half apart, so that no jump of these zones swallows two.
fn any_handoff() -> impl Strategy<Value = String> {
    let minute = prop_oneof![0..1440u32, 0..240u32, Just(0), Just(1410)];
    let one = (minute, prop_oneof!["[1-9]d", "[1-4]w"])
        .prop_map(|(minute, every)| format!(r#"{{ at: "{:02}:{:02}", every: {every} }}"#, minute / 60, minute % 60));
    let several =
        (proptest::sample::subsequence((0..16).collect::<Vec<u32>>(), 1..=5), 0..90u32).prop_map(|(slots, offset)| {
            let minutes = slots.iter().map(|slot| slot * 90 + offset);
            let times: Vec<_> = minutes.map(|m| format!(r#""{:02}:{:02}""#, m / 60, m % 60)).collect();
            format!("{{ at: [{}], every: 1d }}", times.join(", "))
        });
    prop_oneof![one, several]
}

/// Any second of the forty years around the rotations' starts.
fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    (0..40 * 365 * 86_400i64).prop_map(|seconds| utc("2010-01-01T00:00:00Z") + Duration::seconds(seconds))
}

proptest! {
    #[test]
    fn shifts_tile_time_without_gap_or_overlap(on_call in any_rotation(), from in any_instant()) {
        let to = from + Duration::days(370);
        let shifts: Vec<_> = on_call.shifts_between("platform", from, to).unwrap().collect();
        for pair in shifts.windows(2) {
            prop_assert_eq!(pair[0].shift.to, pair[1].shift.from);
        }
        for watch in &shifts {
            prop_assert!(watch.shift.from < watch.shift.to);
        }
        // All of the range is covered, from the start of the rotation on.
        let start = on_call.next_handoff("platform", utc("2000-01-01T00:00:00Z")).unwrap();
        if start < to {
            let (first, last) = (shifts.first().unwrap().shift, shifts.last().unwrap().shift);
            prop_assert!(first.contains(from.max(start)) && last.from < to && to <= last.to);
        } else {
            prop_assert!(shifts.is_empty());
        }
    }

    #[test]
    fn whoever_is_on_call_is_in_exactly_one_shift(on_call in any_rotation(), at in any_instant()) {
        let (from, to) = (at - Duration::days(70), at + Duration::days(70));
        let shifts = on_call.shifts_between("platform", from, to).unwrap();
        let theirs: Vec<_> = shifts.filter(|watch| watch.shift.contains(at)).collect();
        prop_assert_eq!(theirs, Vec::from_iter(on_call.watch(at)));
    }

    #[test]
    fn a_handoff_is_the_end_of_one_shift_and_the_beginning_of_the_next(on_call in any_rotation(), at in any_instant()) {
        let next = on_call.next_handoff("platform", at).unwrap();
        prop_assert!(next > at);
        prop_assert_eq!(on_call.watch(next).unwrap().shift.from, next);
        if let Some(watch) = on_call.watch(at) {
            prop_assert_eq!(watch.shift.to, next);
            prop_assert_eq!(on_call.watch(watch.shift.from), Some(watch.clone()));
            let last_second = next - Duration::seconds(1);
            prop_assert_eq!(on_call.watch(last_second), Some(watch));
        }
    }

    #[test]
    fn members_take_turns_in_the_order_of_the_list(on_call in any_rotation(), from in any_instant()) {
        let members = on_call.team("platform").unwrap().rotation.members();
        let turn = |watch: &Watch| members.iter().position(|member| *member == watch.member).unwrap();
        let to = from + Duration::days(370);
        let shifts: Vec<_> = on_call.shifts_between("platform", from, to).unwrap().collect();
        for pair in shifts.windows(2) {
            prop_assert_eq!((turn(&pair[0]) + 1) % members.len(), turn(&pair[1]));
        }
        let start = on_call.next_handoff("platform", utc("2000-01-01T00:00:00Z")).unwrap();
        prop_assert_eq!(turn(&on_call.watch(start).unwrap()), 0);
    }

    #[test]
    fn handoffs_stay_at_their_time_of_day_on_days_that_have_it(on_call in any_rotation(), at in any_instant()) {
        use chrono::Timelike as _;
        let rotation = &on_call.team("platform").unwrap().rotation;
        let [TurnSource::Turns(turns)] = rotation.rotations() else { panic!() };
        let handoff = on_call.next_handoff("platform", at).unwrap();
        let local = handoff.with_timezone(&rotation.time_zone()).time();
        // Where the clocks jumped over it, they show an hour more at most.
        let late = |time: &chrono::NaiveTime| (local - *time).num_minutes();
        let earlier = handoff - Duration::minutes(1);
        let earlier = earlier.with_timezone(&rotation.time_zone()).time();
        let jumped = (local.num_seconds_from_midnight() + 86_400 - earlier.num_seconds_from_midnight()) % 86_400 != 60;
        prop_assert!(turns.times.iter().any(|time| late(time) == 0 || jumped && (0..=60).contains(&late(time))));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any_damage()) {
        if let Err(error) = OnCall::parse("oncall.yaml", &text) {
            let shown = error.to_string();
            prop_assert!(shown.contains("oncall.yaml") && error.0.iter().all(|wrong| wrong.remedy.is_some()), "{shown}");
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        }
    }
}

/// The example, with some of its text put in another place or replaced.
fn any_damage() -> impl Strategy<Value = String> {
    let example: Vec<char> = include_str!("../../../deploy/oncall.yaml").chars().collect();
    let spot = 0..example.len();
    (spot, 0..40usize, prop_oneof![".{0,20}", "[-:\\[\\]{}&*!|>'\"%@,?# \n\t\u{1b}]{0,6}", "\\PC{0,200}"]).prop_map(
        move |(at, length, instead)| {
            let end = (at + length).min(example.len());
            example[..at].iter().copied().chain(instead.chars()).chain(example[end..].iter().copied()).collect()
        },
    )
}
