use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::*;

const SECRETS: &str = include_str!("corpus/secrets.txt");
const HARMLESS: &str = include_str!("corpus/harmless.txt");

/// The lines of a corpus, with letters made of `seed` where it only says how many.
fn lines(corpus: &str, seed: u64) -> Vec<String> {
    corpus.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| expand(line, seed)).collect()
}

fn expand(line: &str, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut letter = |letters: &[u8]| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        letters[(state >> 33) as usize % letters.len()] as char
    };
    let alnum = b"aB3dE5gH7jK9mN2pQ4sT6vW8yZ0cF1iL";
    let (mut expanded, mut rest) = (String::new(), line);
    while let Some(at) = rest.find(['\\', '{']) {
        expanded.push_str(&rest[..at]);
        let here = &rest[at..];
        let end = here.find('}').unwrap_or(0);
        let (word, length) = here.get(1..end.max(1)).and_then(|inner| inner.split_once(':')).unwrap_or_default();
        let letters: &[u8] = match word {
            "hex" => b"0123456789abcdef",
            "upper" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
            "word" => b"aB3dE5gH7jK9mN2pQ4sT6vW8yZ0cF1iL_-",
            "b64" => b"aB3dE5gH7jK9mN2pQ4sT6vW8yZ0cF1iL+/",
            "digits" => b"123456789",
            "alnum" => alnum,
            _ => b"",
        };
        let unseen = here.strip_prefix("\\u{").and_then(|_| u32::from_str_radix(&here[3..end], 16).ok());
        let (piece, taken) = if here.starts_with("\\n") {
            ("\n".to_owned(), 2)
        } else if here.starts_with("\\\\n") {
            ("\\n".to_owned(), 3)
        } else if here.starts_with("\\\\u{") {
            ("\\u{".to_owned(), 4)
        } else if let Some(unseen) = unseen.and_then(char::from_u32) {
            (unseen.to_string(), end + 1)
        } else if let (false, Ok(length)) = (letters.is_empty(), length.parse::<usize>()) {
            // The last one is none that a rule may take for the end.
            (
                (0..length)
                    .map(|n| letter(if n + 1 == length { &letters[..letters.len().min(16)] } else { letters }))
                    .collect(),
                end + 1,
            )
        } else {
            (here[..1].to_owned(), 1)
        };
        expanded.push_str(&piece);
        rest = &here[taken..];
    }
    expanded + rest
}

/// The text, what must be left of it, and what must not.
fn marked(line: &str) -> (String, String, Vec<String>) {
    let (mut text, mut masked, mut secrets) = (String::new(), String::new(), Vec::new());
    for (n, piece) in line.split(['⟦', '⟧']).enumerate() {
        text.push_str(piece);
        masked.push_str(if n % 2 == 1 { MASK } else { piece });
        secrets.extend((n % 2 == 1).then(|| piece.to_owned()));
    }
    (text, masked, secrets)
}

#[test]
fn the_table_is_sound() {
    assert_eq!(rules::is_sound(), Ok(()));
}

#[test]
fn secrets_are_masked_and_nothing_else() {
    let mut wrong = Vec::new();
    for seed in 1..=3 {
        for line in lines(SECRETS, seed) {
            let (text, masked, _) = marked(&line);
            if redact(&text) != masked {
                wrong.push(format!("{text:?}\n  became {:?}\n  and not {masked:?}", redact(&text)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_no_secret_is_left_alone() {
    let mut wrong = Vec::new();
    for seed in 1..=3 {
        for text in lines(HARMLESS, seed) {
            if redact(&text) != text {
                wrong.push(format!("{text:?}\n  became {:?}", redact(&text)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is masked in a text is masked in each field of a document.
#[test]
fn a_document_hides_what_its_texts_hide() {
    for line in lines(SECRETS, 7) {
        let (text, _, secrets) = marked(&line);
        let mut fields = json!({ "summary": text.clone(), "list": [text] });
        redact_value(&mut fields);
        let shown = fields["summary"].to_string() + &fields["list"].to_string();
        for secret in secrets.iter().filter(|secret| secret.len() > 4) {
            assert!(!shown.contains(secret.as_str()), "{secret} in {shown}");
        }
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
        "status": { "token": "abc", "replicas": 3, "password=hunter2": 1 },
        "from": { "kind": "Secret", "data": { "tls.key": "aGVsbG8=" }, "metadata": { "name": "pg" } },
        "labels": { "secret": "pg-tls" },
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
            "status": { "token": "***", "replicas": 3, "password=***": 1 },
            "from": { "kind": "Secret", "data": { "tls.key": "***" }, "metadata": { "name": "pg" } },
            "labels": { "secret": "pg-tls" },
        })
    );
}

#[test]
fn a_setting_is_masked_whatever_form_it_has() {
    let mut document = json!({
        "list": [
            { "key": "DB_PASSWORD", "value": "hunter2" },
            { "Key": "api-token", "Value": "hunter2" },
            { "name": "pg", "key": "password", "value": ["hunter2"] },
            { "key": "DB_USER", "value": "app" },
            { "name": "PIN_SECRET", "value": { "current": "hunter2", "source": "file" } },
        ],
        "password": 271828,
        "otp": [271828, "hunter2"],
        "client_secret": { "value": "hunter2", "source": "env", "from": { "name": "pg-tls", "key": "password" } },
        "DB_TOKEN": { "default": 271828, "current": { "plain": "hunter2" }, "type": "string" },
        "replicas": { "value": 271, "default": "3" },
        "automountServiceAccountToken": true,
        "token": null,
    });
    redact_value(&mut document);
    assert_eq!(
        document,
        json!({
            "list": [
                { "key": "DB_PASSWORD", "value": "***" },
                { "Key": "api-token", "Value": "***" },
                { "name": "pg", "key": "password", "value": ["***"] },
                { "key": "DB_USER", "value": "app" },
                { "name": "PIN_SECRET", "value": { "current": "***", "source": "file" } },
            ],
            "password": "***",
            "otp": ["***", "***"],
            "client_secret": { "value": "***", "source": "env", "from": { "name": "pg-tls", "key": "password" } },
            "DB_TOKEN": { "default": "***", "current": { "plain": "***" }, "type": "string" },
            "replicas": { "value": 271, "default": "3" },
            "automountServiceAccountToken": true,
            "token": null,
        })
    );
    let once = document.clone();
    redact_value(&mut document);
    assert_eq!(document, once, "what is masked stays as it is");
}

#[test]
fn what_is_declared_is_masked_however_it_is_spelt() {
    use base64::Engine as _;
    let secret = "Quite/plain words?";
    assert_eq!(redact(secret), secret);
    declare_secret(secret);
    declare_secret(secret);
    let basic = base64::prelude::BASE64_STANDARD.encode(format!("bot:{secret}!"));
    for text in [secret, "Quite%2Fplain%20words%3F", "quite%2fplain%20words%3f", &basic] {
        let masked = redact(text);
        assert!(masked.contains(MASK) && masked.len() <= text.len(), "{text} became {masked}");
    }
    declare_secret("abc");
    assert_eq!(redact("abc"), "abc");
}

/// Texts that are made up to be slow, of a mebibyte. A time that grows with the square of the
/// length would be minutes.
#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what this is about")]
fn no_text_is_slow() {
    let pieces = [
        "://",
        "a://b:c@",
        "password={",
        "password='",
        "password=<",
        "password: |\n",
        " token: |\n",
        "password is ",
        "secret: a ",
        "\\",
        "\"password\":\\\"",
        "<password ",
        "-----BEGIN PRIVATE KEY",
        "-----BEGIN PRIVATE KEY-----",
        "Basic ",
        "bearer a ",
        "eyJ",
        "eyJaaaaaaaaaaa.",
        "kind: Secret\ndata:\n",
        "{\"kind\":\"Secret\",\"data\":{",
        "curl -u ",
        "mysql -",
        "a:",
        "a.b",
        "key=\"password\" ",
        "@",
        "\u{200b}",
        "password\u{200b}",
        "\\u{200b}",
        "\\u{1",
        "\\ud800",
        "\\x1b[1;",
        "AKIA",
        "sess",
        "login a ",
        "echo a |",
        "token token ",
        "$1$",
        "%22",
    ];
    for piece in pieces {
        let text = piece.repeat((1 << 20) / piece.len());
        let began = Instant::now();
        let masked = redact(&text);
        let took = began.elapsed();
        assert!(masked.len() <= 3 * text.len() + MASK.len(), "{piece:?} grew to {}", masked.len());
        assert!(took < Duration::from_secs(20), "{piece:?} took {took:?}");
    }
}

proptest! {
    #[test]
    fn any_text_may_come_and_a_masked_one_stays_as_it_is(
        text in r#"(\PC|password|token:|"|'|\\|://|@|:|=|\n|-----BEGIN |PRIVATE KEY-----|bearer | \|\n| |\*\*\*|is |kind: Secret|data:|\x{200b}|AKIA|<|>){0,40}"#
    ) {
        let once = redact(&text).into_owned();
        prop_assert_eq!(redact(&once), once.as_str());
        prop_assert!(once.len() <= 3 * text.len() + MASK.len());
    }

    #[test]
    fn pieces_of_secrets_in_any_order_are_masked_once_and_for_all(picks in prop::collection::vec(0..400_usize, 1..5), seed in 0..1_000_u64) {
        let all = lines(SECRETS, seed);
        let text: Vec<String> = picks.iter().map(|n| marked(&all[n % all.len()]).0).collect();
        let once = redact(&text.join("\n")).into_owned();
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
            4 => format!("auth:\n  token: x{secret}7\n"),
            5 => format!("error (password={secret}), giving up"),
            _ => format!("{{\\\"passwd\\\":\\\"{secret}\\\"}}"),
        };
        let masked = redact(&text);
        prop_assert!(masked.contains(MASK) && !masked.contains(&secret), "{}", masked);
    }
}
