//! The program that prints the password for a database: what it starts stands beside the processes of
//! these tests, and takes no lock of another test's database with it.

use dogwatch::sql::{Password, Place};

#[tokio::test]
async fn a_program_prints_it_and_is_not_believed_when_it_fails() {
    let command = |words: &[&str]| Password::Command(words.iter().map(|word| word.parse().unwrap()).collect());
    let read =
        async |words: &[&str]| command(words).read(&place()).await.map(|secret| secret.unwrap().expose().to_owned());
    assert_eq!(read(&["printf", "of-%s-%s\n", "{namespace}", "{cluster}"]).await.as_deref(), Ok("of-shop-db"));
    for (words, told) in [
        (&["false"][..], "`false` failed (exit status: 1); what it says of that is not shown: run it by hand"),
        (&["true"], "`true` prints no password, or more than one line"),
        (&["printf", "a\nb"], "`printf` prints no password, or more than one line"),
        (&["head", "-c", "5000", "/dev/zero"], "`head` prints more than a password"),
        (&["no-such-program-here"], "`no-such-program-here` cannot be started"),
    ] {
        let error = read(words).await.unwrap_err();
        assert!(error.starts_with(told), "{words:?}: {error}");
    }
}

fn place() -> Place {
    Place {
        namespace: "shop".into(),
        cluster: "db".into(),
        pod: "db-0".into(),
        address: Some("10.0.0.1".parse().unwrap()),
    }
}
