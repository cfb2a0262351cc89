//! `page test`, on the real process: it is seen to its end.

use super::serve::until;
use super::serving::Serving;

#[test]
fn a_test_page_is_followed_until_somebody_acknowledges_it() {
    let server = Serving::start();
    std::thread::scope(|scope| {
        let testing = scope.spawn(|| server.ask("ada", &["page", "test", "platform"]));
        until(|| server.ask("ada", &["timeline", "INC-1"]).out.contains("PAGE-1: console: delivered"));
        assert_eq!(server.ask("ada", &["ack", "INC-1"]).code, 0);
        let said = testing.join().unwrap();
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        for line in [
            "INC-1: team platform is paged as a test; /timeline INC-1 tells what comes of it",
            "opened: ada tests whether team platform is reached",
            "PAGE-1: console: delivered",
            "ada has acknowledged it",
            "resolved by ada: the test has reached them",
        ] {
            assert_eq!(said.out.matches(line).count(), 1, "{line}: {}", said.out);
        }
    });
    server.stop();
}

#[test]
fn a_test_page_that_nobody_acknowledges_ends_and_says_so() {
    let server = Serving::start();
    let said = server.ask("ada", &["page", "test", "platform", "--within", "1s", "--severity", "S1"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("nobody of team platform has acknowledged INC-1 within 1s"), "{}", said.err);
    let timeline = server.ask("ada", &["timeline", "INC-1"]).out;
    assert!(timeline.starts_with("INC-1 is resolved: [S1]"), "{timeline}");
    let unknown = server.ask("ada", &["page", "test", "plattform"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("did you mean `platform`?"), "{}", unknown.err);
    assert_eq!(server.ask("eve", &["page", "test", "platform"]).code, 1, "a viewer wakes nobody");
    let number = server.ask("ada", &["page", "test", "platform", "--no-wait"]);
    assert!(number.out.starts_with("INC-2: "), "{}", number.out);
    server.stop();
}
