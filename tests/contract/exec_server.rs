//! The real client against a stand-in for an API server that runs programs: it speaks the WebSocket
//! of `exec` (v5.channel.k8s.io), and runs what it is asked for on this machine.

use std::process::Stdio;
use std::time::Duration;

use dogwatch::cluster::{Cluster, ClusterError, ExecQuery, Executed, LOG_BYTES, RealCluster};
use dogwatch::model::ObjectKey;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use crate::sick_api_server::kubeconfig;

struct Standing {
    cluster: RealCluster,
    /// Ends with the test.
    _server: JoinSet<()>,
    _folder: tempfile::TempDir,
}

impl Standing {
    async fn up() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let cluster = RealCluster::connect(&kubeconfig(folder.path(), &url), Duration::from_secs(5)).await.unwrap();
        Self { cluster, _server: server, _folder: folder }
    }

    async fn runs(&self, argv: &[&str], timeout: Duration) -> Result<Executed, ClusterError> {
        let query = ExecQuery {
            key: ObjectKey::new("Pod", "shop", "db-0"),
            container: "postgres".into(),
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            timeout,
        };
        self.cluster.exec(&query).await
    }
}

const IN_TIME: Duration = Duration::from_secs(20);

// The type of the error is the library's.
#[expect(clippy::result_large_err)]
async fn serve(stream: TcpStream) {
    let mut asked = String::new();
    let take = |request: &Request, mut response: Response| {
        asked = request.uri().to_string();
        response.headers_mut().insert("sec-websocket-protocol", "v5.channel.k8s.io".parse().unwrap());
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, take).await.unwrap();
    let url = reqwest::Url::parse(&format!("http://x{asked}")).unwrap();
    assert_eq!(url.path(), "/api/v1/namespaces/shop/pods/db-0/exec");
    let given = |name: &str| -> Vec<String> {
        url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    };
    assert_eq!(given("container"), ["postgres"]);
    assert!(given("stdin").is_empty() && given("tty").is_empty(), "{asked}");
    let argv = given("command");
    let ended =
        tokio::process::Command::new(&argv[0]).args(&argv[1..]).stdin(Stdio::null()).kill_on_drop(true).output();
    // Whoever hangs up first: the program's end, or the client's.
    let ended = tokio::select! {
        ended = ended => ended,
        _ = socket.next() => return,
    };
    let status = match ended {
        Ok(ended) => {
            for (channel, bytes) in [(1, &ended.stdout), (2, &ended.stderr)] {
                for part in bytes.chunks(30_000) {
                    socket.send(Message::binary([&[channel], part].concat())).await.unwrap();
                }
            }
            match ended.status.code() {
                Some(0) => json!({ "status": "Success" }),
                code => failure(&code.unwrap_or(137).to_string()),
            }
        }
        Err(error) => json!({ "status": "Failure", "reason": "InternalError", "message": format!("exec: {error}") }),
    };
    socket.send(Message::binary([&[3], status.to_string().as_bytes()].concat())).await.unwrap();
    let _ = socket.close(None).await;
}

fn failure(code: &str) -> Value {
    json!({
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": { "causes": [{ "reason": "ExitCode", "message": code }] },
    })
}

#[tokio::test]
async fn a_program_is_run_and_its_end_is_told() {
    let server = Standing::up().await;
    let said = server.runs(&["echo", "a b", "{\"x\": \"&?=\"}"], IN_TIME).await.unwrap();
    assert_eq!(said, Executed { stdout: "a b {\"x\": \"&?=\"}\n".into(), ..Executed::default() });

    let failed = server.runs(&["ls", "/there-is-no-such-folder"], IN_TIME).await.unwrap();
    assert_eq!((failed.code, failed.stdout.as_str()), (2, ""));
    assert!(failed.stderr.contains("there-is-no-such-folder"), "{failed:?}");

    let absent = server.runs(&["there-is-no-such-program"], IN_TIME).await.unwrap_err();
    assert!(matches!(&absent, ClusterError::Refused { .. }), "{absent:?}");
    assert!(
        absent
            .to_string()
            .starts_with("the cluster refused to run there-is-no-such-program in pod/db-0 in shop: exec:")
    );
}

#[tokio::test]
async fn of_much_output_the_beginning_is_kept() {
    let server = Standing::up().await;
    let said = server.runs(&["seq", "1", "300000"], IN_TIME).await.unwrap();
    assert_eq!((said.code, said.is_cut, said.stdout.len()), (0, true, LOG_BYTES));
    assert!(said.stdout.starts_with("1\n2\n3\n"));
}

#[tokio::test]
async fn a_program_that_hangs_is_not_waited_for() {
    let server = Standing::up().await;
    let late = server.runs(&["sleep", "60"], Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(&late, ClusterError::Unavailable { .. }), "{late:?}");
    assert!(late.to_string().contains("sleep did not end within 300ms"), "{late}");
}
