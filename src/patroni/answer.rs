//! What Patroni's REST API answers, as Patroni 1.6 to 4 writes it.

use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Member, Members, Settings, Status, Switch};

/// `GET /cluster`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn members(body: &[u8]) -> Result<Members, String> {
    #[derive(Deserialize)]
    struct Wire {
        members: Vec<WireMember>,
        #[serde(default)]
        pause: bool,
    }
    #[derive(Deserialize)]
    struct WireMember {
        name: String,
        role: String,
        #[serde(default)]
        state: String,
        timeline: Option<u64>,
        /// A number, or `unknown`.
        #[serde(default)]
        lag: Value,
        host: Option<String>,
        #[serde(default)]
        tags: Map<String, Value>,
    }
    let Wire { members, pause } = read(body)?;
    let member = |wire: WireMember| Member {
        lag: wire.lag.as_u64(),
        name: wire.name,
        role: wire.role,
        state: wire.state,
        timeline: wire.timeline,
        host: wire.host,
        follows_another: ["replicatefrom", "nostream"].iter().any(|tag| wire.tags.get(*tag).is_some_and(is_set)),
        never_leads: never_leads(&wire.tags),
    };
    Ok(Members { members: members.into_iter().map(member).collect(), paused: pause })
}

/// `GET /patroni`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn status(body: &[u8]) -> Result<Status, String> {
    #[derive(Deserialize)]
    struct Wire {
        state: String,
        role: String,
        timeline: Option<u64>,
        postmaster_start_time: Option<String>,
        #[serde(default)]
        xlog: Xlog,
        #[serde(default)]
        replication: Vec<Follower>,
        database_system_identifier: Option<String>,
        #[serde(default)]
        pending_restart: bool,
        patroni: Own,
    }
    #[derive(Default, Deserialize)]
    struct Xlog {
        location: Option<u64>,
        received_location: Option<u64>,
        replayed_location: Option<u64>,
        #[serde(default)]
        paused: bool,
    }
    #[derive(Deserialize)]
    struct Follower {
        application_name: Option<String>,
        state: Option<String>,
    }
    #[derive(Deserialize)]
    struct Own {
        #[serde(default)]
        scope: String,
    }
    let wire: Wire = read(body)?;
    let streams = |follower: Follower| {
        let streams = follower.state.is_some_and(|state| state == "streaming");
        follower.application_name.filter(|_| streams)
    };
    let positions = [wire.xlog.location, wire.xlog.received_location, wire.xlog.replayed_location];
    Ok(Status {
        scope: wire.patroni.scope,
        state: wire.state,
        role: wire.role,
        timeline: wire.timeline,
        position: positions.into_iter().flatten().max(),
        started: wire.postmaster_start_time,
        streams_to: wire.replication.into_iter().filter_map(streams).collect(),
        replay_paused: wire.xlog.paused,
        system: wire.database_system_identifier,
        pending_restart: wire.pending_restart,
    })
}

/// `GET /history`: a list of lists that begin with the timeline, the position and the reason. Since
/// Patroni 2, a line goes on with the time and who led then.
///
/// # Errors
/// What is wrong with it.
pub(super) fn history(body: &[u8]) -> Result<Vec<Switch>, String> {
    let lines: Vec<Value> = read(body)?;
    lines.iter().map(|line| switch(line).ok_or_else(|| "a line of its history has no position".into())).collect()
}

/// A line of the history.
pub(super) fn switch(line: &Value) -> Option<Switch> {
    let text = |n: usize| line.get(n).and_then(Value::as_str);
    Some(Switch {
        timeline: line.get(0)?.as_u64()?,
        position: line.get(1)?.as_u64()?,
        reason: text(2).unwrap_or_default().to_owned(),
        at: text(3).and_then(|at| DateTime::parse_from_rfc3339(at).ok()).map(|at| at.to_utc()),
        leader: text(4).map(str::to_owned),
    })
}

/// `GET /config`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn settings(body: &[u8]) -> Result<Settings, String> {
    read::<Value>(body).and_then(|config| settings_of(&config).ok_or_else(|| "its configuration is no mapping".into()))
}

/// What is looked at of the configuration that all members share.
pub(super) fn settings_of(config: &Value) -> Option<Settings> {
    let config = config.as_object()?;
    // `on`, `quorum` and `true` are all there are beside those that mean no.
    let is_on = |name: &str| config.get(name).is_some_and(|value| is_set(value) && *value != "off");
    let is_standby = config.get("standby_cluster").is_some_and(|of| of.as_object().is_some_and(|of| !of.is_empty()));
    Some(Settings { paused: is_on("pause"), synchronous: is_on("synchronous_mode"), is_standby })
}

/// Whether the tags say that the member is not to lead.
pub(super) fn never_leads(tags: &Map<String, Value>) -> bool {
    tags.get("nofailover").is_some_and(is_set)
        || tags.get("failover_priority").and_then(Value::as_i64).is_some_and(|priority| priority <= 0)
}

/// Tags are written by people: `false`, `"false"` and an empty name are none.
fn is_set(tag: &Value) -> bool {
    match tag {
        Value::Bool(set) => *set,
        Value::String(text) => !text.is_empty() && !text.eq_ignore_ascii_case("false"),
        Value::Null => false,
        _ => true,
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Patroni 3.0.2 has answered.
    const CLUSTER: &str = r#"{"members": [
        {"name": "shop-0", "role": "leader", "state": "running", "api_url": "http://10.0.0.2:8008/patroni", "host": "10.0.0.2", "port": 5432, "timeline": 1},
        {"name": "shop-1", "role": "replica", "state": "stopping", "api_url": "http://10.0.0.3:8008/patroni", "host": "10.0.0.3", "port": 5432, "lag": "unknown"},
        {"name": "shop-2", "role": "replica", "state": "running", "api_url": "http://10.0.0.4:8008/patroni", "host": "10.0.0.4", "port": 5432, "timeline": 1, "lag": 4096}]}"#;

    #[test]
    fn members_are_read_and_an_unknown_lag_is_none() {
        let found = members(CLUSTER.as_bytes()).unwrap();
        assert_eq!(found.leader().unwrap().name, "shop-0");
        assert_eq!((found.members[1].lag, found.members[2].lag, found.paused), (None, Some(4096), false));
        let paused = members(br#"{"members": [], "pause": true}"#).unwrap();
        assert!(paused.paused && paused.leader().is_none());
    }

    #[test]
    fn a_member_tells_how_far_it_is_and_who_streams_from_it() {
        let leader = status(
            br#"{"state": "running", "postmaster_start_time": "2026-11-30 04:05:57.106986+00:00", "role": "master", "server_version": 150020,
                "xlog": {"location": 50331744}, "timeline": 1, "replication": [{"usename": "standby", "application_name": "shop-1",
                "client_addr": "127.0.0.1", "state": "streaming", "sync_state": "async", "sync_priority": 0},
                {"usename": "standby", "application_name": "pg_basebackup", "state": "backup"}],
                "dcs_last_seen": 1796011581, "patroni": {"version": "3.0.2", "scope": "shop"}}"#,
        )
        .unwrap();
        assert_eq!(
            (leader.position, leader.streams_to, leader.scope.as_str()),
            (Some(50_331_744), vec!["shop-1".into()], "shop")
        );
        let replica = status(
            br#"{"state": "running", "role": "replica", "timeline": 1, "patroni": {"version": "3.0.2", "scope": "shop"},
                "xlog": {"received_location": 300, "replayed_location": 200, "replayed_timestamp": null, "paused": false}}"#,
        )
        .unwrap();
        assert_eq!(replica.position, Some(300));
        let new = br#"{"state": "creating replica", "role": "uninitialized", "patroni": {"version": "3.0.2", "scope": "shop"}}"#;
        assert!(status(new).unwrap().is_being_made());
    }

    #[test]
    fn the_history_has_the_end_of_each_timeline() {
        let told = br#"[[1, 25623960, "no recovery target specified", "2026-11-29T10:00:00+00:00", "shop-1"], [2, 25624344, "no recovery target specified"]]"#;
        let [first, second] = history(told).unwrap().try_into().unwrap();
        assert_eq!(
            (first.timeline, first.position, first.reason.as_str()),
            (1, 25_623_960, "no recovery target specified")
        );
        assert_eq!(first.at.unwrap().to_rfc3339(), "2026-11-29T10:00:00+00:00");
        assert_eq!(
            (first.leader.as_deref(), second.timeline, second.at, second.leader),
            (Some("shop-1"), 2, None, None)
        );
        assert_eq!(history(b"[]").unwrap(), []);
        assert!(history(br#"[["x"]]"#).is_err() && history(b"<html>").is_err());
    }

    #[test]
    fn settings_are_those_that_are_on() {
        let read = |text: &str| settings(text.as_bytes()).unwrap();
        assert_eq!(read(r#"{"ttl": 30, "loop_wait": 10, "pause": null, "standby_cluster": {}}"#), Settings::default());
        assert_eq!(
            read(r#"{"pause": true, "synchronous_mode": "off"}"#),
            Settings { paused: true, ..Settings::default() }
        );
        let quorum = read(r#"{"pause": false, "synchronous_mode": "quorum", "standby_cluster": {"host": "10.0.0.1"}}"#);
        assert_eq!(quorum, Settings { paused: false, synchronous: true, is_standby: true });
        assert!(settings(b"[]").is_err() && settings(b"<html>").is_err());
    }

    #[test]
    fn tags_say_who_is_not_to_lead() {
        let told = |tags: &str| never_leads(&serde_json::from_str(tags).unwrap());
        assert!(!told(r#"{"nofailover": false, "failover_priority": 2}"#) && !told("{}"));
        assert!(told(r#"{"nofailover": true}"#) && told(r#"{"failover_priority": 0}"#));
    }
}
