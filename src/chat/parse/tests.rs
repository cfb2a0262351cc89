use proptest::prelude::*;

use super::*;
use crate::model::ApprovalId;

fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn commands_are_read_as_people_write_them() {
    let run = |set, dry_run| Command::Run { playbook: "pvc-filling".into(), set, dry_run };
    let resolve = |note: Option<&str>| Command::Resolve { incident: IncidentId(7), note: note.map(str::to_owned) };
    let answer = |verdict| Command::Approve { approval: ApprovalId(3), verdict, digest: None };
    for (text, command) in [
        ("/incidents", Command::Incidents { all: false }),
        ("  incidents all ", Command::Incidents { all: true }),
        ("/ack INC-7", Command::Ack { incident: IncidentId(7) }),
        ("ACK inc-7", Command::Ack { incident: IncidentId(7) }),
        ("ack 7", Command::Ack { incident: IncidentId(7) }),
        ("/why INC-7", Command::Why { incident: IncidentId(7) }),
        ("/resolve INC-7", resolve(None)),
        ("/resolve INC-7 it's the \"disk\"  again ", resolve(Some("it's the \"disk\"  again"))),
        ("/approve APR-3", answer(Verdict::Approve)),
        ("/deny apr-3", answer(Verdict::Deny)),
        ("/handoff", Command::Handoff),
        ("/help", Command::Help),
        ("/run pvc-filling", run(set(&[]), false)),
        ("/run pvc-filling --dry-run", run(set(&[]), true)),
        (
            "/run --dry-run pvc-filling namespace=db name=data-1",
            run(set(&[("namespace", "db"), ("name", "data-1")]), true),
        ),
        (
            "run pvc-filling --set name=data-1 by='20 %' note=\"a=b\" x=",
            run(set(&[("name", "data-1"), ("by", "20 %"), ("note", "a=b"), ("x", "")]), false),
        ),
    ] {
        assert_eq!(parse_command(text), Ok(command), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_what_to_write_instead() {
    let said: Vec<String> = [
        "",
        "/",
        "/akc INC-7",
        "/incident",
        "please reboot everything",
        "/ack",
        "/ack INC-",
        "/ack RUN-7",
        "/ack INC-7 INC-8",
        "/incidents mine",
        "/why",
        "/resolve",
        "/resolve disk",
        "/approve INC-7",
        "/deny",
        "/handoff now",
        "/run",
        "/run name=x pvc-filling",
        "/run pvc-filling data-1",
        "/run pvc-filling =x",
        "/run pvc-filling a=1 a=2",
        "/run pvc-filling --force",
        "/run pvc-filling --set",
        "/run pvc-filling note=\"open",
        &"x".repeat(5_000),
    ]
    .iter()
    .map(|text| parse_command(text).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    there is no command; /help lists them
    there is no command; /help lists them
    `akc` is no command; did you mean /ack?
    `incident` is no command; did you mean /incidents?
    `please` is no command; /help lists the commands
    it does not say which one; write it like /ack INC-7
    `INC-` is no INC number; write it as `INC-7`; /incidents lists them
    `RUN-7` is no INC number; write it as `INC-7`; /incidents lists them
    `INC-8` is too much here; write it like /ack INC-7
    `mine` is too much here; write it like /incidents or /incidents all
    it does not say which one; write it like /why INC-7
    it does not say which one; write it like /resolve INC-7 it was the disk
    `disk` is no INC number; write it as `INC-7`; /incidents lists them
    `INC-7` is no APR number; write it as `APR-7`; the question says which
    it does not say which one; write it like /deny APR-7
    `now` is too much here; write it like /handoff
    it does not say which playbook; write it like /run coredns-saturated max_replicas=8 --dry-run
    `pvc-filling` is no input; write name=value, as in /run coredns-saturated max_replicas=8 --dry-run
    `data-1` is no input; write name=value, as in /run coredns-saturated max_replicas=8 --dry-run
    `=x` is no input; write name=value, as in /run coredns-saturated max_replicas=8 --dry-run
    `a` is given twice; say once what it is to be
    `--force` is no option of /run; there is only --dry-run
    nothing follows `--set`; write it like /run coredns-saturated max_replicas=8 --dry-run
    a quote " is not closed; close it with another "
    this is longer than 4000 bytes; write a shorter command
    "#);
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "(/?(run|ack|resolve|incidents|\\PC{0,6}) )?(\\PC|[\"'= -]|--set|--dry-run){0,60}") {
        let _ = parse_command(&text);
    }
}
