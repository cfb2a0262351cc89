use super::*;

fn wrong(text: &str) -> String {
    let error = parse_promql(text).unwrap_err();
    format!("{}: {}; {}", error.offset, error.message, error.remedy)
}

#[test]
fn what_prometheus_takes_is_taken() {
    for text in [
        "1",
        "up",
        ".5 + 1e3 - 0x1F * Inf / NaN",
        "-up",
        "-1 ^ 2",
        "5m + 1",
        "up == 0",
        "1 == bool 1",
        "up{}",
        "up{job=\"a\",}",
        "up{job=~\"a|b\", pod!~'x.*', c!=`\\d`}",
        "{__name__=~\".+\"}",
        "{\"my.metric\", \"a.b\"=\"c\"}",
        "job:requests:rate5m",
        "rate(x[5m])",
        "rate(x{a=\"b\"}[1h30m] offset 5m)",
        "rate(x[5m] @ 1767225600.5)",
        "x offset -5m @ end()",
        "max_over_time(rate(x[5m])[30m:1m])",
        "max_over_time(rate(x[5m])[30m:])",
        "max_over_time((a + b)[1h:] offset 1d)",
        "avg_over_time(x[300])",
        "rate(x[2 * 5m])",
        "sum(x)",
        "sum(x) by (a, b,)",
        "sum without () (x)",
        "sum by (\"a.b\") (x)",
        "SUM BY (a) (x)",
        "topk(3, x)",
        "topk by (a) (3, x)",
        "count_values(\"v\", x)",
        "quantile(0.9, x)",
        "a + on (x) group_left (y) b",
        "a / ignoring (x) group_right b",
        "a and on () b or c unless d",
        "a > bool on (x) b",
        "a atan2 b",
        "a % b ^ c ^ 2",
        "histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))",
        "label_replace(x, \"a\", \"$1\", \"b\", \"(.*)\")",
        "label_join(x, \"a\", \",\", \"b\", \"c\", \"d\")",
        "label_join(x, \"a\", \",\")",
        "round(x)",
        "round(x, 0.5)",
        "hour()",
        "vector(time())",
        "scalar(x) + 1",
        "absent(x{a=\"b\"})",
        "sum(x) > 5 # and so on\n",
        "# before\nx",
        "sum",
        "by",
        "offset",
        "a{{inputs.x}}_total{pod=\"{{target.metadata.name}}\"}",
        "rate(x[{{inputs.window}}])",
        "rate(x[{{inputs.minutes}}m])",
        "max_over_time(x[{{inputs.window}}:1m])",
        "x > {{inputs.most}}",
        "{{inputs.metric}}{a=\"b\"}",
        "clamp(x, 0, {{inputs.most}})",
        "rate(x[5m] anchored)",
        "info(x, {k=\"v\"})",
        "x{a=~\"\\\\d+\"}",
        "x{a=~\"\\\\[x\"}",
    ] {
        parse_promql(text).unwrap_or_else(|error| panic!("{text}: {error} at {}", error.offset));
    }
}

#[test]
fn what_prometheus_refuses_is_told_with_its_place_and_what_to_write() {
    let said: Vec<String> = [
        "",
        "sum(rate(x[5m])",
        "sum(x))",
        "x[5m",
        "x{a=\"b\"",
        "x{a=\"b}",
        "x{a=b}",
        "x{a: \"b\"}",
        "x{a == \"b\"}",
        "x{a}",
        "x{a=~\"(b\"}",
        "{}",
        "{a=~\".*\"}",
        "rate(x)",
        "rate(sum(x))",
        "rate(x[5x])",
        "rate(x[m])",
        "sum(x)[5m]",
        "x[5m]",
        "x[5m] > 1",
        "sum(x[5m])",
        "sum()",
        "topk(x)",
        "clamp(x, 1)",
        "histogram_quantile(x, y)",
        "vector(x)",
        "abs(1)",
        "1 == 1",
        "1 and x",
        "x + bool y",
        "x and on (a) group_left y",
        "x && y",
        "x || y",
        "x = 1",
        "x =~ \"a\"",
        "x y",
        "sum by le (x)",
        "sum by (le) rate(x[5m])",
        "a +",
        "\"a\"",
        "x + \"a\"",
        "x{a=“b”}",
        "x offset soon",
        "1 offset 5m",
        "x default 0",
        "x @ now",
        "x, y",
        "5mm",
    ]
    .into_iter()
    .map(|text| format!("{text:<28} {}", wrong(text)))
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn it_is_known_how_far_a_query_looks_back() {
    let window = |text: &str| parse_promql(text).unwrap().window.map(|window| window.as_secs());
    assert_eq!(window("sum(rate(x_total[5m]))"), Some(300));
    assert_eq!(window("rate(a[5m]) / rate(b[1h30m])"), Some(5_400));
    assert_eq!(window("max_over_time(rate(x[5m])[30m:1m])"), Some(2_100));
    assert_eq!(window("x offset 10m"), Some(600));
    assert_eq!(window("rate(x[5m] offset 1h)"), Some(3_900));
    assert_eq!(window("x{pod=~\"a[5m]\"}"), None);
    assert_eq!(window("up == 0"), None);
    assert_eq!(window("rate(x[{{inputs.window}}])"), None);
}

#[test]
fn a_function_that_prometheus_does_not_have_is_no_error() {
    let query = parse_promql("sum(rte(x[5m])) + quantiles_over_time(x)").unwrap();
    let unknown = |name: &str, offset, meant| UnknownFunction { name: name.into(), offset, meant };
    assert_eq!(
        query.unknown,
        [unknown("rte", 4, Some("rate")), unknown("quantiles_over_time", 18, Some("quantile_over_time"))]
    );
    assert!(parse_promql("a default b").unwrap_err().is_metricsql);
    assert!(!parse_promql("a b").unwrap_err().is_metricsql);
}

#[test]
fn nothing_takes_the_process_down() {
    for (open, close) in [
        ("(", ")"),
        ("-", ""),
        ("sum(", ")"),
        ("a+", ""),
        ("a^", ""),
        ("{", "}"),
        ("[", "]"),
        ("x[5m:", "]"),
        ("{{", "}}"),
        ("\"", ""),
        ("@", ""),
        ("é", ""),
    ] {
        for times in [1, 50, 5_000] {
            let _ = parse_promql(&format!("{}x{}", open.repeat(times), close.repeat(times)));
        }
    }
}
