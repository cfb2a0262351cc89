//! How fast playbooks are read, conditions decided and cases played:
//! `cargo bench --bench language`.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use dogwatch::clock::{Clock as _, SystemClock};
use dogwatch::cluster::Kinds;
use dogwatch::language::{Expression, Scope};
use dogwatch::playbook::{Catalog, read_kinds};
use dogwatch::rehearse::cases::test_folder;
use serde_json::{Value, json};

/// As they stand in playbooks: over an object, over a number, over a list.
const CONDITIONS: [&str; 3] = [
    "target.status.readyReplicas == target.spec.replicas && target.status.updatedReplicas > 2",
    "p99.value < 0.1",
    "pods.items.filter(p, !p.ready).all(p, p.reason in ['ImagePullBackOff', 'ErrImagePull'])",
];

const ROUNDS: u32 = 20_000;

fn main() {
    conditions();
    check();
    cases();
}

/// How often `f` comes to its end within a second, of so many rounds.
fn per_second(rounds: u32, mut f: impl FnMut(u32)) -> f64 {
    let clock = SystemClock::default();
    let start = clock.monotonic();
    (0..rounds).for_each(&mut f);
    f64::from(rounds) / (clock.monotonic() - start).as_secs_f64()
}

fn values() -> [(&'static str, Value); 3] {
    let pod =
        |n: u32| json!({ "name": format!("web-{n}"), "ready": n != 1, "reason": "ImagePullBackOff", "restarts": n });
    let labels = json!({ "app": "web", "team": "shop", "tier": "gold" });
    let target = json!({
        "metadata": { "namespace": "shop", "name": "web", "labels": labels },
        "spec": { "replicas": 3, "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "web" }] } } },
        "status": { "readyReplicas": 3, "updatedReplicas": 3, "availableReplicas": 3 },
    });
    let pods = json!({ "items": (0..20).map(pod).collect::<Vec<_>>() });
    [("target", target), ("p99", json!({ "value": 0.04 })), ("pods", pods)]
}

fn conditions() {
    let mut scope = Scope::new();
    for (name, value) in values() {
        scope.insert(name.to_owned(), value);
    }
    let read = per_second(2_000, |n| {
        // What was read before is remembered.
        black_box(Expression::compile(&format!("{} || {n} < 0", CONDITIONS[n as usize % 3])).unwrap());
    });
    println!("conditions: {read:>9.0} read/s");
    for source in CONDITIONS {
        let ours = Expression::compile(source).unwrap();
        let decided = per_second(ROUNDS, |_| assert!(black_box(ours.holds(&scope, DateTime::UNIX_EPOCH)).unwrap()));
        let program = cel::Program::compile(source).unwrap();
        let bare = per_second(ROUNDS, |_| {
            let mut context = cel::Context::default();
            for (name, value) in &scope {
                if source.contains(name.as_str()) {
                    context.add_variable(name.as_str(), value).unwrap();
                }
            }
            assert_eq!(black_box(program.execute(&context)), Ok(cel::Value::Bool(true)));
        });
        println!("conditions: {decided:>9.0} decided/s; the cel crate alone {bare:>9.0}/s: {source}");
    }
}

fn shipped() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks"))
}

fn check() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(shipped().join("kinds.yaml"), folder.path().join("kinds.yaml")).unwrap();
    let playbooks = dogwatch::playbook::files_of(shipped()).unwrap().playbooks;
    for n in 0..100 {
        let path = &playbooks[n % playbooks.len()];
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        // No two of them are for the same alert. The copies of one share its conditions.
        let text = text.replace(&format!("name: {name},"), &format!("name: {name}-{n},"));
        let text = text.replace("- alert: ", &format!("- alert: Site{n}"));
        std::fs::write(folder.path().join(format!("{name}-{n}.yaml")), text).unwrap();
    }
    let clock = SystemClock::default();
    let start = clock.monotonic();
    let (catalog, problems) = Catalog::load(folder.path());
    let took = clock.monotonic() - start;
    println!("check: {} playbooks in {took:.1?}, {} problems", catalog.iter().count(), problems.len());
}

fn cases() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (kinds, mut problems) = (Arc::new(Kinds::new()), Vec::new());
    read_kinds(shipped(), &kinds, &mut problems);
    let clock = SystemClock::default();
    let start = clock.monotonic();
    let reports = runtime.block_on(test_folder(shipped(), &kinds, |_| {})).unwrap();
    let took = clock.monotonic() - start;
    let cases: usize = reports.iter().map(|report| report.cases.len()).sum();
    let lasted: Duration = reports.iter().flat_map(|report| &report.cases).map(|case| case.lasted).sum();
    println!("cases: {cases} in {took:.1?}, which are {} hours of their own time", lasted.as_secs() / 3_600);
}
