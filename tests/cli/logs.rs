//! What the server says of itself, at whatever level.

use std::fs;

use serde_json::Value;

use super::serve::until;
use super::serving::{self, CONFIG, Serving, delivery, firing};

fn talkative(level: &str) -> Serving {
    let folder = serving::folder();
    let config = CONFIG.replace("log: { format: json }", &format!("log: {{ format: json, level: \"{level}\" }}"));
    assert_ne!(config, CONFIG);
    fs::write(folder.path().join("dogwatch.yaml"), config).unwrap();
    Serving::start_in(folder, &[("RUST_LOG", "trace")])
}

/// Some of them print all that they are given: handlebars a template's data, HTTP clients their
/// headers.
#[test]
fn libraries_say_nothing_below_info() {
    for level in ["debug", "trace", "trace,hyper=trace,handlebars=debug"] {
        let server = talkative(level);
        let mut alert = firing("OddThing");
        alert["labels"]["dsn"] = "postgres://app:Leak7@db/x".into();
        alert["annotations"]["summary"] = "the password is Leak7x".into();
        assert_eq!(server.deliver(&delivery("{}:{}", &[alert])), 200);
        until(|| server.ask("eve", &["incidents"]).out.contains("OddThing"));
        let listed = server.ask("eve", &["why", "INC-1"]).out;
        assert!(listed.contains("***") && !listed.contains("Leak7"), "{listed}");
        let (_, metrics) = server.get("/metrics");
        assert!(!metrics.contains("Leak7"), "{metrics}");
        let log = server.log();
        let console = server.stop();
        assert!(console.contains("PAGE") && !console.contains("Leak7"), "{console}");
        assert!(!log.contains("Leak7") && !log.contains("is-long-enough"), "{log}");
        let mut said = 0;
        for line in log.lines() {
            let entry: Value = serde_json::from_str(line).unwrap();
            let below = matches!(entry["level"].as_str(), Some("DEBUG" | "TRACE"));
            let target = entry["target"].as_str().unwrap_or_default();
            assert!(!below || target.starts_with("dogwatch"), "{level}: {line}");
            said += 1;
        }
        assert!(said > 0, "it says where it listens, at least");
    }
}
