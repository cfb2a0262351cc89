use super::*;

#[test]
fn matchers_are_added_to_each_selector() {
    let matchers = BTreeMap::from([("cluster".to_owned(), "eu-1".to_owned())]);
    for (expr, wanted) in [
        ("up", "up{C}"),
        ("up{}", "up{C}"),
        ("up { job = \"a}\" , } [5m]", "up { job = \"a}\" , C} [5m]"),
        ("{__name__=~\"a.*\"} offset 5m", "{__name__=~\"a.*\",C} offset 5m"),
        ("{\"my.metric\", a='b'}", "{\"my.metric\", a='b',C}"),
        (
            "sum by (le) (rate(a[5m])) / on (pod) group_left (b) c",
            "sum by (le) (rate(a{C}[5m])) / on (pod) group_left (b) c{C}",
        ),
        ("sum(a) by (pod) and on() b @ end() or vector(0)", "sum(a{C}) by (pod) and on() b{C} @ end() or vector(0)"),
        ("max_over_time(deriv(x[1h])[6h:1m]) > bool 1e+3", "max_over_time(deriv(x{C}[1h])[6h:1m]) > bool 1e+3"),
        ("label_replace(up, \"a\", \"$1\", \"b\", \"x{c}\")", "label_replace(up{C}, \"a\", \"$1\", \"b\", \"x{c}\")"),
        ("a # b{\n + {c=\"d\"}", "a{C} # b{\n + {c=\"d\",C}"),
        ("x{cluster=\"eu-2\"}", "x{cluster=\"eu-2\",C}"),
        ("absent(up) or up unless {a=\"b\"}", "absent(up{C}) or up{C} unless {a=\"b\",C}"),
        ("time() - 5", "time() - 5"),
    ] {
        let wanted = wanted.replace('C', "cluster=\"eu-1\"");
        assert_eq!(with_matchers(expr, &matchers).as_deref(), Ok(wanted.as_str()), "{expr}");
    }
    let odd = BTreeMap::from([("a".to_owned(), "\\\"\n".to_owned()), ("b".to_owned(), "x".to_owned())]);
    assert_eq!(with_matchers("up", &odd).unwrap(), "up{a=\"\\\\\\\"\\n\",b=\"x\"}");
    assert_eq!(with_matchers("by + anything{", &BTreeMap::new()).unwrap(), "by + anything{");
}

#[test]
fn matchers_are_added_to_nothing_that_is_not_understood() {
    let matchers = BTreeMap::from([("cluster".to_owned(), "eu-1".to_owned())]);
    for expr in [
        "x{a=\"b\" or c=\"d\"}",
        "x{a=\"b\" # }\n, c=\"d\"}",
        "WITH (x = y) x",
        "a default 0",
        "a if b",
        "rate(x[5m]) keep_metric_names",
        "by{a=\"b\"}",
        "start + 1",
        "and",
        "(and)",
        "sum(or) + or[5m]",
        "and and and",
        "offset[5m]",
        "x{a=\"b",
        "x{",
    ] {
        let refused = with_matchers(expr, &matchers).unwrap_err();
        assert!(refused.starts_with("`prometheus.match` cannot be added to it: "), "{expr}: {refused}");
    }
}

fn found(expr: &str) -> Vec<String> {
    let show = |it: Selector| it.range.map_or(it.text.clone(), |range| format!("{}[{range}]", it.text));
    selectors(expr).unwrap().into_iter().map(show).collect()
}

#[test]
fn the_series_of_an_expression_are_found() {
    for (expr, series) in [
        ("up", &["up"][..]),
        ("sum by (pod, le) (rate(x{a=\"b}\", d=~'.+['}[5m])) > 1e+3", &["x{a=\"b}\", d=~'.+['}[5m]"]),
        ("sum(a) by (pod) / on (pod) group_left (b) sum without (c) (d offset 5m)", &["a", "d"]),
        ("max_over_time(deriv(x[1h])[6h:1m]) and on() y @ 17 or vector(0)", &["x[1h]", "y"]),
        ("{__name__=\"a b\"} unless Inf or NaN * -0x1f", &["{__name__=\"a b\"}"]),
        ("a # b\n + job:c:rate5m{x='\\''} == bool 0", &["a", "job:c:rate5m{x='\\''}"]),
        ("x [ 5m ] - x", &["x[5m]", "x"]),
        ("x + x + x{}", &["x", "x{}"]),
        ("count_values(\"version\", build) + topk(1, z) + (a @ end())", &["build", "z", "a"]),
        ("sum BY (le) (q)", &["q"]),
    ] {
        assert_eq!(found(expr), series, "{expr}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for expr in ["vector(1)", "time()", "1 + 2", "\"up\"", "", "x{a=\"b}", "x{", "x[5m"] {
        assert!(selectors(expr).is_err(), "{expr}");
    }
    let many: Vec<String> = (0..13).map(|n| format!("m{n}")).collect();
    assert!(selectors(&many.join(" + ")).unwrap_err().contains("13 series"));
}
