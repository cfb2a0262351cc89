//! What an expression takes from where: with the variables of loops in the place of what they stand
//! for, so that `pods.items.filter(p, p.status.phase == 'x')` takes `pods.items.*.status.phase`.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use super::names::TYPES;

/// The part of a path that stands for whichever entry of a list.
pub const ENTRY: &str = "*";

/// The variables of the loops around a place, each with the path that it stands for; `None`: nobody
/// knows. The innermost is the last.
type Locals<'e> = Vec<(&'e str, Option<Vec<String>>)>;

/// The paths that are taken, as long as they are known, each once.
pub(super) fn paths(expression: &IdedExpr) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    collect(expression, &mut Vec::new(), true, &mut found);
    found
}

/// The path of what the expression gives, where it gives what stands at one, or some entries of it.
pub(super) fn stands_for(expression: &IdedExpr) -> Option<Vec<String>> {
    path_of(expression, &Vec::new())
}

/// `is_whole`: no longer path goes on from here.
fn collect<'e>(expression: &'e IdedExpr, locals: &mut Locals<'e>, is_whole: bool, found: &mut Vec<Vec<String>>) {
    let path = path_of(expression, locals);
    let is_known = path.is_some();
    if let Some(path) = path.filter(|path| is_whole && !found.contains(path)) {
        found.push(path);
    }
    match &expression.expr {
        Expr::Select(select) => collect(&select.operand, locals, !is_known, found),
        Expr::Call(call) => {
            for (n, part) in call.target.as_deref().into_iter().chain(&call.args).enumerate() {
                collect(part, locals, n > 0 || !is_known, found);
            }
        }
        Expr::Comprehension(made) => {
            collect(&made.iter_range, locals, true, found);
            collect(&made.accu_init, locals, true, found);
            let outer = locals.len();
            let [entry, result] = variables(made, locals);
            locals.push((&made.iter_var, entry));
            locals.extend(made.iter_var2.as_deref().map(|name| (name, None)));
            locals.push((&made.accu_var, result));
            for part in [&made.loop_cond, &made.loop_step, &made.result] {
                collect(part, locals, true, found);
            }
            locals.truncate(outer);
        }
        _ => {
            for part in super::tree::children(expression) {
                collect(part, locals, true, found);
            }
        }
    }
}

/// What the variables of a loop stand for: the entry, and what is gathered.
fn variables(made: &ComprehensionExpr, locals: &Locals<'_>) -> [Option<Vec<String>>; 2] {
    // `optMap` is written as a loop over nothing, whose value is in what is gathered.
    if is_empty(&made.iter_range) {
        return [None, path_of(&made.accu_init, locals)];
    }
    let entry = path_of(&made.iter_range, locals).filter(|_| made.iter_var2.is_none());
    [entry.map(|path| with(path, ENTRY)), None]
}

fn path_of(expression: &IdedExpr, locals: &Locals<'_>) -> Option<Vec<String>> {
    match &expression.expr {
        Expr::Ident(name) => {
            let name = name.strip_prefix('.').unwrap_or(name);
            match locals.iter().rev().find(|(local, _)| *local == name) {
                Some((_, path)) => path.clone(),
                None if name.starts_with(['@', '#']) || TYPES.contains(&name) => None,
                None => Some(vec![name.to_owned()]),
            }
        }
        // What `has()` asks for is looked up as well.
        Expr::Select(select) => path_of(&select.operand, locals).map(|path| with(path, &select.field)),
        Expr::Call(call) => of_call(call, locals),
        Expr::Comprehension(made) if is_filter(made) => path_of(&made.iter_range, locals),
        _ => None,
    }
}

fn of_call(call: &CallExpr, locals: &Locals<'_>) -> Option<Vec<String>> {
    match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
        (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, None, [of, key]) => {
            let path = path_of(of, locals)?;
            Some(match &key.expr {
                Expr::Literal(LiteralValue::String(text)) => with(path, text.inner()),
                _ => with(path, ENTRY),
            })
        }
        // Another default may be of any type.
        ("orValue", Some(of), [default]) if is_empty(default) => path_of(of, locals),
        ("value", Some(of), []) => path_of(of, locals),
        _ => None,
    }
}

/// `list.filter(it, ...)`: what is gathered are entries of the list as they are.
fn is_filter(made: &ComprehensionExpr) -> bool {
    let is_gathered = |it: &IdedExpr| matches!(&it.expr, Expr::Ident(name) if *name == made.accu_var);
    let is_entry = |it: &IdedExpr| matches!(&it.expr, Expr::Ident(name) if *name == made.iter_var);
    let Expr::Call(step) = &made.loop_step.expr else { return false };
    let (operators::CONDITIONAL, [_, taken, left]) = (step.func_name.as_str(), step.args.as_slice()) else {
        return false;
    };
    let Expr::Call(taken) = &taken.expr else { return false };
    let (operators::ADD, [before, IdedExpr { expr: Expr::List(added), .. }]) =
        (taken.func_name.as_str(), taken.args.as_slice())
    else {
        return false;
    };
    let adds_it = matches!(added.elements.as_slice(), [one] if is_entry(one));
    adds_it && is_gathered(before) && is_gathered(left) && is_gathered(&made.result) && is_empty(&made.accu_init)
}

fn is_empty(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::List(list) => list.elements.is_empty(),
        Expr::Map(map) => map.entries.is_empty(),
        _ => false,
    }
}

fn with(mut path: Vec<String>, part: &str) -> Vec<String> {
    path.push(part.to_owned());
    path
}

#[cfg(test)]
mod tests {
    use crate::language::Expression;

    fn taken(source: &str) -> Vec<String> {
        let expression = Expression::compile(source).unwrap();
        expression
            .paths()
            .iter()
            .map(|path| path.join("."))
            .filter(|path| path.contains('.') && !path.ends_with(".*"))
            .collect()
    }

    fn stands_for(source: &str) -> Option<String> {
        Expression::compile(source).unwrap().stands_for().map(|path| path.join("."))
    }

    #[test]
    fn the_variable_of_a_loop_is_an_entry_of_its_list() {
        assert_eq!(taken("a.b.exists(p, p.c.d == 'x')"), ["a.b", "a.b.*.c.d"]);
        assert_eq!(taken("a.b.all(p, p.?c.?d.orValue('') == e.f)"), ["a.b", "a.b.*.c.d", "e.f"]);
        assert_eq!(taken("a.b.exists(p, has(p.c) && p['d'] == 1)"), ["a.b", "a.b.*.c", "a.b.*.d"]);
        assert_eq!(taken("a.?b.orValue([]).exists_one(p, p.c)"), ["a.b", "a.b.*.c"]);
        assert_eq!(taken("a.b.filter(p, p.c).exists(q, q.d)"), ["a.b", "a.b.*.c", "a.b.*.d"]);
        assert_eq!(taken("a.b.filter(p, p.c)[0].d == 1"), ["a.b.*.d", "a.b", "a.b.*.c"]);
        assert_eq!(taken("a.?b.optMap(v, v.c).orValue(false)"), ["a.b", "a.b.c"]);
    }

    #[test]
    fn loops_within_each_other_and_names_that_hide_others() {
        assert_eq!(taken("a.b.exists(p, p.c.exists(q, q.d == p.e))"), ["a.b", "a.b.*.c", "a.b.*.c.*.d", "a.b.*.e"]);
        assert_eq!(taken("a.b.exists(p, p.c.exists(p, p.d)) && p.x"), ["a.b", "a.b.*.c", "a.b.*.c.*.d", "p.x"]);
        assert_eq!(taken("a.exists(a, a.c) && a.d"), ["a.*.c", "a.d"]);
    }

    #[test]
    fn what_map_makes_is_not_known() {
        assert_eq!(taken("a.b.map(p, p.c).exists(q, q.d)"), ["a.b", "a.b.*.c"]);
        assert_eq!(taken("a.b.map(p, {'x': p.c})[0].x == 1"), ["a.b", "a.b.*.c"]);
        assert_eq!(taken("[1, 2].exists(n, n > a.b)"), ["a.b"]);
        assert_eq!(taken("(a.b + c.d).exists(p, p.e)"), ["a.b", "c.d"]);
    }

    #[test]
    fn a_value_stands_for_what_it_is_taken_from() {
        assert_eq!(stands_for("a.b.filter(p, p.c)").as_deref(), Some("a.b"));
        assert_eq!(stands_for("a.?b.orValue([])").as_deref(), Some("a.b"));
        assert_eq!(stands_for("a.b[0]").as_deref(), Some("a.b.*"));
        for unknown in
            ["a.b.map(p, p)", "a.b + c.d", "a.b == 1", "a.b ? c.d : e.f", "a.?b.orValue(c.d)", "a.b.exists(p, p)"]
        {
            assert_eq!(stands_for(unknown), None, "{unknown}");
        }
    }
}
