use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::{ApprovalId, IncidentId, IncidentList, IncidentState, Severity, Verdict};

fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn commands_are_read_as_people_write_them() {
    let run = |set, dry_run| Command::Run { playbook: "pvc-filling".into(), set, dry_run };
    let resolve = |note: Option<&str>| Command::Resolve { incident: IncidentId(7), note: note.map(str::to_owned) };
    let answer = |verdict| Command::Approve { approval: ApprovalId(3), verdict, digest: None };
    let all = || Command::Incidents(IncidentList { all: true, ..Default::default() });
    let some = || {
        Command::Incidents(IncidentList {
            all: false,
            mine: true,
            team: Some("db".into()),
            severities: vec![Severity::S1, Severity::S2],
            states: vec![IncidentState::Open],
            json: true,
        })
    };
    let ids = || [3, 4, 5].map(IncidentId).to_vec();
    let many = |note: Option<&str>| Command::ResolveMany { incidents: ids(), note: note.map(str::to_owned) };
    for (text, command) in [
        ("/incidents", Command::Incidents(IncidentList::default())),
        ("  incidents all ", all()),
        ("/incidents --all", all()),
        ("/incidents -a", all()),
        ("/incidents --severity s1,S2 --team db mine --state=open -o json", some()),
        ("/incidents --output json --mine --severity S1 --severity S2 --team 'db' --state OPEN", some()),
        ("/ack INC-7", Command::Ack { incident: IncidentId(7) }),
        ("ACK inc-7", Command::Ack { incident: IncidentId(7) }),
        ("ack 7", Command::Ack { incident: IncidentId(7) }),
        ("/ack INC-3 INC-4 5", Command::AckMany { incidents: ids() }),
        ("/ack 3,4, inc-5 INC-3", Command::AckMany { incidents: ids() }),
        ("/ack INC-7 7", Command::Ack { incident: IncidentId(7) }),
        ("/ack --all-of databases", Command::AckAllOf { team: "databases".into() }),
        ("/why INC-7", Command::Why { incident: IncidentId(7) }),
        ("/resolve INC-7", resolve(None)),
        ("/resolve INC-7 it's the \"disk\"  again ", resolve(Some("it's the \"disk\"  again"))),
        ("/resolve INC-3 INC-4 INC-5", many(None)),
        ("/resolve 3,4,5 two of 3 disks", many(Some("two of 3 disks"))),
        ("/resolve 3 INC-4, INC-5 -- INC-4 was the cause", many(Some("INC-4 was the cause"))),
        ("/resolve INC-7 2 disks were full", resolve(Some("2 disks were full"))),
        ("/resolve INC-7 -- 42", resolve(Some("42"))),
        ("/resolve INC-7 -- --dry-run did it", resolve(Some("--dry-run did it"))),
        ("/resolve INC-7 -n is no option here", resolve(Some("-n is no option here"))),
        ("/resolve INC-7 inc-identally fine", resolve(Some("inc-identally fine"))),
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
        "whatever reboot everything",
        "/ack",
        "/ack INC-",
        "/ack RUN-7",
        "/ack INC-7 disk",
        "/ack --all-of",
        "/ack --al-of databases",
        "/ack INC-7 --all-of databases",
        &format!("/ack {}", (1..=51).map(|n| n.to_string()).collect::<Vec<_>>().join(" ")),
        "/incidents yours",
        "/incidents --severity S5",
        "/incidents --state closed",
        "/incidents --all=yes",
        "/incidents --team a --team b",
        "/incidents -o yaml",
        "/why INC-7 INC-8",
        "/why",
        "/resolve",
        "/resolve disk",
        "/resolve INC-3 INC-4: the same",
        "/resolve 3 4 5",
        "/resolve --all-of databases",
        "/resolve INC-7 --dry-run",
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
    `whatever` is no command; /help lists the commands
    it does not say which one; write it like /ack INC-7
    `INC-` is no INC number; write it as `INC-7`; /incidents lists them
    `RUN-7` is no INC number; write it as `INC-7`; /incidents lists them
    `disk` is no INC number; write it as `INC-7`; /incidents lists them
    nothing follows `--all-of`; write it like /ack INC-7
    `--al-of` is no option of /ack; did you mean --all-of?
    --all-of says already which ones; name either them or that
    these are more than 50 at once; ask for them in several commands
    `yours` is too much here; write it like /incidents all
    `S5` is no severity; write S1, S2, S3 or S4
    `closed` is no state; write one of `open`, `acknowledged`, `mitigated` and `resolved`
    `--all` takes no value; write just --all
    `--team` is given twice; say once what it is to be
    `yaml` is no format; write one of `text` and `json`
    `INC-8` is too much here; write it like /why INC-7
    it does not say which one; write it like /why INC-7
    it does not say which one; write it like /resolve INC-7 it was the disk
    `disk` is no INC number; write it as `INC-7`; /incidents lists them
    `INC-4:` is no INC number; write it as `INC-7`; write -- before a note that begins like that
    `4 5` may be a note or more incidents; write incidents as INC-7, and -- before such a note
    `--all-of` is no option of /resolve; write -- before a note that begins like that
    `--dry-run` is no option of /resolve; write -- before a note that begins like that
    `INC-7` is no APR number; write it as `APR-7`; the question says which
    it does not say which one; write it like /deny APR-7 the replica is being rebuilt by hand
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

#[test]
fn what_a_reason_would_swallow_is_refused() {
    let wrong = |line: &str| parse_command(line).unwrap_err().to_string();
    for option in ["--for 2h", "--for=2h"] {
        let said = wrong(&format!("/freeze all moving the storage {option}"));
        assert!(said.contains("stands within the reason, where it counts for nothing"), "{said}");
    }
    for line in
        ["/freeze namespace=db namespace=web", "/freeze all but namespace=web --", "/freeze playbook=a -- playbook=b"]
    {
        assert!(wrong(line).contains("one freeze covers one thing"), "{line}: {}", wrong(line));
    }
    assert!(wrong("/silence namespace=db moving it --for 1h").contains("`--for` stands within"));
    for line in
        ["/freeze all --for 2h moving the storage", "/freeze all -- as `--for 2h` was too short", "/freeze all a=b"]
    {
        assert!(parse_command(line).is_ok(), "{line}");
    }
}
