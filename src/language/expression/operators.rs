//! The operators `+ - * / % < <= > >= == !=`, as conditions use them.
//!
//! They are CEL's, with two differences. Whole and fractional numbers may be mixed in arithmetic, because one sample is 5 and
//! the next 5.5. And what has no answer is an error: CEL's own `==` says false for a null, for a NaN, and for a text beside a
//! number, and a condition that is false for such a reason would let a run go on, or end it as healthy.
//!
//! `&&` and `||` go from the left to the right, as guards are written: CEL lets the right side stand in for a left side that has no
//! value, and `p98.value < 0.1 || true` would hold though nothing was measured.
//!
//! When a condition is compiled, each operator becomes a call of one of the functions here, with the names of both
//! operands, so that the message can say which of them has no value.

use std::cmp::Ordering;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::common::functions::Function;
use cel::common::types::{CelBool, CelDouble, CelInt, CelString, CelUInt, DYN_TYPE, Kind, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use super::names::dotted;

type Values<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// The marker of an error that was written for people, beside the operator's own name.
pub(super) const READABLE: &str = "@readable";

/// CEL's name, ours, and what it does.
const OPERATORS: [(&str, &str, Function); 11] = [
    (operators::ADD, "@add", |args| arithmetic(Operator::Add, &args)),
    (operators::SUBSTRACT, "@subtract", |args| arithmetic(Operator::Subtract, &args)),
    (operators::MULTIPLY, "@multiply", |args| arithmetic(Operator::Multiply, &args)),
    (operators::DIVIDE, "@divide", |args| arithmetic(Operator::Divide, &args)),
    (operators::MODULO, "@modulo", |args| arithmetic(Operator::Modulo, &args)),
    (operators::LESS, "@less", |args| relation("<", &args, Ordering::is_lt)),
    (operators::LESS_EQUALS, "@less_equals", |args| relation("<=", &args, Ordering::is_le)),
    (operators::GREATER, "@greater", |args| relation(">", &args, Ordering::is_gt)),
    (operators::GREATER_EQUALS, "@greater_equals", |args| relation(">=", &args, Ordering::is_ge)),
    (operators::EQUALS, "@equals", |args| equality("==", &args).map(truth)),
    (operators::NOT_EQUALS, "@not_equals", |args| equality("!=", &args).map(|equal| truth(!equal))),
];

/// Declares the operators.
pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    for (_, name, function) in OPERATORS {
        env.add_overload(name, name, vec![DYN_TYPE, DYN_TYPE, STRING_TYPE, STRING_TYPE], function)?;
    }
    Ok(())
}

/// Whether a call is of an operator that this module replaces: its operands are values, and are compared or computed with.
pub(super) fn is_operator(call: &CallExpr) -> bool {
    call.target.is_none() && call.args.len() == 2 && ours(&call.func_name).is_some()
}

/// Makes `call` a call of our operator.
pub(super) fn replace(call: &mut CallExpr) {
    let [left, _] = call.args.as_slice() else { return };
    // What CEL's own macros made, such as `@result + [x]`, is theirs: the interpreter recognises its shape.
    if call.target.is_some() || matches!(&left.expr, Expr::Ident(name) if name.starts_with('@')) {
        return;
    }
    // `a && b` is `a ? b : false`, and `a || b` is `a ? true : b`: a condition's own error stays one.
    if let Some(short) = match call.func_name.as_str() {
        operators::LOGICAL_AND => Some(false),
        operators::LOGICAL_OR => Some(true),
        _ => None,
    } {
        let literal = IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::Boolean(CelBool::from(short))) };
        call.func_name = operators::CONDITIONAL.into();
        call.args.insert(if short { 1 } else { 2 }, literal);
        return;
    }
    if let Some(name) = ours(&call.func_name) {
        let names: Vec<String> = call.args.iter().map(|arg| dotted(arg).unwrap_or_default()).collect();
        call.func_name = name.into();
        call.args.extend(
            names
                .into_iter()
                .map(|name| IdedExpr { id: 0, expr: Expr::Literal(LiteralValue::String(CelString::from(name))) }),
        );
    }
}

fn ours(cel: &str) -> Option<&'static str> {
    OPERATORS.iter().find(|(theirs, ..)| *theirs == cel).map(|(_, name, _)| *name)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Operator {
    fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Modulo => "%",
        }
    }

    fn on_doubles(self, a: f64, b: f64) -> Option<f64> {
        Some(match self {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide => a / b,
            Operator::Modulo => return None,
        })
    }
}

fn arithmetic<'b, 'v>(operator: Operator, args: &Values<'b, 'v>) -> Answer<'b, 'v> {
    let (left, right) = operands(operator.symbol(), args)?;
    let (a, b) = (left.value, right.value);
    let wrong = || mismatch(operator.symbol(), &left, &right);
    if let (Some(a), Some(b)) = (Number::of(a), Number::of(b))
        && (matches!(a, Number::Double(_)) || matches!(b, Number::Double(_)))
    {
        let value = operator.on_doubles(a.double(), b.double()).ok_or_else(wrong)?;
        return if value.is_finite() {
            Ok(CowVal::owned(CelDouble::from(value)))
        } else if operator == Operator::Divide && b.double() == 0.0 {
            Err(readable(format!("{} is 0, and nothing can be divided by it", right.name)))
        } else {
            Err(readable(format!("`{}` of {} and {} gives no number", operator.symbol(), left.name, right.name)))
        };
    }
    let value = match operator {
        Operator::Add => a.as_adder().ok_or_else(wrong)?.add(b)?.into_owned(),
        Operator::Subtract => a.as_subtractor().ok_or_else(wrong)?.sub(b)?.into_owned(),
        Operator::Multiply => a.as_multiplier().ok_or_else(wrong)?.mul(b)?.into_owned(),
        Operator::Divide => a.as_divider().ok_or_else(wrong)?.div(b)?.into_owned(),
        Operator::Modulo => a.as_modder().ok_or_else(wrong)?.modulo(b)?.into_owned(),
    };
    Ok(CowVal::Owned(value))
}

fn relation<'b, 'v>(symbol: &str, args: &Values<'b, 'v>, holds: fn(Ordering) -> bool) -> Answer<'b, 'v> {
    let (left, right) = operands(symbol, args)?;
    let ordering = match (Number::of(left.value), Number::of(right.value)) {
        (Some(a), Some(b)) => a.compare(b),
        _ => left.value.as_comparer().and_then(|comparer| comparer.compare(right.value).ok()),
    };
    ordering.map(|ordering| truth(holds(ordering))).ok_or_else(|| mismatch(symbol, &left, &right))
}

fn equality(symbol: &str, args: &Values<'_, '_>) -> Result<bool, ExecutionError> {
    let (left, right) = operands(symbol, args)?;
    match (Number::of(left.value), Number::of(right.value)) {
        (Some(a), Some(b)) => a.compare(b).map(Ordering::is_eq).ok_or_else(|| mismatch(symbol, &left, &right)),
        _ if left.kind() == right.kind() => Ok(left.value.equals(right.value)),
        _ => Err(mismatch(symbol, &left, &right)),
    }
}

/// `a + b`, for a sum.
pub(super) fn sum<'b, 'v>(a: &(dyn Val + 'v), b: &(dyn Val + 'v)) -> Answer<'b, 'v> {
    let total = match (Number::of(a), Number::of(b)) {
        (Some(Number::Int(a)), Some(Number::Int(b))) => a.checked_add(b).map(|sum| CowVal::owned(CelInt::from(sum))),
        (Some(a), Some(b)) => {
            let sum = a.double() + b.double();
            sum.is_finite().then(|| CowVal::owned(CelDouble::from(sum)))
        }
        _ => return Err(readable("`sum` adds numbers, and the list has another value".to_owned())),
    };
    total.ok_or_else(|| readable("the `sum` is no number".to_owned()))
}

/// The number that it is.
pub(super) fn number(value: &dyn Val) -> Option<f64> {
    Number::of(value).map(Number::double)
}

/// Which of two comes first; `None`: they are not of one kind.
pub(super) fn compare(a: &dyn Val, b: &dyn Val) -> Option<Ordering> {
    match (Number::of(a), Number::of(b)) {
        (Some(a), Some(b)) => a.compare(b),
        _ => Some(a.downcast_ref::<CelString>()?.inner().cmp(b.downcast_ref::<CelString>()?.inner())),
    }
}

/// Whether two are the same, whole and fractional numbers alike.
pub(super) fn same(a: &dyn Val, b: &dyn Val) -> bool {
    match (Number::of(a), Number::of(b)) {
        (Some(a), Some(b)) => a.compare(b).is_some_and(Ordering::is_eq),
        _ => a.equals(b),
    }
}

fn truth<'b, 'v>(value: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(value))
}

/// One side of an operator.
struct Operand<'a, 'v> {
    value: &'a (dyn Val + 'v),
    name: String,
}

impl Operand<'_, '_> {
    fn kind(&self) -> Kind {
        self.value.get_type().kind()
    }
}

/// Both sides, once it is sure that there is a value on each.
fn operands<'a, 'v>(
    symbol: &str,
    args: &'a [CowVal<'_, 'v>],
) -> Result<(Operand<'a, 'v>, Operand<'a, 'v>), ExecutionError> {
    let [left, right, left_name, right_name] = args else {
        return Err(readable(format!("`{symbol}` takes two values")));
    };
    let named = |name: &CowVal<'_, '_>, side: &str| match name.downcast_ref::<CelString>().map(CelString::inner) {
        Some(name) if !name.is_empty() => format!("`{name}`"),
        _ => format!("the {side} side of `{symbol}`"),
    };
    let left = Operand { value: left.as_ref(), name: named(left_name, "left") };
    let right = Operand { value: right.as_ref(), name: named(right_name, "right") };
    for operand in [&left, &right] {
        match operand.kind() {
            Kind::NullType => return Err(readable(format!("{} is null: there is no value", operand.name))),
            Kind::Opaque => {
                return Err(readable(format!(
                    "{} may have no value; add `.orValue(...)` to say what counts then",
                    operand.name
                )));
            }
            Kind::Double if Number::of(operand.value).is_some_and(|number| number.double().is_nan()) => {
                return Err(readable(format!("{} is NaN: no number", operand.name)));
            }
            _ => {}
        }
    }
    Ok((left, right))
}

fn mismatch(symbol: &str, left: &Operand<'_, '_>, right: &Operand<'_, '_>) -> ExecutionError {
    let (a, b) = (kind_name(left.kind()), kind_name(right.kind()));
    let hint = match (left.kind(), right.kind()) {
        (Kind::String, other) | (other, Kind::String) if Number::is_kind(other) => {
            "; write `double(...)` or `quantity(...)` around the text"
        }
        (Kind::String, Kind::Timestamp) | (Kind::Timestamp, Kind::String) => "; write `timestamp(...)` around the text",
        (Kind::String, Kind::Duration) | (Kind::Duration, Kind::String) => "; write `duration(...)` around the text",
        _ => "",
    };
    readable(format!("`{symbol}` does not go with {} ({a}) and {} ({b}){hint}", left.name, right.name))
}

/// What people call a value of that kind.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "true or false",
        Kind::Int | Kind::UInt => "a whole number",
        Kind::Double => "a number",
        Kind::String => "a text",
        Kind::Bytes => "bytes",
        Kind::List => "a list",
        Kind::Map => "an object",
        Kind::Timestamp => "a time",
        Kind::Duration => "a duration",
        Kind::NullType => "null",
        Kind::Opaque => "a value that may be absent",
        Kind::Type => "a type",
        _ => "something else",
    }
}

/// An error whose message is for people as it is.
pub(super) fn readable(message: String) -> ExecutionError {
    ExecutionError::function_error(READABLE, message)
}

#[derive(Debug, Clone, Copy)]
enum Number {
    Int(i64),
    UInt(u64),
    Double(f64),
}

impl Number {
    fn of(value: &dyn Val) -> Option<Self> {
        if let Some(int) = value.downcast_ref::<CelInt>() {
            return Some(Number::Int(*int.inner()));
        }
        if let Some(double) = value.downcast_ref::<CelDouble>() {
            return Some(Number::Double(*double.inner()));
        }
        value.downcast_ref::<CelUInt>().map(|uint| Number::UInt(*uint.inner()))
    }

    fn is_kind(kind: Kind) -> bool {
        matches!(kind, Kind::Int | Kind::UInt | Kind::Double)
    }

    fn double(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::UInt(value) => value as f64,
            Number::Double(value) => value,
        }
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        let whole = |number| match number {
            Number::Int(value) => Some(i128::from(value)),
            Number::UInt(value) => Some(i128::from(value)),
            Number::Double(_) => None,
        };
        match (whole(self), whole(other)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => self.double().partial_cmp(&other.double()),
        }
    }
}
