use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Each text, and what must be left of it.
const TEXTS: &[(&str, &str)] = &[
    ("password=hunter2", "password=***"),
    ("host=db user=app password=hun,ter2; sslmode=require", "host=db user=app password=***; sslmode=require"),
    ("PGPASSWORD=a&b psql -h db", "PGPASSWORD=*** psql -h db"),
    ("?user=me&token=abc&page=2", "?user=me&token=***&page=2"),
    (r#"{"password":"hun\"ter2","user":"me"}"#, r#"{"password":"***","user":"me"}"#),
    (r#"{\"client_secret\": \"hunter2\", \"id\": 7}"#, r#"{\"client_secret\": \"***\", \"id\": 7}"#),
    (r#"{\"token\":\"a\\\"b\",\"id\":7}"#, r#"{\"token\":\"***\",\"id\":7}"#),
    (r#"{"name":"PGPASSWORD","value":"hunter2"}"#, r#"{"name":"PGPASSWORD","value":"***"}"#),
    ("- name: PGPASSWORD\n  value: hunter2\n- name: X", "- name: PGPASSWORD\n  value: ***\n- name: X"),
    ("  passphrase: correct horse battery\nnext: 1", "  passphrase: ***\nnext: 1"),
    ("key:\n  private_key: |\n    abc\n    def\nother: 1", "key:\n  private_key: |\n    ***\nother: 1"),
    ("repo1-cipher-pass=abc repo1-s3-key=AK repo1-path=/b", "repo1-cipher-pass=*** repo1-s3-key=*** repo1-path=/b"),
    ("ALTER USER app WITH PASSWORD 'hunter2';", "ALTER USER app WITH PASSWORD '***';"),
    ("patronictl --password hunter2 list", "patronictl --password *** list"),
    ("curl -H 'Authorization: Bearer abc' http://x", "curl -H 'Authorization: ***' http://x"),
    ("GET / bearer 4f9a77c2d1 -> 401", "GET / bearer *** -> 401"),
    ("Cookie: a=b; c=d\nHost: x", "Cookie: ***\nHost: x"),
    ("postgres://app:p@ss@db:5432/x?a=b@c", "postgres://app:***@db:5432/x?a=b@c"),
    ("postgres://app:p/ss@db:5432/x", "postgres://app:***@db:5432/x"),
    ("redis://:hunter2@cache:6379", "redis://:***@cache:6379"),
    ("ghp_0123456789abcdefghijABCDEFGHIJ012345 leaked", "*** leaked"),
    ("AKIAIOSFODNN7EXAMPLE", "***"),
    ("t=eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl end", "t=*** end"),
    ("https://discord.com/api/webhooks/123/abc-DEF_9 failed", "https://discord.com/api/webhooks/*** failed"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok",
        "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\nok",
    ),
    ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "-----BEGIN PRIVATE KEY-----***"),
    (r#"{"token":"cut off"#, r#"{"token":"***"#),
];

/// What an engineer needs to see.
const PLAIN: &[&str] = &[
    "password authentication failed for user \"app\"",
    "MountVolume.SetUp failed for volume \"tls\" : secret \"pg-tls\" not found",
    "secretName: pg-credentials",
    "secretKeyRef: {name: pg, key: password}",
    "password: \"\"",
    "token: null",
    "automountServiceAccountToken: false",
    "password_file=/etc/pg/pass.txt",
    "PWD=/home/app",
    "PGPASSWORD=${FROM_VAULT}",
    "bearer authentication is required",
    "image: registry.example:5000/pg@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "http://prometheus:9090/graph?g0.expr=up@1",
    "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
    "scale deployment/coredns in kube-system 4 -> 6",
    "dedup_key: dogwatch-INC-7-1-1",
    "größer machen? 96.3% voll",
    "password=***",
];

#[test]
fn secrets_are_masked_wherever_they_stand() {
    for (text, masked) in TEXTS {
        assert_eq!(redact(text), *masked, "in {text}");
    }
}

#[test]
fn what_is_no_secret_is_left_alone() {
    for text in PLAIN {
        assert!(matches!(redact(text), Cow::Borrowed(same) if same == *text), "{text} became {}", redact(text));
    }
}

#[test]
fn documents_are_masked_by_their_names() {
    let mut document = json!({
        "kind": "Pod",
        "spec": { "containers": [{
            "env": [
                { "name": "PGPASSWORD", "value": "hunter2" },
                { "name": "PGUSER", "value": "app" },
                { "name": "PGPASSWORD", "valueFrom": { "secretKeyRef": { "name": "pg", "key": "password" } } },
            ],
            "args": ["--dsn", "postgres://app:hunter2@db/x"],
        }] },
        "status": { "token": "abc", "replicas": 3 },
        "from": { "kind": "Secret", "data": { "tls.key": "aGVsbG8=" }, "metadata": { "name": "pg" } },
    });
    redact_value(&mut document);
    assert_eq!(
        document,
        json!({
            "kind": "Pod",
            "spec": { "containers": [{
                "env": [
                    { "name": "PGPASSWORD", "value": "***" },
                    { "name": "PGUSER", "value": "app" },
                    { "name": "PGPASSWORD", "valueFrom": { "secretKeyRef": { "name": "pg", "key": "password" } } },
                ],
                "args": ["--dsn", "postgres://app:***@db/x"],
            }] },
            "status": { "token": "***", "replicas": 3 },
            "from": { "kind": "Secret", "data": { "tls.key": "***" }, "metadata": { "name": "pg" } },
        })
    );
}

proptest! {
    #[test]
    fn any_text_may_come_and_a_masked_one_stays_as_it_is(
        text in r#"(\PC|password|token:|"|'|\\|://|@|:|=|\n|-----BEGIN |PRIVATE KEY-----|bearer | \|\n| ){0,40}"#
    ) {
        let once = redact(&text).into_owned();
        prop_assert_eq!(redact(&once), once.as_str());
    }

    #[test]
    fn a_password_is_never_left(secret in "[A-Za-z0-9!#%^*_+~-]{6,24}", form in 0..7usize) {
        let text = match form {
            0 => format!("password={secret}"),
            1 => format!("{{\"api_key\": \"{secret}\"}}"),
            2 => format!("export DB_PASS='{secret}' && run"),
            // A URL cannot hold these as they are.
            3 => format!("postgres://app:{}@db:5432/x", secret.replace(['#', '%'], "x")),
            4 => format!("auth:\n  token: {secret}\n"),
            5 => format!("error (password={secret}), giving up"),
            _ => format!("{{\\\"passwd\\\":\\\"{secret}\\\"}}"),
        };
        let masked = redact(&text);
        prop_assert!(masked.contains(MASK) && !masked.contains(&secret), "{}", masked);
    }
}
