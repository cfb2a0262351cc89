//! `dogwatch serve` as a whole, with Discord beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use dogwatch::app;
use dogwatch::config::Config;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::night::{ALICE, SOON, alice};
use crate::world::away::KUBECONFIG;
use crate::world::discord::Discord;
use crate::world::http;
use crate::world::ports::free_port;
use crate::world::wait::wait_until;

const CONNECTED: &str = "\ndogwatch_chat_connected{chat=\"discord\"} 1\n";

struct Served {
    discord: Discord,
    port: u16,
    stop: CancellationToken,
    ended: oneshot::Receiver<anyhow::Result<()>>,
    _folder: tempfile::TempDir,
}

impl Served {
    /// The bot is on Discord, and has answered somebody there.
    async fn on_discord() -> Self {
        let discord = Discord::start().await;
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("playbooks")).unwrap();
        let oncall = format!(
            "apiVersion: dogwatch/v1
kind: OnCall
members: [{{ name: alice, discord: \"{ALICE}\" }}]
teams:
  - name: platform
    rotation: {{ time_zone: UTC, start: 2020-01-06, handoff: {{ at: \"09:00\", every: 1w }}, members: [alice] }}
"
        );
        let port = free_port();
        let config = format!(
            "server: {{ listen: 127.0.0.1:{port} }}
cluster: {{ kubeconfig: kubeconfig.yaml }}
chat:
  discord:
    token: {{ file: token }}
    application_id: {}
    guild: {}
    channel: {}
    roles: {{ responder: [{}] }}
    api_url: {}
",
            discord.application_id(),
            discord.guild_id(),
            discord.channel("incidents"),
            discord.role("sre"),
            discord.api_url()
        );
        let token = discord.token().to_owned();
        for (name, content) in
            [("kubeconfig.yaml", KUBECONFIG), ("oncall.yaml", &oncall), ("dogwatch.yaml", &config), ("token", &token)]
        {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let config = Config::load(&folder.path().join("dogwatch.yaml")).unwrap();
        let ending = app::Ending::default();
        let stop = ending.stop();
        let (tell, ended) = oneshot::channel();
        // As in the program: a runtime of its own.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let served = runtime.block_on(app::serve(&config, &ending));
            runtime.shutdown_background();
            let _ = tell.send(served);
        });
        discord.wait_for_identifies(1).await;
        let reply = discord.slash(&alice(), discord.channel("incidents"), "/incidents").await;
        assert_eq!(reply.text(), "no open incident");
        Self { discord, port, stop, ended, _folder: folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    async fn metrics(&self) -> String {
        http::client().get(self.url("/metrics")).send().await.unwrap().text().await.unwrap()
    }

    async fn ends(self) -> anyhow::Result<()> {
        tokio::time::timeout(3 * SOON, self.ended).await.expect("it ends").unwrap()
    }
}

/// Alerts come in, runs go on, and pages have other ways: none of that is Discord's to end.
#[tokio::test]
async fn a_bot_that_discord_does_not_want_any_more_stays_on_watch_and_shows_it() {
    let served = Served::on_discord().await;
    assert!(served.metrics().await.contains(CONNECTED));
    served.discord.closes_connections(4004);
    let shows = async || served.metrics().await.contains("\ndogwatch_chat_connected{chat=\"discord\"} 0\n");
    wait_until(SOON, "it shows that nobody can ask", shows).await;
    assert!(http::is_healthy(&served.url("/readyz")).await);
    served.stop.cancel();
    served.ends().await.expect("a clean end");
}

#[tokio::test]
async fn a_bot_that_is_stopped_ends_cleanly_and_says_goodbye() {
    let served = Served::on_discord().await;
    served.stop.cancel();
    served.discord.wait_for_goodbye().await;
    served.ends().await.expect("a clean end");
}
