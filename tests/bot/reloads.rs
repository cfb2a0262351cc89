//! Files that are read again while the bot works: what is new counts at once, what is wrong never,
//! and both are said.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dogwatch::app::reloader;
use dogwatch::clock::Clock as _;
use dogwatch::config::Config;
use dogwatch::metrics::Metrics;
use dogwatch::model::*;
use dogwatch::notify::{ConsoleSink, OutboxWorker};
use dogwatch::playbook::Catalog;
use dogwatch::reload::{ReadAgain, Reloader, SETTLE};
use dogwatch::store::*;
use dogwatch::worker::Worker as _;

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP, asking, shop};

/// The bot begins on Monday 2026-03-02 at 02:00 UTC.
const ONCALL: &str = r#"
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada, email: ada@example.com }, { name: bob, email: bob@example.com }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [ada] }
  - name: shop
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [bob] }
"#;

const CONFIG: &str = "incidents: { runs: 3 }\nserver: { listen: 127.0.0.1:8080 }\n";

/// A bot whose files lie in a folder.
struct Filed {
    bot: Bot,
    folder: tempfile::TempDir,
    reloader: Reloader,
    again: Arc<ReadAgain>,
    metrics: Arc<Metrics>,
}

impl Filed {
    async fn begins() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("playbooks")).unwrap();
        for (name, text) in [("oncall.yaml", ONCALL), ("dogwatch.yaml", CONFIG), ("playbooks/shop.yaml", SHOP)] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let bot = Bot::begins(&[SHOP], shop()).await;
        let config = Config::load(&folder.path().join("dogwatch.yaml")).unwrap();
        config.check().unwrap();
        let (again, metrics) = (Arc::new(ReadAgain::default()), Arc::new(Metrics::new()));
        let standing = bot.in_force(config);
        let (catalog, problems) = Catalog::load(&folder.path().join("playbooks"));
        standing.catalog.send_replace(Arc::new(catalog));
        let reloader = reloader(standing, &problems, metrics.clone(), again.clone());
        let mut filed = Self { bot, folder, reloader, again, metrics };
        // Its own people are those of the file from here on.
        filed.reads_again().await;
        filed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn writes(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// So much time passes, and the reader has its turn.
    async fn looks_after(&mut self, seconds: u64) {
        self.bot.passes(Duration::from_secs(seconds)).await;
        self.reloader.turn().await.unwrap();
    }

    /// Somebody sends SIGHUP; what is said in chat after that.
    async fn reads_again(&mut self) -> Vec<String> {
        self.again.ask();
        self.reloader.turn().await.unwrap();
        self.looks_after(SETTLE.as_secs()).await;
        self.hears().await
    }

    /// What was said of files in chat since it was asked last.
    async fn hears(&self) -> Vec<String> {
        let (mut heard, store) = (Vec::new(), self.bot.store());
        for delivery in store.take_deliveries(&["console"], 100, minutes(60)).await.unwrap() {
            if let DeliverySubject::Announcement { text, .. } = delivery.subject {
                heard.push(text);
            }
            store.delivered(delivery.id, Some("console"), None, None).await.unwrap();
        }
        heard
    }

    fn who(&self, team: &str) -> String {
        self.bot.rules.oncall.get().who(team, self.bot.clock.now()).unwrap().unwrap().member.name.clone()
    }

    fn measures(&self, line: &str) -> bool {
        self.metrics.render(None).unwrap().lines().any(|it| it == line)
    }
}

#[tokio::test]
async fn whoever_the_file_names_now_is_on_call_now() {
    let mut filed = Filed::begins().await;
    assert_eq!((filed.who("platform"), filed.reads_again().await), ("ada".to_owned(), Vec::new()), "nothing is new");
    let new = ONCALL
        .replace("{ name: bob, email: bob@", "{ name: dana, email: dana@")
        .replace("members: [ada]", "members: [dana]")
        .replace(
            "members: [bob] }",
            "members: [ada] }\n    page_for: { S3: { days: daily, from: \"00:00\", to: \"23:00\" } }",
        );
    filed.writes("oncall.yaml", &new);
    let said = filed.reads_again().await;
    assert_eq!(
        said,
        [
            "oncall.yaml was read again: members + dana, − bob; team platform: rotation changed; team shop: rotation, page_for changed"
        ]
    );
    assert_eq!(filed.who("platform"), "dana");
    assert!(filed.measures("dogwatch_reloads_total{what=\"oncall\"} 2"), "{}", filed.metrics.render(None).unwrap());
    // The store and the rules count by it, too: an S3 pages the shop at night.
    filed.bot.fires("Odd", &[("severity", "info"), ("team", "shop")]).await;
    filed.bot.passes(minutes(60 * 5)).await;
    let page = filed.bot.store().page(PageId(1)).await.unwrap().expect("there is one");
    assert!(page.team == "shop" && !page.is_call(), "{page:?}");
}

#[tokio::test]
async fn a_change_is_found_without_asking_and_only_when_it_stands_still() {
    let mut filed = Filed::begins().await;
    let new = ONCALL.replace("members: [ada]", "members: [bob]");
    filed.writes("oncall.yaml", &new[..new.len() - 40]);
    filed.looks_after(5).await;
    filed.writes("oncall.yaml", &new);
    filed.looks_after(2).await;
    assert_eq!((filed.who("platform"), filed.hears().await), ("ada".to_owned(), Vec::new()), "it may be half of it");
    filed.looks_after(2).await;
    assert_eq!(filed.who("platform"), "bob");
    assert_eq!(filed.hears().await, ["oncall.yaml was read again: team platform: rotation changed"]);
    // An editor that renames: for a moment there is none, or an empty one.
    for gone in [None, Some("")] {
        match gone {
            None => fs::remove_file(filed.path("oncall.yaml")).unwrap(),
            Some(text) => filed.writes("oncall.yaml", text),
        }
        filed.looks_after(5).await;
        filed.writes("oncall.yaml", &new);
        filed.looks_after(5).await;
        filed.looks_after(5).await;
        assert_eq!((filed.who("platform"), filed.hears().await), ("bob".to_owned(), Vec::new()));
    }
    assert!(filed.measures("dogwatch_reload_failed{what=\"oncall\"} 0"));
}

#[tokio::test]
async fn a_mistake_keeps_what_counts_and_is_said_once() {
    let mut filed = Filed::begins().await;
    filed.writes("oncall.yaml", &ONCALL.replace("members: [ada]", "members: [eve]"));
    let said = filed.reads_again().await;
    let [only] = said.as_slice() else { panic!("{said:?}") };
    assert!(only.starts_with("oncall.yaml was NOT read again, the one of 02:00 UTC counts: line 7: "), "{only}");
    assert_eq!(filed.who("platform"), "ada");
    assert!(filed.measures("dogwatch_reload_failed{what=\"oncall\"} 1"));
    for _ in 0..5 {
        filed.looks_after(5).await;
    }
    assert_eq!(filed.reads_again().await, Vec::<String>::new(), "it was said");
    // Another mistake is said, too: the default team must be there.
    filed.writes("oncall.yaml", &ONCALL.replace("name: platform", "name: plattform"));
    let said = filed.reads_again().await.join("\n");
    assert!(said.contains("`oncall.default_team` of dogwatch.yaml: no team is called `platform`"), "{said}");
    filed.writes("oncall.yaml", "");
    assert_eq!(filed.reads_again().await.len(), 1, "a file that stays empty is a mistake");
    fs::remove_file(filed.path("oncall.yaml")).unwrap();
    let said = filed.reads_again().await.join("\n");
    assert!(said.contains("it cannot be read: No such file"), "{said}");
    filed.writes("oncall.yaml", ONCALL);
    assert_eq!(filed.reads_again().await, ["oncall.yaml has no mistake any more"]);
    assert!(filed.measures("dogwatch_reload_failed{what=\"oncall\"} 0"));
}

#[tokio::test]
async fn a_mount_that_is_swapped_is_read_again() {
    let mut filed = Filed::begins().await;
    // As the kubelet lays a ConfigMap out, of which both versions have the same size and age.
    for (version, member) in [("..1", "ada"), ("..2", "bob")] {
        fs::create_dir(filed.path(version)).unwrap();
        let text = ONCALL.replace("members: [ada]", &format!("members: [{member}]"));
        filed.writes(&format!("{version}/oncall.yaml"), &text);
    }
    fs::remove_file(filed.path("oncall.yaml")).unwrap();
    symlink("..1", filed.path("..data")).unwrap();
    symlink("..data/oncall.yaml", filed.path("oncall.yaml")).unwrap();
    assert_eq!(filed.reads_again().await, Vec::<String>::new(), "it says the same");
    symlink("..2", filed.path("..tmp")).unwrap();
    fs::rename(filed.path("..tmp"), filed.path("..data")).unwrap();
    filed.looks_after(5).await;
    filed.looks_after(2).await;
    assert_eq!((filed.who("platform"), filed.hears().await.len()), ("bob".to_owned(), 1));
}

#[tokio::test]
async fn a_calendar_that_the_file_names_is_part_of_it() {
    let mut filed = Filed::begins().await;
    let calendar = |who: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
             DTSTART:20260105T090000Z\r\nDTEND:20270105T090000Z\r\nSUMMARY:{who}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    filed.writes("shop.ics", &calendar("bob"));
    let rotation =
        "rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob] }";
    filed.writes("oncall.yaml", &ONCALL.replace(rotation, "rotation: { ical: shop.ics, time_zone: UTC }"));
    assert_eq!(filed.reads_again().await, ["oncall.yaml was read again: team shop: rotation changed"]);
    filed.writes("shop.ics", &calendar("ada"));
    assert_eq!(filed.reads_again().await, ["oncall.yaml was read again: team shop: rotation changed"]);
    assert_eq!(filed.who("shop"), "ada");
    fs::remove_file(filed.path("shop.ics")).unwrap();
    let said = filed.reads_again().await.join("\n");
    assert!(said.starts_with("oncall.yaml was NOT read again") && said.contains("shop.ics"), "{said}");
    assert_eq!(filed.who("shop"), "ada");
}

#[tokio::test]
async fn an_override_stays_over_the_new_file_and_one_that_cannot_is_named() {
    let mut filed = Filed::begins().await;
    filed.bot.types("ada", "/override platform bob --until 6h a dentist").await;
    filed.writes("oncall.yaml", &ONCALL.replace("every: 1w }, members: [ada]", "every: 2w }, members: [ada]"));
    assert_eq!(filed.reads_again().await, ["oncall.yaml was read again: team platform: rotation changed"]);
    assert_eq!(filed.who("platform"), "bob", "he covers");
    let without = ONCALL.replace("{ name: bob,", "{ name: dana,").replace("members: [bob]", "members: [dana]");
    filed.writes("oncall.yaml", &without);
    let said = filed.reads_again().await.join("\n");
    assert!(said.contains("members + dana, − bob") && said.contains("OVR-1"), "{said}");
    assert_eq!(filed.who("platform"), "ada");
}

fn version(playbook: &str, version: &str) -> String {
    playbook.replace("version: 1.0.0", &format!("version: {version}"))
}

#[tokio::test]
async fn a_run_under_way_keeps_its_playbook_and_the_next_one_has_the_new_one() {
    let mut filed = Filed::begins().await;
    filed.bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4)]);
    filed.bot.fires("ShopSlow", &[]).await;
    filed.bot.does(UP).await;
    let new = version(SHOP, "1.1.0").replace("the shop: ", "the new shop: ");
    filed.writes("playbooks/shop.yaml", &new);
    assert_eq!(filed.reads_again().await, ["the folder of playbooks was read again: ~ shop-slow 1.0.0→1.1.0"]);
    filed.bot.ends(Outcome::Escalated).await;
    let told = filed.bot.page_texts().await;
    assert!(told.contains("the shop: ") && !told.contains("the new shop: "), "{told}");
    filed.bot.resolves("ShopSlow", &[]).await;
    filed.bot.types("ada", "/resolve INC-1 it is over").await;
    filed.bot.passes(minutes(60 * 24)).await;
    filed.bot.fires("ShopSlow", &[]).await;
    let runs = filed.bot.runs().await;
    assert_eq!(runs.iter().map(|run| run.playbook.version.as_str()).collect::<Vec<_>>(), ["1.0.0", "1.1.0"]);
}

#[tokio::test]
async fn what_was_asked_before_is_answered_after() {
    let mut filed = Filed::begins().await;
    filed.writes("playbooks/shop.yaml", &asking());
    assert_eq!(
        filed.reads_again().await,
        ["the folder of playbooks was read again: ~ shop-slow 1.0.0 (changed under the same version)"]
    );
    filed.bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    filed.bot.fires("ShopSlow", &[]).await;
    fs::remove_file(filed.path("playbooks/shop.yaml")).unwrap();
    filed.writes("playbooks/other.yaml", &SHOP.replace("shop-slow", "other").replace("ShopSlow", "Other"));
    assert_eq!(filed.reads_again().await, ["the folder of playbooks was read again: + other 1.0.0; − shop-slow"]);
    assert_eq!(filed.bot.approves("alice").await, "APR-1: approved; RUN-1 goes on");
    filed.bot.does(UP).await;
    filed.bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn a_playbook_with_a_mistake_keeps_its_own_version_and_no_other() {
    let mut filed = Filed::begins().await;
    filed.bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    let other = |name: &str| SHOP.replace("shop-slow", name).replace("ShopSlow", name);
    filed.writes("playbooks/shop.yaml", &version(SHOP, "2.0.0").replace("autonomy: auto", "autonomy: always"));
    filed.writes("playbooks/good.yaml", &other("good"));
    filed.writes("playbooks/bad.yaml", "apiVersion: dogwatch/v1\n");
    // A second one of a name that counts: the new file is the mistake, and not the old one.
    filed.writes("playbooks/twin.yaml", &version(SHOP, "3.0.0"));
    let said = filed.reads_again().await;
    let [said] = said.as_slice() else { panic!("{said:?}") };
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("bad.yaml was NOT read: line 1: "), "{said}");
    assert!(lines[1].starts_with("shop.yaml was NOT read again, its version 1.0.0 counts: line 7: "), "{said}");
    assert!(lines[2].starts_with("twin.yaml was NOT read: line "), "{said}");
    assert!(lines[2].contains("another playbook is called `shop-slow` too"), "{said}");
    assert_eq!(lines[3..], ["the folder of playbooks was read again: + good 1.0.0"]);
    assert!(filed.measures("dogwatch_reload_failed{what=\"playbooks\"} 1"));
    filed.bot.fires("ShopSlow", &[]).await;
    filed.bot.does(UP).await;
    // What was said is not said again, and what is mended is.
    fs::remove_file(filed.path("playbooks/twin.yaml")).unwrap();
    fs::remove_file(filed.path("playbooks/bad.yaml")).unwrap();
    assert_eq!(filed.reads_again().await, ["bad.yaml has no mistake any more\ntwin.yaml has no mistake any more"]);
    filed.writes("playbooks/shop.yaml", &version(SHOP, "2.0.0"));
    let said = filed.reads_again().await;
    assert_eq!(
        said,
        ["the folder of playbooks was read again: ~ shop-slow 1.0.0→2.0.0\nshop.yaml has no mistake any more"]
    );
    assert!(filed.measures("dogwatch_reload_failed{what=\"playbooks\"} 0"));
}

#[tokio::test]
async fn folders_among_the_playbooks_are_looked_at_too() {
    let mut filed = Filed::begins().await;
    fs::create_dir_all(filed.path("playbooks/web/shop")).unwrap();
    let other = |name: &str| SHOP.replace("shop-slow", name).replace("ShopSlow", name);
    filed.writes("playbooks/web/shop/other.yaml", &other("other"));
    assert_eq!(filed.reads_again().await, ["the folder of playbooks was read again: + other 1.0.0"]);
    // Another folder for the same playbook is no change of it.
    fs::rename(filed.path("playbooks/shop.yaml"), filed.path("playbooks/web/shop.yaml")).unwrap();
    assert_eq!(filed.reads_again().await, Vec::<String>::new());
    filed.writes("playbooks/web/shop/other.yaml", "apiVersion: dogwatch/v1\n");
    filed.writes("playbooks/twin.yaml", SHOP);
    let said = filed.reads_again().await.join("\n");
    assert!(said.contains("web/shop/other.yaml was NOT read again, its version 1.0.0 counts: line 1: "), "{said}");
    let both = "playbooks/web/shop.yaml:4)";
    assert!(said.contains("twin.yaml was NOT read: line 4: ") && said.contains(both), "{said}");
    fs::remove_file(filed.path("playbooks/twin.yaml")).unwrap();
    fs::remove_dir_all(filed.path("playbooks/web/shop")).unwrap();
    let said = filed.reads_again().await.join("\n");
    assert!(said.starts_with("the folder of playbooks was read again: − other"), "{said}");
    // As the kubelet mounts a ConfigMap whose items have paths.
    fs::create_dir_all(filed.path("playbooks/..1/dns")).unwrap();
    filed.writes("playbooks/..1/dns/dns.yaml", &other("dns"));
    symlink("..1", filed.path("playbooks/..data")).unwrap();
    symlink("..data/dns", filed.path("playbooks/dns")).unwrap();
    assert_eq!(filed.reads_again().await, ["the folder of playbooks was read again: + dns 1.0.0"]);
    fs::create_dir_all(filed.path("playbooks/..2/dns")).unwrap();
    filed.writes("playbooks/..2/dns/dns.yaml", &version(&other("dns"), "2.0.0"));
    symlink("..2", filed.path("playbooks/..new")).unwrap();
    fs::rename(filed.path("playbooks/..new"), filed.path("playbooks/..data")).unwrap();
    assert_eq!(filed.reads_again().await, ["the folder of playbooks was read again: ~ dns 1.0.0→2.0.0"]);
}

#[tokio::test]
async fn a_playbook_whose_file_has_another_name_now_is_kept_by_that() {
    let mut filed = Filed::begins().await;
    fs::rename(filed.path("playbooks/shop.yaml"), filed.path("playbooks/web.yaml")).unwrap();
    assert_eq!(filed.reads_again().await, [""; 0], "nothing is said, as nothing counts that did not");
    filed.writes("playbooks/web.yaml", &SHOP.replace("autonomy: auto", "autonomy: always"));
    let said = filed.reads_again().await.join("\n");
    assert!(said.contains("web.yaml was NOT read again"), "{said}");
    filed.bot.fires("ShopSlow", &[]).await;
    assert_eq!(filed.bot.runs().await.len(), 1, "its version of before counts");
}

#[tokio::test]
async fn a_folder_that_is_gone_or_empty_takes_no_playbook_away() {
    let mut filed = Filed::begins().await;
    fs::rename(filed.path("playbooks"), filed.path("away")).unwrap();
    let said = filed.reads_again().await.join("\n");
    assert!(
        said.starts_with("the folder of playbooks was NOT read again") && said.contains("cannot be read"),
        "{said}"
    );
    fs::create_dir(filed.path("playbooks")).unwrap();
    let said = filed.reads_again().await.join("\n");
    assert!(said.contains("as if its mount was lost"), "{said}");
    filed.bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    filed.bot.fires("ShopSlow", &[]).await;
    filed.bot.does(UP).await;
    fs::remove_dir(filed.path("playbooks")).unwrap();
    fs::rename(filed.path("away"), filed.path("playbooks")).unwrap();
    assert_eq!(filed.reads_again().await, ["the folder of playbooks has no mistake any more"]);
}

#[tokio::test]
async fn of_the_configuration_counts_what_can_and_the_rest_is_named_without_its_values() {
    let mut filed = Filed::begins().await;
    let new = "incidents: { runs: 3, reopen_within: 2h }\nserver: { listen: 127.0.0.1:9090 }\n\
               pages: { budget: { pages: 1, within: 12h }, webhook: { url: https://pages.example.com/hunter2 } }\n";
    filed.writes("dogwatch.yaml", new);
    let said = filed.reads_again().await.join("\n");
    let line = "dogwatch.yaml was read again: counts now: incidents.reopen_within, pages.budget.pages, pages.budget.within; \
                needs a restart to count: pages.webhook.url, server.listen";
    assert_eq!(said.lines().next(), Some(line), "{said}");
    assert!(!said.contains("hunter2") && !said.contains("9090"), "{said}");
    // An incident that was resolved an hour and a half ago is opened again.
    filed.bot.fires("Odd", &[]).await;
    filed.bot.resolves("Odd", &[]).await;
    filed.bot.types("ada", "/resolve INC-1 it is over").await;
    filed.bot.passes(minutes(90)).await;
    filed.bot.fires("Odd", &[]).await;
    assert_eq!(filed.bot.incident(1).await.state, IncidentState::Open);
    // What needs a start stays as it was at the last one.
    filed.writes("dogwatch.yaml", &new.replace("9090", "8080"));
    assert_eq!(filed.reads_again().await, ["dogwatch.yaml was read again: is as at the start again: server.listen"]);
    filed.writes("dogwatch.yaml", "incidents: { runs: 3, reopen_withn: 2h }\n");
    let said = filed.reads_again().await.join("\n");
    assert!(said.contains("was NOT read again") && said.contains("line 1: `reopen_withn` is not known here"), "{said}");
    filed.writes("dogwatch.yaml", "\n");
    let said = filed.reads_again().await.join("\n");
    assert!(said.contains("it is empty"), "{said}");
    assert!(filed.measures("dogwatch_reload_failed{what=\"config\"} 1"));
}

/// What is written to a console.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_said_stands_on_the_console() {
    let mut filed = Filed::begins().await;
    filed.writes("oncall.yaml", &ONCALL.replace("members: [ada]", "members: [bob]"));
    filed.writes("playbooks/bad.yaml", "apiVersion: dogwatch/v1\n");
    filed.again.ask();
    filed.reloader.turn().await.unwrap();
    filed.looks_after(SETTLE.as_secs()).await;
    let (paper, store, clock) = (Paper::default(), filed.bot.store().clone(), filed.bot.clock.clone());
    let sink = Arc::new(ConsoleSink::new(Box::new(paper.clone()), false));
    let worker = OutboxWorker::new(sink, store, clock, filed.bot.rules.oncall.clone(), Arc::default());
    worker.turn().await.unwrap();
    let written = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    assert!(written.contains(" oncall.yaml was read again: team platform: rotation changed\n"), "{written}");
    assert!(written.contains(" bad.yaml was NOT read: line 1: "), "{written}");
}

#[tokio::test]
async fn a_ceiling_that_is_read_again_counts_at_once_also_for_a_run_under_way() {
    let mut filed = Filed::begins().await;
    filed.writes("playbooks/shop.yaml", &asking());
    filed.reads_again().await;
    filed.bot.prometheus.follows("shop_latency", || Some(0.4));
    filed.bot.fires("ShopSlow", &[]).await;
    assert_eq!(filed.bot.store().open_approvals().await.unwrap().len(), 1);
    filed.writes(
        "dogwatch.yaml",
        &format!("{CONFIG}engine: {{ autonomy_ceilings: {{ namespaces: {{ shop: observe }} }} }}\n"),
    );
    let said = filed.reads_again().await;
    assert!(said.iter().any(|line| line.contains("engine.autonomy_ceilings")), "{said:?}");
    filed.bot.approves("bob").await;
    let because = filed.bot.ends(Outcome::Cancelled).await;
    assert!(because.contains("`engine.autonomy_ceilings.namespaces.shop` is observe"), "{because}");
}
