//! Answers by a script: what stands in for a service in a rehearsal says what was said beforehand.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Rules, each with answers that come one after the other. `K` says what a rule is about.
#[derive(Debug)]
pub struct Script<K, A> {
    rules: Mutex<Vec<Rule<K, A>>>,
    asked: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Rule<K, A> {
    about: K,
    answers: Vec<A>,
    next: usize,
}

impl<K, A> Default for Script<K, A> {
    fn default() -> Self {
        Self { rules: Mutex::default(), asked: Mutex::default() }
    }
}

impl<K, A: Clone> Script<K, A> {
    /// What is asked about that is answered with these, one after the other, and then with the last
    /// one. Earlier rules come first.
    pub fn add(&self, about: K, answers: Vec<A>) {
        lock(&self.rules).push(Rule { about, answers, next: 0 });
    }

    /// Notes what is asked, and gives the next answer of the first rule that is about it; `None`: no
    /// rule is.
    pub fn answer(&self, asked: String, is_about: impl Fn(&K) -> bool) -> Option<A> {
        lock(&self.asked).push(asked);
        let mut rules = lock(&self.rules);
        let Rule { answers, next, .. } = rules.iter_mut().find(|rule| is_about(&rule.about))?;
        let answer = answers.get(*next).or(answers.last())?.clone();
        *next += 1;
        Some(answer)
    }

    /// All that was asked, in order.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }
}

/// What is behind these locks stays sound even if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_turn_and_the_last_one_stays() {
        let script: Script<&str, u32> = Script::default();
        script.add("disk", vec![1, 2]);
        script.add("", vec![9]);
        script.add("never", vec![]);
        let asks = |what: &str| script.answer(what.to_owned(), |about| what.contains(about));
        assert_eq!([asks("disk of a"), asks("slots"), asks("disk of b"), asks("disk")], [1, 9, 2, 2].map(Some));
        assert_eq!(script.answer("x".into(), |about| *about == "never"), None, "it has no answer");
        assert_eq!(script.answer("x".into(), |_| false), None, "nothing is about it");
        assert_eq!(script.asked(), ["disk of a", "slots", "disk of b", "disk", "x", "x"]);
    }
}
