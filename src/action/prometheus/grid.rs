//! The points of a stretch of time, and what a number may become.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::action::typed::Typed;
use crate::language::parse_quantity;
use crate::model::HumanDuration;

/// A number or a quantity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level(f64);

impl Level {
    pub fn value(self) -> f64 {
        self.0
    }
}

impl Typed for Level {
    const WORDS: &'static str = "number or quantity";
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let level = parse_quantity(text.trim()).ok().filter(|level| level.is_finite());
        level.map(Self).ok_or_else(|| "this is no number and no quantity; write it as `20` or `120Gi`".to_owned())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// More points say nothing more about a straight line, and are only slow to answer.
const MOST_STEPS: u32 = 500;

/// One point for each minute of an hour.
const USUAL_STEPS: u32 = 60;

/// The time from point to point, and how many of them there are.
///
/// # Errors
/// What of the two is not within its bounds.
pub(super) fn grid(over: HumanDuration, step: Option<HumanDuration>) -> Result<(Duration, u32), String> {
    if !(SHORTEST..=LONGEST).contains(&over.0) {
        let [least, most] = [SHORTEST, LONGEST].map(HumanDuration);
        return Err(format!("`over: {over}` is not from {least} to {most}"));
    }
    let Some(step) = step else {
        let step = Duration::from_secs(over.0.as_secs() / u64::from(USUAL_STEPS));
        return Ok((step, steps(over.0, step)));
    };
    if step.0 < Duration::from_secs(1) || step.0 > over.0 {
        return Err(format!("`step: {step}` is not from 1s to `over`, which is {over}"));
    }
    match steps(over.0, step.0) {
        steps if steps > MOST_STEPS => Err(format!(
            "{over} in steps of {step} are {steps} points, and {MOST_STEPS} is the most; make `step` longer"
        )),
        steps => Ok((step.0, steps)),
    }
}

fn steps(over: Duration, step: Duration) -> u32 {
    u32::try_from(over.as_millis() / step.as_millis().max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str) -> HumanDuration {
        text.parse().unwrap()
    }

    #[test]
    fn the_points_are_as_many_as_the_steps_fit_in() {
        let of = |over: &str, step: Option<&str>| {
            grid(hours(over), step.map(hours)).map(|(step, steps)| (HumanDuration(step).to_string(), steps))
        };
        assert_eq!(of("6h", None), Ok(("6m".into(), 60)));
        assert_eq!(of("1m", None), Ok(("1s".into(), 60)));
        assert_eq!(of("90s", None), Ok(("1s".into(), 90)));
        assert_eq!(of("1h", Some("7m")), Ok(("7m".into(), 8)));
        for (over, step, told) in [
            ("59s", None, "`over: 59s` is not from 1m to 31d"),
            ("32d", None, "`over: 32d` is not"),
            ("1h", Some("500ms"), "is not from 1s to `over`, which is 1h"),
            ("1h", Some("2h"), "`step: 2h` is not from 1s"),
            ("1d", Some("1m"), "1d in steps of 1m are 1440 points, and 500 is the most; make `step` longer"),
        ] {
            let error = of(over, step).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_level_is_a_number_or_a_quantity() {
        assert_eq!("10Gi".parse(), Ok(Level(10_737_418_240.0)));
        assert_eq!(" 0.85".parse(), Ok(Level(0.85)));
        assert!("full".parse::<Level>().is_err() && "NaN".parse::<Level>().is_err());
    }
}
