use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::intake::MOST_ALERTS;
use crate::model::{AlertStatus, Lane, Severities, SignalBody};

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/alertmanager").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parse(body: &[u8]) -> Result<Delivered, NotificationError> {
    parse_notification("alertmanager", DateTime::UNIX_EPOCH, body)
}

/// All its alerts, in whatever parts and pieces.
fn notification(body: &[u8]) -> Notification {
    let pieces = parse(body).unwrap().parts.into_iter().flat_map(|part| part.pieces);
    let mut read = pieces.map(|piece| match serde_json::from_str(&piece).unwrap() {
        SignalBody::Notification(notification) => notification,
        other => panic!("{other:?}"),
    });
    let mut whole: Notification = read.next().unwrap();
    read.for_each(|piece| whole.alerts.extend(piece.alerts));
    whole
}

/// The keys of its parts.
fn keys(body: &[u8]) -> Vec<String> {
    parse(body).unwrap().parts.into_iter().map(|part| part.key).collect()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A body as Alertmanager 0.25 sends it, for what the captured ones do not show.
fn body(alerts: Value) -> Vec<u8> {
    json!({ "version": "4", "groupKey": "{}:{}", "receiver": "dogwatch", "status": "firing", "alerts": alerts })
        .to_string()
        .into_bytes()
}

fn alert() -> Value {
    json!({
        "status": "firing",
        "labels": { "alertname": "PostgresDown", "pod": "orders-0" },
        "annotations": { "summary": "orders-0 does not answer" },
        "startsAt": "2025-03-01T02:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example:9090/graph",
        "fingerprint": "ecd6bd82c423a581",
    })
}

fn refused(body: &[u8]) -> String {
    parse(body).unwrap_err().to_string()
}

#[test]
fn an_alert_that_stands_there_twice_is_taken_once() {
    let of = |pod: &str, status: &str, starts_at: &str| {
        let mut one = alert();
        one["labels"]["pod"] = json!(pod);
        one["status"] = json!(status);
        one["startsAt"] = json!(starts_at);
        one
    };
    let (early, late) = ("2025-03-01T02:00:00Z", "2025-03-01T03:00:00Z");
    let read = notification(&body(json!([
        of("a", "firing", early),
        of("b", "firing", early),
        of("a", "firing", early),
        of("b", "resolved", early),
        of("c", "resolved", late),
        of("c", "firing", early),
        of("d", "resolved", early),
        of("d", "firing", late),
    ])));
    let read: Vec<_> =
        read.alerts.iter().map(|alert| (alert.label("pod").unwrap(), alert.status, alert.starts_at)).collect();
    let (firing, resolved) = (AlertStatus::Firing, AlertStatus::Resolved);
    let wanted = [
        ("a", firing, time(early)),
        ("b", firing, time(early)),
        ("c", resolved, time(late)),
        ("d", firing, time(late)),
    ];
    assert_eq!(read, wanted);
}

/// Prometheus says it beside the annotations, and people read it as one of them.
#[test]
fn where_a_rule_points_to_is_kept_among_its_annotations() {
    let annotations = |fields: serde_json::Value| {
        let mut alert = serde_json::json!({
            "status": "firing", "labels": { "alertname": "A" }, "annotations": { "panelURL": "https://rule/" },
            "startsAt": "2025-03-01T02:03:04Z",
        });
        alert.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let body = serde_json::json!({ "version": "4", "groupKey": "g", "alerts": [alert] });
        let read = notification(&body.to_string().into_bytes());
        read.alerts[0].annotations.iter().map(|(name, url)| format!("{name} {url}")).collect::<Vec<_>>()
    };
    let kept =
        annotations(serde_json::json!({ "generatorURL": "http://p/graph?g0.expr=up", "dashboardURL": "https://g/d/1",
        "silenceURL": "https://g/silence", "panelURL": "https://g/panel" }));
    let expected = [
        "dashboardURL https://g/d/1",
        "generatorURL http://p/graph?g0.expr=up",
        "panelURL https://rule/",
        "silenceURL https://g/silence",
    ];
    assert_eq!(kept, expected, "what the rule itself says counts");
    let long = format!("https://p/{}", "x".repeat(2_000));
    let odd =
        annotations(serde_json::json!({ "generatorURL": long, "dashboardURL": 7, "silenceURL": null, "panelURL": {} }));
    assert_eq!(odd, ["panelURL https://rule/"]);
    assert_eq!(annotations(serde_json::json!({ "generatorURL": "javascript:alert(1)" })).len(), 1);
}

#[test]
fn what_alertmanager_really_sends_is_read() {
    for version in ["0.25", "0.34"] {
        let firing = notification(&fixture(&format!("{version}/firing.json")));
        assert_eq!(firing.receiver, "dogwatch");
        assert_eq!(firing.group_key, r#"{}:{alertname="KubePersistentVolumeFillingUp"}"#);
        assert_eq!(firing.truncated, 0);
        let [alert] = firing.alerts.as_slice() else { panic!("{firing:?}") };
        assert_eq!(alert.status, AlertStatus::Firing);
        assert_eq!(alert.name(), "KubePersistentVolumeFillingUp");
        assert_eq!(alert.label("persistentvolumeclaim"), Some("data-orders-0"));
        assert_eq!(alert.starts_at, time("2025-03-01T02:03:04.567Z"));
        assert_eq!(alert.ends_at, None);
        assert!(alert.annotations["description"].ends_with("<1h to go at this rate — größer machen?"));
        assert!(alert.generator_url.ends_with("&g0.tab=1"));

        let resolved = notification(&fixture(&format!("{version}/resolved.json")));
        assert_eq!(resolved.alerts[0].status, AlertStatus::Resolved);
        assert!(resolved.alerts[0].ends_at > Some(resolved.alerts[0].starts_at), "{resolved:?}");

        let partly = notification(&fixture(&format!("{version}/group-partly-resolved.json")));
        let ends: Vec<_> = partly.alerts.iter().map(|alert| (alert.status, alert.ends_at)).collect();
        assert_eq!(
            ends,
            [
                (AlertStatus::Firing, None),
                (AlertStatus::Resolved, Some(time("2025-03-01T02:31:00.25Z"))),
                (AlertStatus::Firing, None),
            ]
        );

        let truncated = notification(&fixture(&format!("{version}/truncated.json")));
        assert_eq!((truncated.alerts.len(), truncated.truncated), (2, 3));
    }
}

#[test]
fn a_missing_fingerprint_is_computed_as_alertmanager_does() {
    let mut seen = 0;
    for version in ["0.25", "0.34"] {
        for name in ["firing", "resolved", "group", "group-partly-resolved", "truncated", "peer-0"] {
            let bytes = fixture(&format!("{version}/{name}.json"));
            let mut without: Value = serde_json::from_slice(&bytes).unwrap();
            for alert in without["alerts"].as_array_mut().unwrap() {
                alert.as_object_mut().unwrap().remove("fingerprint").unwrap();
                seen += 1;
            }
            let (with, without) = (parse(&bytes).unwrap(), parse(without.to_string().as_bytes()).unwrap());
            assert_eq!(with, without, "{version}/{name}");
        }
    }
    assert!(seen >= 18, "{seen}");
}

#[test]
fn three_peers_tell_of_one_state() {
    for version in ["0.25", "0.34"] {
        let [first, second, third] =
            [0, 1, 2].map(|peer| parse(&fixture(&format!("{version}/peer-{peer}.json"))).unwrap());
        assert_eq!(first.parts, second.parts);
        assert_eq!(first.parts, third.parts);
        assert_eq!(first.source, "alertmanager");
    }
    // The version of the sender is no part of the state either.
    let keys = ["0.25/group.json", "0.34/group.json"].map(|name| keys(&fixture(name)));
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn each_state_has_a_key_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    for name in ["firing", "resolved", "group", "group-partly-resolved", "truncated"] {
        seen.insert(keys(&fixture(&format!("0.34/{name}.json"))));
    }
    let mut later = alert();
    later["startsAt"] = json!("2025-03-01T02:00:00.000001Z");
    let mut truncated: Value = serde_json::from_slice(&body(json!([alert()]))).unwrap();
    truncated["truncatedAlerts"] = json!(1);
    let mut other_group = truncated.clone();
    other_group["groupKey"] = json!("{}:{x=\"y\"}");
    let mut another = alert();
    another["labels"]["pod"] = json!("orders-1");
    let mut reworded = alert();
    reworded["annotations"] = json!({ "summary": "still does not answer, 96.4%" });
    let mut worse = alert();
    worse["labels"]["severity"] = json!("info");
    let said =
        [json!([]), json!([alert()]), json!([later]), json!([alert(), another]), json!([reworded]), json!([worse])];
    for alerts in said {
        seen.insert(keys(&body(alerts)));
    }
    for value in [truncated, other_group] {
        seen.insert(keys(value.to_string().as_bytes()));
    }
    assert_eq!(seen.len(), 13);
    assert!(seen.contains(&keys(&body(json!([alert(), alert()])))), "one alert has one state");
}

#[test]
fn the_order_of_the_alerts_and_what_the_sender_calls_them_are_no_part_of_the_state() {
    let mut other = alert();
    other["labels"]["pod"] = json!("orders-1");
    let mut renamed = alert();
    renamed["fingerprint"] = json!("not what it should be");
    assert_eq!(keys(&body(json!([alert(), other]))), keys(&body(json!([other, renamed]))));
}

#[test]
fn one_name_for_two_alerts_makes_them_no_one() {
    let mut other = alert();
    other["labels"]["pod"] = json!("orders-1");
    let read = notification(&body(json!([alert(), other])));
    assert_eq!(read.alerts.len(), 2);
    assert_ne!(read.alerts[0].fingerprint, read.alerts[1].fingerprint);
    assert_eq!(read.alerts[1].given.as_deref(), Some("ecd6bd82c423a581"));
    other["fingerprint"] = json!(read.alerts[1].fingerprint);
    assert_eq!(notification(&body(json!([other]))).alerts[0].given, None, "only where it is not the right one");
}

#[test]
fn what_is_over_the_bounds_is_left_out_and_the_rest_is_taken() {
    let tiny = r#"{"status":"firing","labels":{"a":"N"},"startsAt":"2025-03-01T02:00:00Z"}"#;
    let alerts: Vec<String> = (0..MOST_ALERTS + 7).map(|n| tiny.replace('N', &n.to_string())).collect();
    let whole = format!(r#"{{"version":"4","groupKey":"g","alerts":[{}]}}"#, alerts.join(","));
    let read = parse(whole.as_bytes()).unwrap();
    assert_eq!((read.alerts, read.firing), (MOST_ALERTS, MOST_ALERTS));
    assert_eq!(read.left_out, LeftOut { alerts: 7, ..LeftOut::default() });
    let bytes: usize = read.parts.iter().flat_map(|part| &part.pieces).map(String::len).sum();
    assert!(bytes < 2 * whole.len(), "{bytes} of {}", whole.len());

    let mut many = alert();
    for n in 0..1_000 {
        many["labels"][format!("a{n:04}")] = json!("x");
    }
    many["labels"]["severity"] = json!("critical");
    many["labels"]["n".repeat(300)] = json!("x");
    let read = notification(&body(json!([many])));
    assert_eq!(read.alerts[0].label("severity"), Some("critical"), "it decides who is called");
    assert!(read.left_out.labels > 800 && read.alerts[0].labels.len() < 140, "{:?}", read.left_out);
    many["labels"]["a0999"] = json!("y");
    let other = notification(&body(json!([many])));
    assert_ne!(other.alerts[0].fingerprint, read.alerts[0].fingerprint, "what is left out tells them apart");
}

#[test]
fn alerts_go_in_lanes_and_in_pieces_the_worst_first_and_ends_last() {
    let of = |n: usize| {
        let mut one = alert();
        one["labels"]["pod"] = json!(n.to_string());
        one["labels"]["severity"] = json!(["info", "warning", "critical"][n % 3]);
        one["status"] = json!(if n.is_multiple_of(7) { "resolved" } else { "firing" });
        one
    };
    let read = parse(&body((0..3_000).map(of).collect())).unwrap();
    let [urgent, usual] = read.parts.as_slice() else { panic!("{:?}", read.parts.len()) };
    assert_eq!((urgent.lane, usual.lane), (Lane::Urgent, Lane::Usual));
    assert_eq!((urgent.pieces.len(), usual.pieces.len()), (2, 4));
    for part in [urgent, usual] {
        let mut order = Vec::new();
        for piece in &part.pieces {
            let SignalBody::Notification(piece) = serde_json::from_str(piece).unwrap() else { panic!() };
            order.extend(piece.alerts.iter().map(|alert| {
                assert_eq!(Lane::of(alert, Severities::usual()), part.lane);
                (alert.status == AlertStatus::Resolved, Severities::usual().of(alert))
            }));
        }
        assert!(order.is_sorted());
    }
    assert_eq!(read.alerts, 3_000);
}

#[test]
fn times_are_cut_to_what_the_store_keeps() {
    let mut precise = alert();
    precise["startsAt"] = json!("2025-03-01T02:00:00.123456789+01:00");
    assert_eq!(notification(&body(json!([precise]))).alerts[0].starts_at, time("2025-03-01T01:00:00.123456Z"));
}

#[test]
fn unknown_fields_and_nulls_are_accepted() {
    let mut odd = alert();
    odd["annotations"] = Value::Null;
    odd["new"] = json!({ "deep": [1, 2] });
    odd.as_object_mut().unwrap().remove("endsAt");
    odd.as_object_mut().unwrap().remove("generatorURL");
    let read = notification(&body(json!([odd])));
    assert!(read.alerts[0].annotations.is_empty());
    assert!(notification(&body(Value::Null)).alerts.is_empty());
}

#[test]
fn long_texts_are_cut_with_a_mark_and_the_alert_stays_the_same() {
    let mut long = alert();
    long["fingerprint"] = json!("");
    long["annotations"]["logs"] = json!("ä".repeat(50_000));
    long["labels"]["query"] = json!("x".repeat(5_000));
    let read = &notification(&body(json!([long]))).alerts[0];
    assert_eq!(read.annotations["logs"].chars().filter(|c| *c == 'ä').count(), 2_048);
    assert!(read.annotations["logs"].ends_with("… (95904 bytes left out)"));
    assert!(read.labels["query"].ends_with("… (904 bytes left out)"));
    let mut other = long.clone();
    other["labels"]["query"] = json!("x".repeat(5_001));
    assert_ne!(read.fingerprint, notification(&body(json!([other]))).alerts[0].fingerprint);
}

#[test]
fn a_body_that_is_no_notification_is_refused_with_the_place() {
    let with = |field: &str, value: Value| {
        let mut wrong = alert();
        wrong[field] = value;
        refused(&body(json!([wrong])))
    };
    let without = |field: &str| {
        let mut wrong = alert();
        wrong.as_object_mut().unwrap().remove(field);
        refused(&body(json!([wrong])))
    };
    insta::assert_snapshot!(
        [
            with("startsAt", json!("yesterday")),
            with("startsAt", json!(17)),
            with("endsAt", json!("2025-13-01T00:00:00Z")),
            with("status", json!("pending")),
            with("labels", json!({})),
            with("labels", json!({ "alertname": 7 })),
            with("annotations", json!("text")),
            without("startsAt"),
            without("status"),
            without("labels"),
            refused(&body(json!({}))),
            refused(b""),
            refused(b"not json"),
            refused(&body(json!([alert()]))[..100]),
            refused(b"\xff\xfe{}"),
            refused(b"[]"),
            refused(b"{}"),
            refused(br#"{"version":"1","title":"from another sender"}"#),
            refused(br#"{"version":"2","alerts":7}"#),
            refused(br#"{"version":"4"}"#),
            refused(br#"{"version":4}"#),
            refused(&[body(json!([])), b"{}".to_vec()].concat()),
        ]
        .join("\n"),
        @r#"
    alerts[0].startsAt: no time: input contains invalid characters; write times as `2025-03-01T02:00:00Z`
    alerts[0].startsAt: no time: invalid type: integer `17`, expected an RFC 3339 formatted date and time string; write times as `2025-03-01T02:00:00Z`
    alerts[0].endsAt: no time: input is out of range; write times as `2025-03-01T02:00:00Z`
    alerts[0].status: unknown variant `pending`, expected `firing` or `resolved`; send what alertmanager's webhook_config sends
    alerts[0].labels: there are none, and an alert is known by its labels; send what alertmanager's webhook_config sends
    alerts[0].labels.alertname: invalid type: integer `7`, expected a string; send what alertmanager's webhook_config sends
    alerts[0].annotations: invalid type: string "text", expected a map; send what alertmanager's webhook_config sends
    alerts[0]: missing field `startsAt`; send what alertmanager's webhook_config sends
    alerts[0]: missing field `status`; send what alertmanager's webhook_config sends
    alerts[0].labels: there are none, and an alert is known by its labels; send what alertmanager's webhook_config sends
    alerts: invalid type: map, expected a sequence; send what alertmanager's webhook_config sends
    line 1 column 0: EOF while parsing a value; send JSON, whole and in UTF-8
    line 1 column 2: expected ident; send JSON, whole and in UTF-8
    line 1 column 100: EOF while parsing a string; send JSON, whole and in UTF-8
    line 1 column 1: expected value; send JSON, whole and in UTF-8
    the body: invalid length 0, expected a notification of alertmanager; send what alertmanager's webhook_config sends
    the body: missing field `version`; send what alertmanager's webhook_config sends
    alerts: there are none; let a webhook contact point of Grafana 9 or later send it
    version: it is `2`, and only Alertmanager's `4` and Grafana's `1` are known here; let an alertmanager of 0.16 or later send it, or a webhook contact point of Grafana 9 or later
    the body: missing field `groupKey`; send what alertmanager's webhook_config sends
    version: invalid type: integer `4`, expected a string; send what alertmanager's webhook_config sends
    the end: something follows after the notification; send one notification in one body
    "#
    );
}

#[test]
fn an_error_does_not_repeat_a_secret() {
    let mut wrong = alert();
    wrong["annotations"] = json!("postgres://app:hunter2@db/x");
    assert!(!refused(&body(json!([wrong]))).contains("hunter2"));
    let mut long = alert();
    long["status"] = json!("ß".repeat(10_000));
    assert!(refused(&body(json!([long]))).len() < 400);
}

/// Alerts that differ in their pods.
fn alerts(count: usize) -> Vec<Value> {
    let of = |n: usize| {
        let mut one = alert();
        one["labels"]["pod"] = json!(format!("orders-{n}"));
        one
    };
    (0..count).map(of).collect()
}

fn pods(read: &Notification) -> Vec<&str> {
    read.alerts.iter().filter_map(|alert| alert.label("pod")).collect()
}

#[test]
fn an_odd_alert_does_not_take_the_others_with_it() {
    let mut all = alerts(6);
    all[1]["startsAt"] = json!("yesterday");
    all[2]["labels"] = json!({});
    all[3] = json!(17);
    all[5]["annotations"]["summary"] = json!(["password=hunter2"]);
    let read = notification(&body(json!(all)));
    assert_eq!(pods(&read), ["orders-0", "orders-4"]);
    assert_eq!(read.left_out.damaged, 4);
    insta::assert_snapshot!(read.left_out.damage.join("\n"), @r"
    alerts[1].startsAt: no time: input contains invalid characters
    alerts[2].labels: there are none, and an alert is known by its labels
    alerts[3]: invalid type: integer `17`, expected an alert
    alerts[5].annotations.summary: invalid type: sequence, expected a string
    ");
    // Whatever is wrong with the others, a sound alert is what it is in a sound body.
    assert_eq!(read.alerts[1], notification(&body(json!([alerts(6)[4]]))).alerts[0]);
    // The state of the group is another one than without them.
    assert_ne!(keys(&body(json!(all))), keys(&body(json!([all[0], all[4]]))));
    let many: Vec<Value> = (0..100).map(|_| json!({})).chain(alerts(1)).collect();
    let read = notification(&body(json!(many)));
    assert_eq!((read.left_out.damaged, read.left_out.damage.len()), (100, 5), "the first few are named");
}

#[test]
fn what_is_said_beside_the_alerts_may_be_odd_or_missing() {
    let mut whole: Value = serde_json::from_slice(&body(json!(alerts(2)))).unwrap();
    for field in ["version", "groupKey", "receiver", "truncatedAlerts"] {
        let mut odd = whole.clone();
        odd[field] = json!([{ "deep": "x" }]);
        let read = notification(odd.to_string().as_bytes());
        assert_eq!((pods(&read).len(), read.left_out.damaged), (2, 0), "{field}");
        odd.as_object_mut().unwrap().remove(field);
        assert_eq!(pods(&notification(odd.to_string().as_bytes())).len(), 2, "{field}");
    }
    whole.as_object_mut().unwrap().remove("groupKey");
    let read = notification(whole.to_string().as_bytes());
    assert_eq!(read.group_key, "{alertname=\"PostgresDown\"}");
    assert_eq!(read.left_out.damage, ["the body: missing field `groupKey`"]);
    whole["version"] = json!("3");
    assert!(refused(whole.to_string().as_bytes()).starts_with("version: it is `3`"), "another version is no damage");
}

#[test]
fn a_text_that_is_damaged_in_a_place_gives_all_its_other_alerts() {
    let sound = String::from_utf8(fixture("0.34/group.json")).unwrap();
    let wanted = notification(sound.as_bytes());
    for (what, damaged) in [
        ("a bad escape", sound.replacen("orders-1 does", "orders-1\\q does", 1).into_bytes()),
        ("a quote too many", sound.replacen("orders-1 does", "orders-1\" does", 1).into_bytes()),
        (
            "a quote that is lost",
            sound.replacen("orders-1 does not answer\"", "orders-1 does not answer", 1).into_bytes(),
        ),
        ("a lone brace", sound.replacen("\"orders-1:9187\"", "{\"orders-1:9187\"", 1).into_bytes()),
        ("a brace that closes", sound.replacen("\"orders-1:9187\"", "}\"orders-1:9187\"", 1).into_bytes()),
        ("a control character", sound.replacen("orders-1 does", "orders-1\u{0} does", 1).into_bytes()),
        (
            "no UTF-8",
            sound
                .replacen("orders-1 does", "orders-1 X", 1)
                .replace("1 X", "1 \u{7f}")
                .into_bytes()
                .iter()
                .map(|byte| if *byte == 0x7f { 0xff } else { *byte })
                .collect(),
        ),
        ("another body in it", sound.replacen("orders-1 does", "{\"version\":\"4\",\"alerts\":[", 1).into_bytes()),
        ("what swallows the rest", sound.replacen("\"fingerprint\":\"d11810f10d7b8f83\"}", "\"u\":[0", 1).into_bytes()),
    ] {
        let read = notification(&damaged);
        assert_eq!(read.alerts, [wanted.alerts[0].clone(), wanted.alerts[2].clone()], "{what}");
        let header = (&*read.receiver, &*read.group_key, read.truncated);
        assert_eq!(header, (&*wanted.receiver, &*wanted.group_key, wanted.truncated), "{what}");
        assert!(read.left_out.damaged >= 1 && !read.left_out.damage.is_empty(), "{what}: {:?}", read.left_out);
    }
    let twice =
        format!("{{{},{}", &sound[1..sound.rfind('}').unwrap()], &sound[1..]).replacen("orders-0", "other-0", 3);
    assert_eq!(notification(twice.as_bytes()).alerts.len(), 4, "two lists of alerts");
    let cut = sound.find("orders-2").unwrap();
    let read = notification(&sound.as_bytes()[..cut]);
    assert_eq!((read.alerts.len(), read.left_out.damaged), (2, 1), "the end is not there");
    assert_eq!(read.group_key, "{alertname=\"PostgresUnreachable\"}");
    let after = notification(&[sound.as_bytes(), b"}"].concat());
    assert_eq!((after.alerts.len(), after.group_key), (3, wanted.group_key), "something follows");
}

#[test]
fn damage_costs_no_more_than_the_body() {
    for odd in [
        ",{\"status\":",
        ",{\"labels\":{},\"u\":[{\"labels\":{\"a\":\"b\"}}",
        ",[{\"x\":1}",
        "{\"a\":[",
        "\"",
        "{ ",
        "]",
    ] {
        let whole = format!(r#"{{"version":"4","alerts":[{}"#, odd.repeat(500_000 / odd.len()));
        // Were it as much as the square of the body, this would not end.
        assert!(parse(whole.as_bytes()).is_err(), "{odd}");
    }
}

/// Bytes that may do harm to what comes after them.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        3 => any::<u8>().prop_map(|byte| vec![byte]),
        6 => prop::sample::select(b"{}[]\",:\\ \n".to_vec()).prop_map(|byte| vec![byte]),
        3 => prop::sample::select(vec![
            r#"{"status":"firing","labels":{"a":"b"},"startsAt":"2025-03-01T02:00:00Z""#, r#","u":["#, r#"{"status":"#,
            r#"],"version":"4"}"#, r#""alerts":["#, r#"[{"labels":"#, r#""},{""#, r#"\""#, "null", r#""x":"#,
        ]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    /// Whatever stands in the place of one alert, or of a part of it, each other one is taken as it
    /// is.
    #[test]
    fn damage_to_one_alert_leaves_the_others(
        count in 1usize..8,
        nth in 0usize..8,
        from in 0usize..400,
        length in 0usize..400,
        garbage in garbage(),
        spaced in any::<bool>(),
    ) {
        let (all, nth) = (alerts(count), nth % count);
        let wanted = notification(&body(json!(all)));
        let texts: Vec<Vec<u8>> = all.iter().enumerate().map(|(n, one)| {
            let mut text = if spaced { serde_json::to_vec_pretty(one) } else { serde_json::to_vec(one) }.unwrap();
            if n == nth {
                let from = from.min(text.len());
                let end = (from + length).min(text.len());
                text.splice(from..end, garbage.iter().copied());
            }
            text
        }).collect();
        let whole = [
            br#"{"receiver":"dogwatch","alerts":["#.to_vec(),
            texts.join(if spaced { &b" ,\n "[..] } else { &b","[..] }),
            br#"],"commonLabels":{"version":"7"},"version":"4","groupKey":"{}:{}"}"#.to_vec(),
        ].concat();
        match parse(&whole) {
            Ok(_) => {
                let read = notification(&whole);
                for (n, alert) in wanted.alerts.iter().enumerate().filter(|(n, _)| *n != nth) {
                    prop_assert!(read.alerts.contains(alert), "{n} of {:?}", String::from_utf8_lossy(&whole));
                }
            }
            Err(error) => prop_assert!(count == 1, "{error}: {:?}", String::from_utf8_lossy(&whole)),
        }
    }

    #[test]
    fn no_body_breaks_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..2_000, at in 0usize..2_000) {
        let _ = parse(&bytes);
        // A real one, cut off or with some bytes written over.
        let mut real = fixture("0.34/group.json");
        let at = at.min(real.len());
        let end = (at + bytes.len()).min(real.len());
        real[at..end].copy_from_slice(&bytes[..end - at]);
        real.truncate(cut);
        if let Err(error) = parse(&real) {
            prop_assert!(!error.at.is_empty() && !error.what.is_empty(), "{:?}", error);
        }
    }
}

/// As the test of a contact point sends it: without a fingerprint, and with fields of Grafana's
/// own.
fn grafana(org: Value, key: Value, labels: Value) -> Vec<u8> {
    json!({
        "version": "1", "orgId": org, "groupKey": key, "receiver": "", "status": "firing", "title": "[FIRING:1] TestAlert Grafana",
        "state": "alerting", "message": "**Firing**", "groupLabels": labels, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://grafana.example/", "truncatedAlerts": 0,
        "alerts": [{
            "status": "firing", "labels": { "alertname": "TestAlert", "instance": "Grafana" },
            "annotations": { "summary": "Notification test" }, "startsAt": "2026-11-28T11:00:00.123456789+01:00",
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "?orgId=1", "silenceURL": "http://grafana.example/s",
            "values": null, "valueString": "[ ]",
        }],
    })
    .to_string()
    .into_bytes()
}

#[test]
fn grafana_delivers_as_alertmanager_does() {
    let read = notification(&grafana(json!(1), json!("{alertname=\"TestAlert\"}now"), json!({})));
    assert_eq!(read.group_key, "org 1: {alertname=\"TestAlert\"}now");
    let [alert] = read.alerts.try_into().unwrap();
    let as_alertmanager = body(json!([{
        "status": "firing", "labels": { "alertname": "TestAlert", "instance": "Grafana" },
        "startsAt": "2026-11-28T10:00:00Z",
    }]));
    assert_eq!(alert.fingerprint, notification(&as_alertmanager).alerts[0].fingerprint);
    assert_eq!((alert.name(), alert.status, alert.ends_at), ("TestAlert", AlertStatus::Firing, None));
    assert_eq!(alert.starts_at, time("2026-11-28T10:00:00.123456Z"));
    // Without a key the labels of the group are what says that two are of one.
    let keyless = |org, labels| notification(&grafana(org, Value::Null, labels)).group_key;
    assert_eq!(keyless(Value::Null, json!({ "alertname": "A" })), keyless(Value::Null, json!({ "alertname": "A" })));
    assert_ne!(keyless(Value::Null, json!({ "alertname": "A" })), keyless(Value::Null, json!({ "alertname": "B" })));
    assert_ne!(keyless(json!(1), json!({})), keyless(json!(2), json!({})), "organisations know nothing of each other");
    let key = |org| parse(&grafana(json!(org), json!("g"), json!({}))).unwrap().parts[0].key.clone();
    assert_ne!(key(1), key(2), "one is no redelivery of the other");
}
