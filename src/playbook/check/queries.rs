//! Queries: whether Prometheus would take them.

use super::Checker;
use crate::action::Describe;
use crate::diagnostics::Code;
use crate::language::AnyArg;
use crate::prometheus::parse_promql;

/// The query of an action, if it asks one. What another server than Prometheus may take is a warning.
pub(super) fn check(checker: &mut Checker<'_>, action: &dyn Describe) {
    let Some((_, at)) = action.query() else { return };
    let args = action.args();
    // As it was written, with its holes.
    let written = args.iter().filter_map(|(_, arg)| AnyArg::text(*arg)).find(|(_, place)| *place == at);
    let Some((text, at)) = written else { return };
    let source = *checker.source;
    match parse_promql(text) {
        Ok(query) => {
            for unknown in query.unknown {
                let message = format!("Prometheus has no function `{}`", unknown.name);
                let remedy = unknown.meant.map(|meant| format!("write `{meant}`, unless another server answers"));
                let at = source.inside(at, text, unknown.offset);
                checker.warning(Code::UnknownFunction, at, message, remedy);
            }
        }
        Err(wrong) => {
            let at = source.inside(at, text, wrong.offset);
            let remedy = Some(wrong.remedy).filter(|remedy| !remedy.is_empty());
            if wrong.is_metricsql {
                checker.warning(Code::InvalidQuery, at, wrong.message, remedy);
            } else {
                checker.rule(Code::InvalidQuery, at, wrong.message, remedy);
            }
        }
    }
}
