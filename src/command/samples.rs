//! What anybody might give to any command, for the tests of each way to ask.

use proptest::prelude::*;
use proptest::sample::select;

use super::{Argument, COMMANDS, Definition, Given, Need, Shape, Value};

/// Anything that may be given to some command.
pub(crate) fn any_given() -> impl Strategy<Value = Given> {
    select(COMMANDS).prop_flat_map(given_to)
}

/// The arguments that were given, with their values, in the order of the definition.
pub(crate) fn values(given: &Given) -> Vec<(&'static Argument, Vec<String>)> {
    let arguments = given.definition.arguments.iter().filter(|argument| given.has(argument.name));
    arguments.map(|argument| (argument, given.all(argument.name).to_vec())).collect()
}

fn given_to(command: &'static Definition) -> impl Strategy<Value = Given> {
    let arguments: Vec<BoxedStrategy<Vec<String>>> = command.arguments.iter().map(values_of).collect();
    (arguments, any::<bool>()).prop_map(move |(values, first)| {
        let mut given = Given::new(command);
        // A word that is left out leaves no place for those behind it.
        let mut no_more = false;
        for (argument, values) in command.arguments.iter().zip(values) {
            let is_left_out = match argument.need {
                Need::Or(_) => argument.shape.has_a_place() != first,
                Need::Required | Need::Optional => false,
            };
            let is_place = argument.shape.has_a_place();
            no_more |= is_place && argument.need == Need::Optional && values.is_empty();
            for value in values.iter().filter(|_| !is_left_out && (!is_place || !no_more)) {
                given.put(argument, value).unwrap_or_else(|error| panic!("{} {value}: {error}", argument.name));
            }
        }
        given
    })
}

/// Values of one argument; for a flag, one for being there.
fn values_of(argument: &'static Argument) -> BoxedStrategy<Vec<String>> {
    let least = usize::from(argument.need != Need::Optional);
    let most = match argument.shape {
        Shape::Words | Shape::List => 5,
        Shape::Pairs => {
            let pairs = proptest::collection::btree_map("[a-z_]{1,10}", ".{0,40}", 0..4);
            let written = |(name, value): (String, String)| format!("{name}={value}");
            return pairs.prop_map(move |pairs| pairs.into_iter().map(written).collect()).boxed();
        }
        _ => 1,
    };
    proptest::collection::vec(value_of(argument), least..=most).boxed()
}

fn value_of(argument: &'static Argument) -> BoxedStrategy<String> {
    match argument.value {
        Value::Incident => (1_i64..1_000_000).prop_map(|n| format!("INC-{n}")).boxed(),
        Value::Approval => (1_i64..1_000_000).prop_map(|n| format!("APR-{n}")).boxed(),
        Value::Window => (1_i64..1_000_000).prop_map(|n| format!("WIN-{n}")).boxed(),
        Value::Override => (1_i64..1_000_000).prop_map(|n| format!("OVR-{n}")).boxed(),
        Value::Run => (1_i64..1_000_000).prop_map(|n| format!("RUN-{n}")).boxed(),
        Value::Freeze => (1_i64..1_000_000).prop_map(|n| format!("FRZ-{n}")).boxed(),
        Value::Freezable => prop_oneof!["all", "(namespace|playbook)=[a-z][a-z0-9-]{0,10}[a-z0-9]"].boxed(),
        Value::Cover => prop_oneof![
            "[a-z_]{1,8}(=|!=)[a-zA-Z0-9./:~=-]{0,12}",
            "[a-z_]{1,8}(=~|!~)[a-z|.*+]{0,8}[a-z]",
            "[A-Z][a-z]{1,8}/[a-z*-]{0,6}/[a-z*]{1,6}",
        ]
        .prop_filter("it must be one", |text| Value::Cover.read(text, "").is_ok())
        .boxed(),
        Value::Start => prop_oneof!["[1-9][smhd]", "2026-0[1-9]-1[0-9]T0[0-9]:[0-5][0-9](Z|\\+02:00)"].boxed(),
        Value::Severity => "S[1-4]".boxed(),
        Value::Duration => "[1-9]{1,2}[smhd]".boxed(),
        Value::Pair => "[a-z]{1,5}=[a-z]{0,5}".boxed(),
        Value::OneOf { words, .. } => select(words).prop_map(str::to_owned).boxed(),
        Value::Text if argument.shape == Shape::Word => "[a-z][a-z-]{0,19}".boxed(),
        // Nobody types one that begins or ends with white space on purpose. Some begin like
        // something else.
        Value::Text => {
            prop_oneof![3 => "[^\\s](.{0,60}[^\\s])?", 1 => "(INC-[0-9]|[0-9]|--?|--note|-n)[ ,:x]{0,2}[0-9a-z]{1,4}"]
                .boxed()
        }
    }
}
