//! The two formats in which Prometheus reads metrics, and which of them somebody asks for.
//!
//! OpenMetrics 1.0: <https://prometheus.io/docs/specs/om/open_metrics_spec/>; the text format
//! 0.0.4, which is what everything else reads:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::borrow::Cow;

/// How the metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Text,
    OpenMetrics,
}

impl Format {
    /// What an `Accept` header asks for: OpenMetrics only where it is named, and not liked less
    /// than text.
    pub fn accepted(accept: &str) -> Self {
        let (mut open_metrics, mut text): (f32, f32) = (0.0, 0.0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
            let parameter = |wanted: &str| {
                let found = parameters.iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
                found.map(|(_, value)| value.trim().trim_matches('"'))
            };
            let quality = parameter("q").map_or(1.0, |q| q.parse().unwrap_or(0.0));
            match name.as_str() {
                // Version 0.0.1 is what 1.0.0 was called before.
                "application/openmetrics-text"
                    if parameter("version").is_none_or(|version| matches!(version, "1.0.0" | "0.0.1")) =>
                {
                    open_metrics = open_metrics.max(quality);
                }
                "text/plain" | "text/*" | "*/*" => text = text.max(quality),
                _ => {}
            }
        }
        if open_metrics > 0.0 && open_metrics >= text { Self::OpenMetrics } else { Self::Text }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What stands in OpenMetrics, in this format.
    pub fn write(self, open_metrics: String) -> String {
        match self {
            Format::Text => text(&open_metrics),
            Format::OpenMetrics => open_metrics,
        }
    }
}

/// The samples are the same in both. OpenMetrics names the family of a counter without `_total`,
/// and has types of its own.
fn text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len() + 256);
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(comment) = line.strip_prefix("# ") else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        // `# EOF` and `# UNIT` are only in OpenMetrics, and a type without a help is written where
        // it stands.
        let (help, kind) = match comment.split_once(' ') {
            Some(("HELP", help)) => (Some(help), lines.next_if(|next| next.starts_with("# TYPE "))),
            Some(("TYPE", _)) => (None, Some(line)),
            _ => continue,
        };
        let kind = kind.and_then(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let family = kind.map(|(name, _)| name).or_else(|| help?.split(' ').next()).unwrap_or_default();
        let (suffix, kind) = match kind.map_or("unknown", |(_, kind)| kind) {
            "counter" => ("_total", "counter"),
            "info" => ("_info", "gauge"),
            "unknown" => ("", "untyped"),
            kind => ("", kind),
        };
        let name: Cow<str> =
            if family.ends_with(suffix) { Cow::Borrowed(family) } else { Cow::Owned(format!("{family}{suffix}")) };
        if let Some(help) = help.and_then(|help| help.split_once(' ')).map(|(_, help)| help) {
            text.push_str(&format!("# HELP {name} {help}\n"));
        }
        text.push_str(&format!("# TYPE {name} {kind}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_is_for_who_asks_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format) in [
            (prometheus, Format::OpenMetrics),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("Application/OpenMetrics-Text; version=\"1.0.0\"; charset=utf-8", Format::OpenMetrics),
            ("application/openmetrics-text;version=7.0.0", Format::Text),
            ("application/openmetrics-text;q=0.1, text/plain;q=0.9", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=much", Format::Text),
            ("text/plain;version=0.0.4;q=1,*/*;q=0.1", Format::Text),
            ("*/*", Format::Text),
            ("", Format::Text),
            (";;,=,q", Format::Text),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }

    #[test]
    fn the_text_format_has_its_own_names_and_types() {
        let open_metrics = "# HELP d_build The version.\n# TYPE d_build info\nd_build_info{version=\"1\"} 1\n\
                            # HELP d_alerts Alerts, by status.\n# TYPE d_alerts counter\nd_alerts_total{status=\"# EOF\"} 3\n\
                            # HELP d_accept_seconds Time.\n# TYPE d_accept_seconds histogram\n# UNIT d_accept_seconds seconds\n\
                            d_accept_seconds_sum 0.5\n# TYPE d_odd unknown\nd_odd 1\n# EOF\n";
        insta::assert_snapshot!(text(open_metrics), @r##"
        # HELP d_build_info The version.
        # TYPE d_build_info gauge
        d_build_info{version="1"} 1
        # HELP d_alerts_total Alerts, by status.
        # TYPE d_alerts_total counter
        d_alerts_total{status="# EOF"} 3
        # HELP d_accept_seconds Time.
        # TYPE d_accept_seconds histogram
        d_accept_seconds_sum 0.5
        # TYPE d_odd untyped
        d_odd 1
        "##);
    }
}
