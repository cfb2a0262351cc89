//! What is wrong with a text that somebody wrote: where, and what to write instead.
//!
//! Playbooks, cases, the configuration, the on-call file, maintenance windows and the command line
//! all say it by [`Diagnostic`]: place, line, remedy, and a [`Code`] that stays the same and can be
//! looked up.

mod code;
mod diagnostic;
mod format;
mod render;
mod source;
mod suggest;
mod yaml;

pub use code::Code;
pub use diagnostic::{Diagnostic, DiagnosticSeverity, Diagnostics, Place};
pub use format::{github, json, sarif};
pub use source::{Location, SourceText};
pub use suggest::{closest, list};
pub use yaml::{Explained, explain};
