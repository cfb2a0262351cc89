use serde_json::{Value, json};

use super::*;
use crate::model::SignalBody;

const TRAPS: &str = "
alerts: body.events
name: event.title
status: \"event.state == 'ok' ? 'resolved' : 'firing'\"
labels: { instance: event.host, severity: event.?level.orValue('warning'), site: body.site, port: event.?port.orValue('') }
annotations: { summary: event.text }
";

fn mapping(yaml: &str) -> Mapping {
    Mapping::compile(&serde_saphyr::from_str(yaml).unwrap()).unwrap()
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000 + second, 0).unwrap()
}

fn parse_at(map: &str, second: i64, body: &Value) -> Result<Delivered, NotificationError> {
    parse_events(&mapping(map), "snmp".into(), at(second), body.to_string().as_bytes())
}

fn read(map: &str, body: &Value) -> Notification {
    let pieces = parse_at(map, 0, body).unwrap().parts.into_iter().flat_map(|part| part.pieces);
    let mut read = pieces.map(|piece| match serde_json::from_str(&piece).unwrap() {
        SignalBody::Notification(notification) => notification,
        other => panic!("{other:?}"),
    });
    let mut whole: Notification = read.next().unwrap();
    read.for_each(|piece| whole.alerts.extend(piece.alerts));
    whole
}

fn keys(map: &str, second: i64, body: &Value) -> Vec<String> {
    parse_at(map, second, body).unwrap().parts.into_iter().map(|part| part.key).collect()
}

fn trap(host: &str) -> Value {
    json!({ "title": "LinkDown", "state": "down", "host": host, "text": "eth0 is down", "level": "minor", "port": 7 })
}

#[test]
fn an_event_becomes_an_alert() {
    let mut other = trap("sw-2");
    other["state"] = json!("ok");
    other.as_object_mut().unwrap().remove("port");
    other.as_object_mut().unwrap().remove("level");
    let read = read(TRAPS, &json!({ "site": "fra", "events": [trap("sw-1"), other] }));
    let [down, up] = read.alerts.try_into().unwrap();
    assert_eq!((down.name(), down.status, up.status), ("LinkDown", AlertStatus::Firing, AlertStatus::Resolved));
    let labels = |alert: &Alert| serde_json::to_value(&alert.labels).unwrap();
    let wanted =
        json!({ "alertname": "LinkDown", "instance": "sw-1", "severity": "minor", "site": "fra", "port": "7" });
    assert_eq!(labels(&down), wanted);
    let wanted = json!({ "alertname": "LinkDown", "instance": "sw-2", "severity": "warning", "site": "fra" });
    assert_eq!(labels(&up), wanted, "an empty label is none");
    assert_eq!(down.annotations["summary"], "eth0 is down");
    assert_eq!((down.starts_at, down.in_order, down.ends_at), (at(0), true, None));
}

#[test]
fn an_event_that_cannot_be_mapped_does_not_take_the_others_with_it() {
    let mut all: Vec<Value> = (0..5).map(|n| trap(&format!("sw-{n}"))).collect();
    all[0].as_object_mut().unwrap().remove("host");
    all[1]["title"] = json!(null);
    all[2]["text"] = json!({ "password": "hunter2" });
    all[4] = json!("no event");
    let read = read(TRAPS, &json!({ "site": "fra", "events": all }));
    assert_eq!((read.alerts.len(), read.left_out.damaged), (1, 4));
    insta::assert_snapshot!(read.left_out.damage.join("\n"), @r"
    events[0].labels.instance: `event.host` is not there (`event` has `level`, `port`, `state`, `text` and `title`); write `event.?host.orValue(...)` if it may be absent
    events[1].name: `event.title` is null (`event` has `host`, `level`, `port`, `state`, `text` and `title`); write `event.?title.orValue(...)` if it may be absent
    events[2].annotations.summary: it gives an object, not a text
    events[4].name: `event.title` is not there; write `event.?title.orValue(...)` if it may be absent
    ");
    let none = parse_at(TRAPS, 0, &json!({ "site": "fra", "events": [{}, {}] })).unwrap_err().to_string();
    assert!(none.starts_with("events[0].name: `event.title` is not there"), "{none}");
    for (body, says) in [
        (json!({ "site": "fra" }), "alerts: `body.events` is not there"),
        (json!({ "events": 7 }), "alerts: they are no list, and no object"),
    ] {
        let error = parse_at(TRAPS, 0, &body).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
    let error = parse_events(&mapping(TRAPS), "snmp".into(), at(0), b"{\"events\":[").unwrap_err().to_string();
    assert!(error.starts_with("line 1 column 11: EOF"), "{error}");
    assert!(parse_at(TRAPS, 0, &json!({ "events": [] })).unwrap().alerts == 0, "nothing happens, and nothing is wrong");
}

#[test]
fn a_body_is_one_event_or_a_list_of_them_unless_the_map_says_more() {
    let map = "name: event.n";
    for (body, names) in [(json!({ "n": "A" }), vec!["A"]), (json!([{ "n": "A" }, { "n": "B" }]), vec!["A", "B"])] {
        let read = read(map, &body);
        assert_eq!(read.alerts.iter().map(Alert::name).collect::<Vec<_>>(), names);
    }
    let map = "{ alerts: 'body.all.filter(one, one.n != 1)', name: \"'Number ' + string(event.n)\" }";
    let read = read(map, &json!({ "all": [{ "n": 1 }, { "n": 2 }] }));
    assert_eq!(read.alerts.iter().map(Alert::name).collect::<Vec<_>>(), ["Number 2"]);
}

#[test]
fn what_a_status_may_be() {
    let status = |value: Value| {
        let read = parse_at("{ name: \"'A'\", status: event.s }", 0, &json!({ "s": value }));
        read.map(|read| read.firing == 1).map_err(|error| error.what)
    };
    for over in ["ok", "Resolved", "CLOSED", " clear "] {
        assert_eq!(status(json!(over)), Ok(false), "{over}");
    }
    for fires in ["firing", "problem", "CRITICAL", "a word that nobody knows", ""] {
        assert_eq!(status(json!(fires)), Ok(true), "{fires}");
    }
    for odd in [json!(true), json!(0), json!(["ok"])] {
        assert!(status(odd).unwrap_err().contains("no word"));
    }
}

#[test]
fn what_a_start_may_be() {
    let start = |value: Value| {
        let body = json!({ "at": value });
        match parse_at("{ name: \"'A'\", starts_at: event.at }", 0, &body) {
            Ok(_) => {
                let [alert] = read("{ name: \"'A'\", starts_at: event.at }", &body).alerts.try_into().unwrap();
                Ok((!alert.in_order).then_some(alert.starts_at.to_rfc3339()))
            }
            Err(error) => Err(error.what),
        }
    };
    let wanted = Ok(Some("2025-03-01T02:00:00+00:00".to_owned()));
    for told in [
        json!("2025-03-01T03:00:00+01:00"),
        json!(1_740_794_400),
        json!(1_740_794_400_000_i64),
        json!("1740794400"),
        json!(1_740_794_400.0),
    ] {
        assert_eq!(start(told.clone()), wanted, "{told}");
    }
    for unknown in [json!(""), json!(0), json!("0")] {
        assert_eq!(start(unknown), Ok(None), "when it came in");
    }
    for odd in [json!("yesterday"), json!(1e300), json!(-1e18), json!("nan"), json!(true), json!({})] {
        assert!(start(odd.clone()).unwrap_err().contains("no time"), "{odd}");
    }
}

#[test]
fn the_same_again_is_the_same_whenever_it_comes_in() {
    let body = json!({ "site": "fra", "events": [trap("sw-1")] });
    assert_eq!(keys(TRAPS, 0, &body), keys(TRAPS, 60, &body));
    let mut over = body.clone();
    over["events"][0]["state"] = json!("ok");
    assert_ne!(keys(TRAPS, 0, &body), keys(TRAPS, 0, &over));
    let both = json!({ "site": "fra", "events": [trap("sw-1"), over["events"][0]] });
    assert_eq!(keys(TRAPS, 0, &both), keys(TRAPS, 0, &over), "what is told last of an alert is what is");
}

#[test]
fn a_key_holds_an_alert_together_whose_labels_change() {
    let map = format!("{TRAPS}\nkey: event.id");
    let with = |level: &str, state: &str| {
        let mut event = trap("sw-1");
        (event["id"], event["level"], event["state"]) = (json!(17), json!(level), json!(state));
        json!({ "site": "fra", "events": [event] })
    };
    let [minor, critical, over] = [with("minor", "down"), with("critical", "down"), with("none", "ok")];
    let fingerprint = |body: &Value| read(&map, body).alerts[0].fingerprint.clone();
    assert_eq!(fingerprint(&minor), fingerprint(&critical));
    assert_eq!(fingerprint(&minor), fingerprint(&over));
    assert_ne!(keys(&map, 0, &minor), keys(&map, 0, &critical), "worse is news");
    let lanes: Vec<_> = [&minor, &critical, &over].map(|body| parse_at(&map, 0, body).unwrap().parts[0].lane).into();
    assert_eq!(lanes, [Lane::Usual; 3], "what is about one alert is worked on in its order");
    assert_ne!(read(TRAPS, &minor).alerts[0].fingerprint, read(TRAPS, &critical).alerts[0].fingerprint);
}

#[test]
fn mistakes_of_a_map_are_found_before_anything_comes_in() {
    let wrong = |yaml: &str| {
        let wrong = Mapping::compile(&serde_saphyr::from_str(yaml).unwrap()).unwrap_err();
        let line =
            |wrong: MappingError| format!("{} {:?}: {}; {}", wrong.field, wrong.offset, wrong.message, wrong.remedy);
        wrong.into_iter().map(line).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!([
        wrong("name: evnt.title"),
        wrong("{ name: event.title, labels: { severity: critical } }"),
        wrong("{ name: 'event.title = 1' }"),
        wrong("{ name: event.?title }"),
        wrong("{ name: '' }"),
        wrong("{ name: event.title, alerts: event.list }"),
        wrong("{ name: event.title, labels: { alertname: event.x, 'a-b': event.y } }"),
        wrong("{ name: event.title, labels: { x: 'body.list.exists(one, one == event.x) ? \"a\" : \"b\"' } }"),
        wrong("{ name: event.title, alerts: 'body.a.map(x, x.b.map(y, y))' }"),
        wrong("{ name: 'upper(event.title)' }"),
    ].join("\n"), @"
    name Some(0): `evnt` is not there: `body` and `event` can be looked at here; write `event`
    labels.severity Some(0): `critical` is not there: `body` and `event` can be looked at here; write `'critical'`, in quotes of its own, for a text that is always the same, or a field of `body` and `event`
    name Some(12): a single `=` compares nothing; write `==`
    name Some(7): `event.title` may have no value here; add `.orValue(...)` to say what counts when it is absent
    name None: there is no expression; write one, such as `event.title`
    alerts Some(0): `event` is not there: `body` can be looked at here; write a field of `body`
    labels.a-b None: `a-b` is no name of a label; write letters, digits and `_`, such as `instance`
    labels.alertname None: this label is the alert's name; take it out: `name` of the map says it
    labels.x None: a loop that looks at `body` would run for each event anew; let the loop look at `event` alone
    alerts None: loops within loops could hold up all other deliveries; write it with one loop
    name Some(0): there is no function `upper`; write `upperAscii` instead
    ");
}

#[test]
fn many_events_that_look_at_one_large_body_cost_little() {
    let events: Vec<Value> =
        (0..10_000).map(|n| json!({ "title": "A", "host": format!("h{n}"), "state": "x", "text": "y" })).collect();
    let body = json!({ "site": "fra", "events": events });
    let map = "{ alerts: body.events, name: event.title, labels: { host: \"event.host + '.' + body.site\" } }";
    // Were the body made into values for each event anew, this would take minutes.
    let taken = parse_at(map, 0, &body).unwrap();
    assert_eq!(taken.alerts, 10_000);
    let long = format!("[{}]", vec!["{}"; 2_000_000].join(","));
    let error = parse_events(&mapping(map), "snmp".into(), at(0), long.as_bytes()).unwrap_err();
    assert!(error.what.contains("longer than"), "{error}");
}
