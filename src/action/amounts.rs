//! Numbers as playbooks write them in arguments.

mod counts;
mod quantities;

pub use counts::{Count, Flag, MoreReplicas, Most};
pub use quantities::{Amount, MoreOf, MoreResource, MoreStorage, Resource, Size, Unit};

/// A text that is not the number that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {wanted}")]
pub struct AmountError {
    text: String,
    wanted: &'static str,
}

fn no(text: &str, wanted: &'static str) -> AmountError {
    AmountError { text: text.chars().take(40).collect(), wanted }
}

/// A share that is added: `50%`, from 1 to 1000.
fn percent(text: &str) -> Option<u32> {
    text.trim().strip_suffix('%')?.trim().parse().ok().filter(|percent| (1..=1000).contains(percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_amount_says_how_to_write_one() {
        for wrong in ["", "0%", "-50%", "50 percent", "1.5", "0", "1001%", "half"] {
            let error = wrong.parse::<MoreReplicas>().unwrap_err().to_string();
            assert!(error.ends_with("is no number of replicas to add; write `50%` or `2`"), "{error}");
        }
        for wrong in ["", "0%", "-10Gi", "0", "10gi"] {
            assert!(wrong.parse::<MoreStorage>().is_err(), "{wrong}");
        }
        for wrong in ["-1", "1.5", "100001", "no"] {
            assert!(wrong.parse::<Count>().is_err(), "{wrong}");
        }
        assert!("0".parse::<Size>().is_err() && "-1Gi".parse::<Size>().is_err() && "500Gi".parse::<Size>().is_ok());
    }
}
