use serde_json::json;

use super::*;

fn scope() -> Scope {
    let Value::Object(scope) = json!({
        "p99": { "value": 0.4, "samples": 3, "unit": null },
        "whole": { "value": 5.0 },
        "inputs": { "max_replicas": 10, "gap": "6h", "most": "500Gi" },
        "target": {
            "metadata": { "name": "coredns", "labels": { "app.kubernetes.io/name": "coredns" } },
            "spec": { "replicas": 4, "resources": { "requests": { "storage": "10Gi", "cpu": "500m" } } },
            "status": {},
        },
        "pods": { "items": [ { "phase": "Running" }, { "phase": "Pending" } ] },
        "alert": { "starts_at": "2026-03-01T10:00:00Z", "labels": { "rcode": "SERVFAIL", "count": "5" } },
        "big": 18_446_744_073_709_551_615u64,
    }) else {
        unreachable!()
    };
    scope
}

fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn holds(source: &str) -> Result<bool, String> {
    let expression = Expression::compile(source).map_err(|error| error.message)?;
    expression.holds(&scope(), noon()).map_err(|error| error.message)
}

fn yes(source: &str) {
    assert_eq!(holds(source), Ok(true), "{source}");
}

fn error(source: &str) -> String {
    holds(source).expect_err(source)
}

#[test]
fn texts_lists_sets_and_versions_have_functions() {
    yes("' CoreDNS '.trim().lowerAscii() == 'coredns'");
    yes("'a-b-c'.split('-') == ['a', 'b', 'c']");
    yes("['a', 'b'].join(', ') == 'a, b'");
    yes("'docker.io/postgres:15.4'.split(':')[1] == '15.4'");
    yes("'a.b'.replace('.', '/') == 'a/b'");
    yes("'übung'.substring(1, 3) == 'bu'");
    yes("'übung'.indexOf('bung') == 1 && 'abc'.indexOf('x') == -1");
    yes("'postgres-14'.find('[0-9]+') == '14' && 'x'.find('[0-9]+') == ''");
    yes("'a1b22'.findAll('[0-9]+') == ['1', '22']");
    yes("[1, 2.5, 3].sum() == 6.5 && [].sum() == 0");
    yes("[3, 1, 2].max() == 3 && [3, 1.5].min() == 1.5 && ['b', 'a'].min() == 'a'");
    yes("[1, 2, 1.0].distinct().size() == 2");
    yes("pods.items.map(p, p.phase).distinct().join('+') == 'Running+Pending'");
    yes("sets.contains([1, 2, 3], [3, 1]) && !sets.contains([1], [2])");
    yes("sets.equivalent([1, 2], [2, 1, 2]) && sets.intersects([1, 2], [2, 3])");
    yes("semver('v1.29.3').isLessThan(semver('1.30')) && semver('15').isGreaterThan(semver('14.9'))");
    yes("semver('1.2.0-rc.1').isLessThan(semver('1.2.0')) && semver('1.2.3').compareTo(semver('1.2.3+b')) == 0");
    yes("semver('15.4').major == 15 && semver('15.4').minor() == 4");
    yes("isSemver('1.2.3') && !isSemver('latest')");
    // What counts is the image's own tag.
    yes("['postgres:14', 'postgres:15.2'].map(i, semver(i.split(':')[1])).all(v, v.isLessThan(semver('16')))");
}

/// Each says what is wrong, and none does more than it may.
#[test]
fn functions_have_bounds_and_say_what_is_wrong() {
    let told = |source: &str| error(source);
    for (source, part) in [
        ("semver('latest').major > 1", "`latest` is no version such as `1.2.3`"),
        ("target.metadata.isLessThan(semver('1.2'))", "a version is needed"),
        ("[].max() > 1", "an empty list has no `max`"),
        ("[1, 'a'].max() == 1", "`max` compares numbers with numbers"),
        ("['a'].sum() == 1", "`sum` adds numbers"),
        ("[1].join('') == ''", "`join` puts texts together"),
        ("'a'.substring(2) == ''", "is not within a text of 1 letters"),
        ("'a'.split('').size() == 1", "`split` needs a text to split by"),
        ("target.metadata.name.find(target.metadata.name + '(') == ''", "no regular expression"),
        ("'a'.find('(') == ''", "no regular expression: unclosed group"),
        ("'a'.lower() == 'a'", "there is no function `lower`"),
        ("sets.contain([1], [1])", "there is no function"),
    ] {
        let told = told(source);
        assert!(told.contains(part), "{source}: {told}");
    }
    let long = json!("a".repeat(60_000));
    let mut scope = scope();
    scope.insert("long".into(), long);
    let decide = |source: &str| Expression::compile(source).unwrap().holds(&scope, noon()).unwrap_err().message;
    assert!(decide("long.replace('a', long) == ''").contains("gives more than 64 KiB"));
    assert!(decide("[long, long].join('') == ''").contains("gives more than 64 KiB"));
    assert!(decide("long.split('a').size() > 1").contains("gives more than 1000 parts"));
    assert!(decide("long.findAll('a').size() > 1").contains("gives more than 1000 parts"));
}

#[test]
fn whether_the_target_is_there_can_be_asked() {
    let gone = json!({ "target": null });
    let decide = |source: &str| Expression::compile(source).unwrap().holds(gone.as_object().unwrap(), noon());
    assert!(!decide("has(target.metadata)").unwrap());
    assert!(decide("!has(target.metadata) || target.spec.replicas == 0").unwrap());
    assert_eq!(
        decide("target.spec.replicas == 0").unwrap_err().message,
        "the target is not there; ask `has(target.metadata)` before"
    );
    yes("has(target.metadata)");
    let error = Expression::compile("target == null").unwrap_err();
    assert_eq!(error.remedy.unwrap(), "write `has(target.metadata)` or `!has(target.metadata)`");
}

#[test]
fn conditions_of_real_playbooks_hold() {
    yes("p99.value < 0.5");
    yes("p99.value < 0.5 && p99.samples >= 3");
    yes("alert.labels.rcode == 'SERVFAIL'");
    yes("target.status.?readyReplicas.orValue(0) < target.spec.replicas");
    yes("!has(target.status.readyReplicas)");
    yes("target.metadata.labels['app.kubernetes.io/name'] == 'coredns'");
    yes("target.metadata.?labels[?'nope'].orValue('x') == 'x'");
    yes("quantity(target.spec.resources.requests.storage) == 10737418240");
    yes("quantity(target.spec.resources.requests.storage) * 1.5 < quantity(inputs.most)");
    yes("quantity(target.spec.resources.requests.cpu) == 0.5");
    yes("timestamp(alert.starts_at) + duration(inputs.gap) > now");
    yes("now - timestamp(alert.starts_at) == duration('2h')");
    yes("pods.items.filter(p, p.phase == 'Pending').size() == 1");
    yes("pods.items.exists(p, p.phase == 'Pending') && !pods.items.all(p, p.phase == 'Running')");
    yes("pods.items.exists_one(p, p.phase == 'Pending')");
    yes("pods.items.map(p, p.phase).exists(p, p.startsWith('Pen'))");
    yes("'Running' in pods.items.map(p, p.phase)");
    yes("target.metadata.name.matches('^core')");
}

#[test]
fn numbers_are_numbers() {
    yes("whole.value == 5");
    yes("5 == whole.value && whole.value >= 5 && whole.value <= 5");
    yes("type(p99.samples) == int && type(inputs.max_replicas) == int");
    yes("p99.value * 100 > 39");
    yes("target.spec.replicas * 1.5 == 6.0");
    yes("target.spec.replicas / 3 == 1 && -target.spec.replicas + 5 == 1 && target.spec.replicas % 3 == 1");
    yes("big > 9223372036854775807");
    yes("double(alert.labels.count) + 1 == 6");
}

#[test]
fn what_is_not_there_is_an_error_and_says_what_to_write() {
    insta::assert_snapshot!(error("p99.vlaue < 0.1"), @"`p99.vlaue` is not there; was `p99.value` meant?");
    insta::assert_snapshot!(error("p98.value < 0.1"), @"`p98` is not there; was `p99` meant?");
    insta::assert_snapshot!(error("target.status.readyReplicas == target.spec.replicas"), @"`target.status.readyReplicas` is not there; write `target.status.?readyReplicas.orValue(...)` if it may be absent");
    insta::assert_snapshot!(error("target.spec.paused"), @"`target.spec.paused` is not there (`target.spec` has `replicas` and `resources`); write `target.spec.?paused.orValue(...)` if it may be absent");
    insta::assert_snapshot!(error("p99.unit == 's'"), @"`p99.unit` is null (`p99` has `samples`, `unit` and `value`); write `p99.?unit.orValue(...)` if it may be absent");
    insta::assert_snapshot!(error("pods.items.all(p, p.ready)"), @"`ready` is not there; write `.?ready.orValue(...)` if it may be absent");
    insta::assert_snapshot!(error("pods.items[7].phase == 'x'"), @"`pods.items[7]` is not there; write `pods.items[?7].orValue(...)` if it may be absent");
}

#[test]
fn a_guard_stands_on_the_left_and_nothing_on_the_right_makes_up_for_what_is_missing() {
    yes("has(p99.vlaue) && p99.vlaue < 1 || true");
    yes("!has(p99.vlaue) || p99.vlaue < 1");
    yes("!(p99.value > 1 && p98.value > 1)");
    yes("p99.value < 1 || p98.value < 1");
    yes("pods.items.exists(p, p.phase == 'Pending' || p.ready)");
    for missing in [
        "p99.vlaue < 1 && false",
        "p99.vlaue < 1 || true",
        "!(p99.vlaue < 1 && p99.value > 1)",
        "p99.value < 1 && (p99.unit == 's' || true)",
        "pods.items.all(p, p.ready || p.phase == 'Running')",
        "true && p99.vlaue < 1",
        "false || p99.vlaue < 1",
    ] {
        assert!(error(missing).contains("is not there") || error(missing).contains("is null"), "{missing}");
    }
}

#[test]
fn nothing_else_is_false_by_accident() {
    insta::assert_snapshot!(error("p99.value"), @"it gives a number, not true or false");
    insta::assert_snapshot!(error("alert.labels.count == 5"), @"`==` does not go with `alert.labels.count` (a text) and the right side of `==` (a whole number); write `double(...)` or `quantity(...)` around the text");
    insta::assert_snapshot!(error("alert.labels.count < 5"), @"`<` does not go with `alert.labels.count` (a text) and the right side of `<` (a whole number); write `double(...)` or `quantity(...)` around the text");
    insta::assert_snapshot!(error("alert.starts_at < now"), @"`<` does not go with `alert.starts_at` (a text) and `now` (a time); write `timestamp(...)` around the text");
    insta::assert_snapshot!(error("p99.value / 0.0 > 1"), @"the right side of `/` is 0, and nothing can be divided by it");
    insta::assert_snapshot!(error("p99.samples / 0 > 1"), @"it divides by 0");
    insta::assert_snapshot!(error("p99.value / (whole.value - 5) > 1"), @"the right side of `/` is 0, and nothing can be divided by it");
    insta::assert_snapshot!(error("double('NaN') != 1.0"), @"the left side of `!=` is NaN: no number");
    insta::assert_snapshot!(error("quantity(alert.labels.rcode) > 1"), @"`SERVFAIL` is no quantity; write a number and a unit, such as `500m`, `10Gi` or `1.5G`");
    insta::assert_snapshot!(error("target.metadata.name && true"), @"a text stands where true or false is needed");
    insta::assert_snapshot!(error("size(p99.value) > 1"), @"`size` does not go with a number");
    insta::assert_snapshot!(error("9223372036854775807 + p99.samples > 1"), @"a number, time or duration becomes too big");
}

#[test]
fn what_can_only_be_a_mistake_does_not_compile() {
    let refused = |source| {
        let error = Expression::compile(source).expect_err(source);
        format!("{} @{:?}; {}", error.message, error.offset, error.remedy.unwrap_or_default())
    };
    insta::assert_snapshot!(refused("target.status.?readyReplicas == 3"), @"`target.status.readyReplicas` may have no value here @Some(29); add `.orValue(...)` to say what counts when it is absent");
    insta::assert_snapshot!(refused("target.?spec.paused"), @"`target.spec.paused` may have no value here @None; add `.orValue(...)` to say what counts when it is absent");
    insta::assert_snapshot!(refused("p99.value == null"), @"a field that is null counts as absent, so nothing is ever equal to null @Some(10); write `has(p99.value)` or `!has(p99.value)`");
    insta::assert_snapshot!(refused("p99.value > 0 && quantty('1') > 0"), @"there is no function `quantty` @Some(24); write `quantity` instead");
    insta::assert_snapshot!(refused("list.exists(x, x == 1)"), @"`list` is the name of a type, and stands for nothing else @None; where a step or a value is meant, call that otherwise, `list_found` say");
    insta::assert_snapshot!(refused("all(pods, p)"), @"`all` is not called like this @Some(3); write `list.all(item, item.ready)`");
    insta::assert_snapshot!(refused("now > timestamp('yesterday')"), @"`yesterday` is no timestamp @Some(15); write it as `2026-01-31T12:00:00Z`");
    insta::assert_snapshot!(refused("duration('1d') > duration('1h')"), @"`1d` is no duration @Some(8); write it in hours, minutes and seconds, such as `24h` or `1h30m`");
    insta::assert_snapshot!(refused("p99.value = 3"), @"a single `=` compares nothing @Some(10); write `==`");
    insta::assert_snapshot!(refused("p99.value < 3 and true"), @"conditions have no `and` @Some(14); write `&&`");
    insta::assert_snapshot!(refused("p99.value <"), @"the condition ends too early @Some(11); close all brackets and quotes");
    insta::assert_snapshot!(refused("(p99.value < 3"), @"the condition ends too early @Some(14); close all brackets and quotes");
    insta::assert_snapshot!(refused("p99.value < 50%"), @"the condition ends too early @Some(15); close all brackets and quotes");
    insta::assert_snapshot!(refused(""), @"there is no condition @None; write one, such as `p99.value < 0.1`");
    insta::assert_snapshot!(refused("'abc"), @"a quote is not closed @Some(0); close it, or write the text in the other sort of quotes");
    insta::assert_snapshot!(refused("a.exists(x, b.exists(y, c.exists(z, x == y && y == z)))"), @"more than 2 loops run within each other @None; write it as several conditions, or ask Prometheus for the sum");
}

#[test]
fn no_expression_takes_the_process_down() {
    for (unit, end) in [
        ("(", ")"),
        ("[", "]"),
        ("{1:", "}"),
        ("int(", ")"),
        ("!", ""),
        ("-", ""),
        ("- ", ""),
        ("1+", ""),
        ("1<", ""),
        ("a.", ""),
        ("a.?", ""),
        ("true?1:", ""),
        ("[1].all(x,", ")"),
        ("a[0]", ""),
        (".f()", ""),
        ("'", ""),
        ("\"\"\"", ""),
        ("a&&", ""),
    ] {
        for times in [20, 40, 100, 400, 1_000] {
            let source = format!("{}1{}", unit.repeat(times), end.repeat(times));
            if let Ok(expression) = Expression::compile(&source) {
                let _ = expression.holds(&scope(), noon());
            }
        }
    }
}

#[test]
fn lists_that_are_too_long_are_refused() {
    let mut scope = scope();
    scope.insert("items".into(), vec![1; 10_001].into());
    let once = Expression::compile("items.exists(x, x == 2)").unwrap();
    let message = once.holds(&scope, noon()).unwrap_err().message;
    insta::assert_snapshot!(message, @"`items` cannot be looked at: a list has 10001 entries, and a condition may look at 10000");
    scope.insert("items".into(), vec![1; 10_000].into());
    assert_eq!(once.holds(&scope, noon()), Ok(false));
    let twice = Expression::compile("items.exists(x, items.exists(y, x != y))").unwrap();
    assert!(twice.holds(&scope, noon()).is_err());
    scope.insert("items".into(), vec![1; 100].into());
    assert_eq!(twice.holds(&scope, noon()), Ok(false));
}

#[test]
fn references_are_names_and_fields() {
    let references = |source: &str| {
        let expression = Expression::compile(source).unwrap();
        expression
            .references()
            .iter()
            .map(|r| format!("{}/{}", r.path.join("."), r.required))
            .collect::<Vec<_>>()
            .join(" ")
    };
    insta::assert_snapshot!(references("p99.value < inputs.max && now > timestamp(alert.starts_at)"), @"p99.value/2 inputs.max/2 now/1 alert.starts_at/2");
    insta::assert_snapshot!(references("target.status.?a.b.orValue(0) == 1"), @"target.status.a.b/2");
    insta::assert_snapshot!(references("has(target.spec.a) || a['b'][0].c == 'x'"), @"target.spec.a/2 a.b.0.c/4");
    insta::assert_snapshot!(references("pods.items.exists(p, p.phase == other.x)"), @"pods.items/2 other.x/2");
    insta::assert_snapshot!(references("a[b.c].d == type(1) || type(x) == int"), @"a/1 b.c/2 x/1 int/0");
    insta::assert_snapshot!(references("a.?b.optMap(v, v + z).orValue(0) == 1"), @"a.b/1 optional/0 z/1");
    insta::assert_snapshot!(references("optional.of(1).orValue(0) == 1"), @"optional/0");
}

#[test]
fn what_is_always_the_same_is_known() {
    let constant = |source: &str| Expression::compile(source).unwrap().constant();
    assert_eq!(constant("true"), Some(true));
    assert_eq!(constant("1 > 2"), Some(false));
    assert_eq!(constant("p99.value > 2"), None);
    assert_eq!(constant("now > timestamp('2020-01-01T00:00:00Z')"), None);
}

#[test]
fn values_come_back_as_json() {
    let value = |source: &str| Expression::compile(source).unwrap().evaluate(&scope(), noon());
    assert_eq!(value("p99.value * 2"), Ok(json!(0.8)));
    assert_eq!(value("target.spec.replicas + 1"), Ok(json!(5)));
    assert_eq!(value("pods.items.map(p, p.phase)"), Ok(json!(["Running", "Pending"])));
    assert_eq!(value("duration('90m')"), Ok(json!("5400s")));
    assert_eq!(value("now"), Ok(json!("2026-03-01T12:00:00+00:00")));
    assert!(value("p98").is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(source in "[a-c0-9 .?()\\[\\]{}'\"!<>=&|+*/%,:@#`\\\\\n-]{0,60}") {
        if let Ok(expression) = Expression::compile(&source) {
            let _ = expression.holds(&scope(), noon());
        }
    }
}
