//! Spans, options, limits. What expressions mean and print as is held by tests/it/promql/parse.

use std::fmt::Write;

use crate::{
    promql::syntax::{
        Aggregate, Binary, DurationExpr, DurationKind, Expr, ExprKind, MAX_DEPTH, Modifiers, Number, Options,
        VectorSelector, parse, pretty,
    },
    text::{Source, Span},
};

const PLAIN: Options = Options { experimental: false, variables: false };
const ALL: Options = Options { experimental: true, variables: true };

/// What stands under each span of a tree, in the order of the tree, one line for each node.
fn spans(text: &str, expr: &Expr) -> String {
    let mut out = String::new();
    let mut line = |what: &str, span: Span| writeln!(out, "{what}: {}", &text[span.start..span.end]).unwrap();
    expr.walk(&mut |expr, _| {
        let mut selector = |selector: &VectorSelector| {
            if let Some(name) = &selector.name {
                line("name", name.span);
            }
            for matcher in &selector.matchers {
                line("matcher", matcher.span);
                line("label", matcher.name.span);
                line("op", matcher.op.span);
                line("value", matcher.value.span);
            }
            for hole in &selector.holes {
                line("hole", hole.span);
            }
            if let Some(extension) = &selector.extension {
                line("extension", extension.span);
            }
            let Modifiers { at, offset } = &selector.modifiers;
            if let Some(at) = at {
                line("at", at.span);
            }
            if let Some(offset) = offset {
                line("offset", offset.span);
                line("duration", offset.node.span);
            }
        };
        match &expr.kind {
            ExprKind::Selector(plain) => selector(plain),
            ExprKind::Range(range) => {
                selector(&range.selector);
                line("selector", range.selector_span);
                line("range", range.range.span);
            }
            ExprKind::Subquery(subquery) => {
                line("range", subquery.range.span);
                if let Some(step) = &subquery.step {
                    line("step", step.span);
                }
            }
            ExprKind::Call(call) => line("function", call.name_span),
            ExprKind::Aggregate(aggregate) => {
                let Aggregate { op, grouping, .. } = &**aggregate;
                line("aggregation", op.span);
                if let Some(grouping) = grouping {
                    line("grouping", grouping.span);
                    for label in &grouping.labels {
                        line("label", label.span);
                    }
                }
            }
            ExprKind::Binary(binary) => {
                let Binary { op, return_bool, matching, .. } = &**binary;
                line("op", op.span);
                if let Some(span) = return_bool {
                    line("bool", *span);
                }
                if let Some(matching) = matching {
                    line("matching", matching.span);
                    if let Some(group) = &matching.group {
                        line("group", group.span);
                    }
                }
            }
            ExprKind::Unary(unary) => line("op", unary.op_span),
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Paren(_) => {}
        }
        line("all", expr.span);
    });
    out
}

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    let expr = parse(text, &ALL).unwrap();
    assert_eq!(spans(text, &expr).lines().collect::<Vec<_>>(), expect);
}

#[test]
fn every_part_knows_where_it_stands() {
    check(
        " x{ a = 'b' , c!~\"d\"} offset 5m @ start ( ) ",
        &[
            "name: x",
            "matcher: a = 'b'",
            "label: a",
            "op: =",
            "value: 'b'",
            "matcher: c!~\"d\"",
            "label: c",
            "op: !~",
            "value: \"d\"",
            "at: @ start ( )",
            "offset: offset 5m",
            "duration: 5m",
            "all: x{ a = 'b' , c!~\"d\"} offset 5m @ start ( )",
        ],
    );
    check(
        "sum (rate(é_{}[ 5m*2 ] smoothed)) by ( a, \"b\" )".replace('é', "e").as_str(),
        &[
            "aggregation: sum",
            "grouping: by ( a, \"b\" )",
            "label: a",
            "label: \"b\"",
            "all: sum (rate(e_{}[ 5m*2 ] smoothed)) by ( a, \"b\" )",
            "function: rate",
            "all: rate(e_{}[ 5m*2 ] smoothed)",
            "name: e_",
            "extension: smoothed",
            "selector: e_{}",
            "range: 5m*2",
            "all: e_{}[ 5m*2 ] smoothed",
        ],
    );
    check(
        "a > bool on ( x ) group_left -b",
        &[
            "op: >",
            "bool: bool",
            "matching: on ( x ) group_left",
            "group: group_left",
            "all: a > bool on ( x ) group_left -b",
            "name: a",
            "all: a",
            "op: -",
            "all: -b",
            "name: b",
            "all: b",
        ],
    );
    check(
        "({\"é\"} [-(-1h):step()])",
        &[
            "all: ({\"é\"} [-(-1h):step()])",
            "range: -(-1h)",
            "step: step()",
            "all: {\"é\"} [-(-1h):step()]",
            "name: \"é\"",
            "all: {\"é\"}",
        ],
    );
}

#[test]
fn variables_stand_for_durations_labels_and_matchers() {
    let text = "sum by ($by, model) (rate(x{$selector, a=\"1\"}[$window] offset ${back}))";
    let expr = parse(text, &ALL).unwrap();
    assert_eq!(expr.to_string(), "sum by ($by, model) (rate(x{a=\"1\",$selector}[$window] offset ${back}))");
    assert_eq!(parse(&expr.to_string(), &ALL).unwrap().to_string(), expr.to_string());
    let refused = parse(text, &PLAIN).unwrap_err().first();
    assert_eq!(refused, "1:9: parse error: unexpected character: '$'");
    for text in ["{$a}", "x[$__rate_interval:${step:raw}]", "x[max_of($a, 1m) * 2]", "a + on($x) b"] {
        assert_eq!(
            parse(text, &ALL).map(|expr| expr.to_string()).as_deref(),
            Ok(text).map(|text| match text {
                "a + on($x) b" => "a + on ($x) b",
                text => text,
            })
        );
    }
    let quoted = "sum by (\"$by\") (x)";
    assert_eq!(parse(quoted, &PLAIN).unwrap().to_string(), quoted, "a label of that name");
    for text in ["$x", "x + $y", "x{a=$b}", "x{$}", "x[${}]", "x[${a]", "x @ $t"] {
        assert!(parse(text, &ALL).is_err(), "{text}");
    }
}

#[test]
fn what_is_experimental_has_to_be_asked_for() {
    let message = |text| parse(text, &PLAIN).unwrap_err().first();
    assert_eq!(message("info(x)"), "1:1: parse error: function \"info\" is not enabled");
    assert_eq!(
        message("a + fill(1) b"),
        "1:1: parse error: binop fill modifiers are experimental and not enabled"
    );
    let limitk =
        "limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions";
    assert_eq!(message("LIMITK(1, x)"), format!("1:1: parse error: {limitk}"));
    assert!(parse("x[max_of(step(), 1m)] smoothed", &PLAIN).is_ok(), "part of the language");
}

#[test]
fn lines_are_counted_and_places_become_those_of_a_file() {
    let errors = parse("rate(x)\n  + abs('é', \"a\")", &PLAIN).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector\n\
         2:5: parse error: expected 1 argument(s) in call to \"abs\", got 2\n\
         2:9: parse error: expected type instant vector in call to function \"abs\", got string"
    );
    let source = Source::new("f.yaml", "expr: rate(x)");
    let errors = parse("rate(x)", &PLAIN).unwrap_err();
    let found = errors.diagnostics(&source, |span| Span::new(span.start + 6, span.end + 6));
    assert_eq!(source.slice(found[0].labels[0].span), "x");
}

#[test]
fn depth_is_bounded_and_bounded_trees_are_safe() {
    let deep: [fn(usize) -> String; 8] = [
        |n| format!("{}x{}", "(".repeat(n), ")".repeat(n)),
        |n| format!("{}x{}", "abs(".repeat(n), ")".repeat(n)),
        |n| format!("{}x{}", "sum by (a) (".repeat(n), ")".repeat(n)),
        |n| format!("{}x", "-".repeat(n)),
        |n| format!("x{}", " + x".repeat(n)),
        |n| format!("x{}", " ^ x".repeat(n)),
        |n| format!("{}x{}", "sum(1 + ".repeat(n / 2), ")".repeat(n / 2)),
        |n| format!("{}x{}", "last_over_time(".repeat(n / 2), "[1m:])".repeat(n / 2)),
    ];
    for write in deep {
        let text = write(MAX_DEPTH - 2);
        let mut expr = parse(&text, &PLAIN).unwrap();
        let printed = expr.to_string();
        assert_eq!(parse(&printed, &PLAIN).unwrap().to_string(), printed);
        assert_eq!(parse(&pretty(&expr, 20), &PLAIN).unwrap().to_string(), printed);
        assert_eq!(expr.metric_names(), ["x"].into());
        expr.walk_mut(&mut |_| {});
        assert_eq!(expr.clone(), expr);
        drop(expr);
        for levels in [MAX_DEPTH + 1, 2 * MAX_DEPTH + 2, 50_000] {
            let message = parse(&write(levels), &PLAIN).unwrap_err().to_string();
            assert!(message.contains("nested more than 256 levels deep"), "{message}");
        }
    }
    let wide = format!("x[{}1m]", "-(".repeat(60) + "1m" + &")".repeat(60) + &" + 1m".repeat(60) + " - ");
    assert!(parse(&wide, &PLAIN).is_ok());
    assert!(parse(&format!("x[{}]", vec!["1m"; 1000].join("+")), &PLAIN).is_err());
    for open in
        ["(", "{", "[", "x[", "sum(", "abs(", "x{a=", "\"", "1+", "sum by (", "x offset (", "x[min_of("]
    {
        parse(&open.repeat(5000), &PLAIN).unwrap_err();
    }
}

#[test]
fn a_tree_without_parentheses_is_printed_with_those_it_needs() {
    let mut expr =
        parse("((a + b) * (c ^ (d ^ e)) - (f - g)) ^ (-(h * i)) ^ (-1) + last_over_time((-a)[5m:])", &PLAIN)
            .unwrap();
    expr.walk_mut(&mut |expr| {
        if let ExprKind::Paren(inner) = &expr.kind {
            *expr = (**inner).clone();
        }
    });
    assert_eq!(
        expr.to_string(),
        "((a + b) * c ^ d ^ e - (f - g)) ^ (-(h * i)) ^ -1 + last_over_time((-a)[5m:])"
    );
}

#[test]
fn a_duration_that_its_units_cannot_say_is_printed_in_seconds() {
    let printed = |text| parse(text, &PLAIN).unwrap().to_string();
    assert_eq!(printed("x[0.0005]"), "x[0.0005]");
    assert_eq!(printed("x[1.5]"), "x[1s500ms]");
    assert_eq!(printed("x offset --1m + 2"), "x offset (1m + 2)");
    let DurationExpr { kind, .. } = match parse("x[90s]", &PLAIN).unwrap().kind {
        ExprKind::Range(range) => range.range,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind, DurationKind::Literal(Number { value: 90.0, is_duration: true }));
}

#[test]
fn selectors_alone() {
    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let got = crate::promql::syntax::parse_selector(text, &Options::default());
        let shown = got.map(|selector| selector.to_string()).map_err(|errors| errors.first());
        assert_eq!(shown.as_deref().map_err(String::as_str), expect);
    }
    check("up", Ok("up"));
    check("{}", Ok("{}"));
    check("sum{a=\"b\",}", Ok("sum{a=\"b\"}"));
    check("{\"x y\",a!~\"b\"}", Ok("{__name__=\"x y\",a!~\"b\"}"));
    check("up{", Err("1:4: parse error: unexpected end of input inside braces"));
    check("up{a=}", Err("1:6: parse error: unexpected \"}\" in label matching, expected string"));
    check("rate(up)", Err("1:5: parse error: unexpected \"(\""));
    check("up offset 5m", Err("1:4: parse error: unexpected <offset>"));
    check("up[5m]", Err("1:3: parse error: unexpected \"[\""));
    check("1", Err("1:1: parse error: unexpected number \"1\""));
    check("", Err("unknown position: parse error: unexpected end of input"));
    check("up{}a", Err("1:5: parse error: unexpected identifier \"a\""));
    check("up{\"", Err("1:4: parse error: unterminated quoted string"));
}
