//! How many a playbook wants: what `k8s.scale` and `k8s.hpa_set` are told in the same words.

use crate::action::ActionError;
use crate::action::amounts::{Count, MoreReplicas};
use crate::language::{Arg, Scope};

/// What the playbook wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action::k8s) struct Wish {
    pub amount: Amount,
    pub max: u32,
    pub min: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action::k8s) enum Amount {
    By(MoreReplicas),
    To(u32),
}

/// The arguments by which it is told.
#[derive(Debug, Clone, Copy)]
pub(in crate::action::k8s) struct WishArguments<'a> {
    pub by: Option<&'a Arg<MoreReplicas>>,
    pub to: Option<&'a Arg<Count>>,
    pub max: &'a Arg<Count>,
    pub min: Option<&'a Arg<Count>>,
}

impl WishArguments<'_> {
    /// Whether it is said how many, and once.
    pub fn check_amount(self) -> Result<(), String> {
        match (self.by, self.to) {
            (None, None) => Err("say how many: `by: 50%` or `to: 6`".into()),
            (Some(_), Some(_)) => Err("`by` and `to` are both given; choose one".into()),
            _ => Ok(()),
        }
    }

    pub fn resolve(self, scope: &Scope) -> Result<Wish, ActionError> {
        let amount = match (self.by, self.to) {
            (Some(by), _) => Amount::By(by.resolve(scope)?),
            (None, Some(to)) => Amount::To(to.resolve(scope)?.0),
            (None, None) => return Err(ActionError::fail("neither `by` nor `to` says how many")),
        };
        let max = self.max.resolve(scope)?.0;
        let min = self.min.map(|min| min.resolve(scope)).transpose()?.map(|min| min.0);
        Ok(Wish { amount, max, min })
    }
}
