//! What comes back as time passes.

use std::time::Duration;

/// Full at first, and filled again as time passes.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    left: f64,
    at: Duration,
}

impl Bucket {
    /// With `most` in it. `now` is monotonic.
    pub fn full(most: f64, now: Duration) -> Self {
        Self { left: most, at: now }
    }

    /// When somebody last took or asked for one.
    pub fn asked_at(&self) -> Duration {
        self.at
    }

    /// Takes one out; else how long it takes until there is one. One comes back in each `every`, up
    /// to `most`.
    pub fn take(&mut self, (most, every): (f64, Duration), now: Duration) -> Result<(), Duration> {
        let passed = now.saturating_sub(self.at);
        self.left = (self.left + passed.as_secs_f64() / every.as_secs_f64()).min(most);
        self.at = now;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(every.mul_f64(1.0 - self.left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_says_how_long_it_takes() {
        let each = (2.0, Duration::from_secs(4));
        let mut bucket = Bucket::full(2.0, Duration::ZERO);
        let mut takes = |seconds| bucket.take(each, Duration::from_secs(seconds));
        assert_eq!((takes(0), takes(0)), (Ok(()), Ok(())));
        assert_eq!(takes(1), Err(Duration::from_secs(3)));
        assert_eq!((takes(4), takes(1_000), takes(1_000)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(takes(1_000), Err(Duration::from_secs(4)));
    }
}
