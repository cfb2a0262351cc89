//! What a test's own thread logs.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

thread_local! {
    static HEARD: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Listens to this thread from now on. One subscriber serves all tests of the process: with one for
/// each, a line that another thread reaches first may be taken for one that nobody listens to.
pub fn listen() {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let listens = dynamic_filter_fn(|_, _| HEARD.with_borrow(Option::is_some));
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| ToThread).with_filter(listens);
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::set_global_default(subscriber).expect("nobody else listens to the whole process");
    });
    HEARD.set(Some(Vec::new()));
}

/// The lines since it was asked last that hold `what`.
pub fn heard(what: &str) -> Vec<String> {
    let heard = HEARD.replace(Some(Vec::new())).expect("this thread is listened to");
    let text = String::from_utf8(heard).unwrap();
    text.lines().filter(|line| line.contains(what)).map(str::to_owned).collect()
}

struct ToThread;

impl Write for ToThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        HEARD.with_borrow_mut(|heard| heard.iter_mut().for_each(|heard| heard.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
