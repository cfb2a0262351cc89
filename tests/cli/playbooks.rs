//! `dogwatch playbooks`: what counts, how it did, and what it was.

use std::fs;

use insta::assert_snapshot;

use super::serve::until;
use super::serving::{self, Serving};

const NAME: &str = "coredns-saturated";

fn shipped(extension: &str) -> String {
    fs::read_to_string(super::root().join("playbooks/dns").join(format!("{NAME}.{extension}"))).unwrap()
}

/// Times and digests are others each day.
fn without_digests(text: &str) -> String {
    let pattern = regex::Regex::new(r"\b[0-9a-f]{12}\b|\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?").unwrap();
    pattern.replace_all(text, "...").into_owned()
}

#[test]
fn playbooks_are_listed_with_what_they_were() {
    let folder = serving::folder();
    let path = |name: &str| folder.path().join("playbooks").join(name);
    fs::write(path(&format!("{NAME}.yaml")), shipped("yaml")).unwrap();
    fs::write(path(&format!("{NAME}.cases.yaml")), shipped("cases.yaml")).unwrap();
    let server = Serving::start_in(folder, &[]);
    let asks = |args: &[&str]| server.ask("eve", &[&["playbooks"], args].concat());
    until(|| asks(&["history", NAME]).code == 0);

    let changed = shipped("yaml").replacen("version: 1.0.0", "version: 1.1.0", 1).replacen(
        "metadata: {",
        "metadata: { review_by: 2020-01-31,",
        1,
    );
    assert_ne!(changed, shipped("yaml"));
    fs::write(server.folder.path().join("playbooks").join(format!("{NAME}.yaml")), changed).unwrap();
    server.signal("HUP");
    until(|| asks(&["history", NAME]).out.contains("1.1.0"));

    assert_snapshot!(asks(&[]).out, @"
    PLAYBOOK           VERSION  OWNER     SEV  AUTONOMY  CASES  RUNS  LAST
    coredns-saturated  1.1.0    platform  S2   auto      66     0     never
    coredns-saturated was to be reviewed by 2020-01-31 (platform)
    ");
    assert_snapshot!(without_digests(&asks(&["history", NAME]).out), @"
    coredns-saturated
      1.1.0 ... since ... UTC: 0 runs, counts now
      1.0.0 ... since ... UTC: 0 runs
    ");
    assert_snapshot!(without_digests(&asks(&["diff", NAME]).out), @"
    --- coredns-saturated 1.0.0 ...
    +++ coredns-saturated 1.1.0 ...
    @@ -27,7 +27,7 @@
     # repository, an operator or an add-on manager keeps is not touched.
     apiVersion: dogwatch/v1
     kind: Playbook
    -metadata: { name: coredns-saturated, version: 1.0.0, owner: platform }
    +metadata: { review_by: 2020-01-31, name: coredns-saturated, version: 1.1.0, owner: platform }
     summary: CoreDNS has too little capacity for the cluster's queries
     severity: S2
     autonomy: auto
    ");
    for (wrong, said) in [
        (&["history"][..], "error: which playbook? write its name behind that: coredns-saturated"),
        (&["history", "no-such"], "error: nothing was kept of a playbook `no-such`; /playbooks lists those that count"),
        (
            &["diff", NAME, "3.0.0"],
            "no version and no digest of it is `3.0.0`; `/playbooks history coredns-saturated` lists",
        ),
        (&["diff", NAME, "1.1.0", "1.0.0"], ""),
        (&["diff", NAME, "1.0.0", "1.0.0"], ""),
        (&["gone"], "`gone` is no question about playbooks; write one of `list`, `history` and `diff`"),
    ] {
        let answer = asks(wrong);
        assert!(
            answer.err.contains(said) && (answer.code == 0) == said.is_empty(),
            "{wrong:?}: {} {}",
            answer.out,
            answer.err
        );
    }
    let same = asks(&["diff", NAME, "1.0.0", "1.0.0"]).out;
    assert!(same.contains(" are the same"), "{same}");
    server.stop();
}
