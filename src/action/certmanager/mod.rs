//! Actions on certificates that cert-manager keeps.

pub(super) mod renew;
