//! Programs in containers, over a WebSocket through the API server.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::refusal::Asked;
use super::{RealCluster, folder};
use crate::cluster::{ClusterError, ExecQuery, Executed, Kind, LOG_BYTES};

impl RealCluster {
    pub(super) async fn run_program(&self, query: &ExecQuery) -> Result<Executed, ClusterError> {
        let program = query.argv.first().map_or("", String::as_str);
        let asked = Asked { verb: "run", what: format!("{program} in {}", query.key), kind: "Pod".into() };
        // Its name makes a path.
        folder(&asked, &Kind::POD, &query.key)?;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &query.key.namespace);
        let params = AttachParams::default().stdin(false).stdout(true).stderr(true).container(&query.container);
        let answer = async {
            let process = pods.exec(&query.key.name, query.argv.clone(), &params).await;
            let mut process = process.map_err(|error| self.failed(&asked, &error))?;
            let status = process.take_status();
            let (stdout, stderr) = (process.stdout(), process.stderr());
            let end = async {
                match status {
                    Some(status) => status.await,
                    None => None,
                }
            };
            // All three at once: what is not read stops the others.
            let (stdout, stderr, status) = tokio::join!(read(stdout), read(stderr), end);
            let (stdout, stderr) = stdout.and_then(|stdout| Ok((stdout, stderr?))).map_err(|error| {
                asked.unavailable(format!("the connection broke while it ran: {error}{}", self.through))
            })?;
            let status = status.ok_or_else(|| asked.unavailable("the connection ended before the program did"))?;
            let code = code(&status).map_err(|message| asked.refused(message))?;
            let is_cut = stdout.is_cut || stderr.is_cut;
            Ok(Executed { stdout: stdout.text, stderr: stderr.text, code, is_cut })
        };
        let late = || asked.unavailable(format!("{program} did not end within {:?}{}", query.timeout, self.through));
        tokio::time::timeout(query.timeout, answer).await.map_err(|_| late())?
    }
}

/// The beginning of a stream.
#[derive(Default)]
struct Begun {
    text: String,
    is_cut: bool,
}

/// Reads to the end, as the program would wait else, and keeps the beginning.
async fn read(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<Begun> {
    let Some(mut stream) = stream else { return Ok(Begun::default()) };
    let (mut kept, mut is_cut) = (Vec::new(), false);
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        let room = LOG_BYTES.saturating_sub(kept.len());
        is_cut |= bytes.len() > room;
        kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
    Ok(Begun { text: String::from_utf8_lossy(&kept).into_owned(), is_cut })
}

/// The code with which the program ended.
///
/// # Errors
/// Why it did not run.
fn code(status: &Status) -> Result<i64, String> {
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let code =
        causes.filter(|cause| cause.reason.as_deref() == Some("ExitCode")).find_map(|cause| cause.message.as_ref());
    match code.and_then(|code| code.parse().ok()) {
        Some(code) => Ok(code),
        None => {
            Err(status.message.clone().unwrap_or_else(|| "it does not say why".to_owned()).chars().take(400).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_code_is_an_answer_and_a_program_that_is_not_there_is_none() {
        let code = |status: Value| code(&serde_json::from_value(status).unwrap());
        assert_eq!(code(json!({ "status": "Success" })), Ok(0));
        let ended = json!({
            "status": "Failure",
            "reason": "NonZeroExitCode",
            "message": "command terminated with non-zero exit code: exit status 3",
            "details": { "causes": [{ "reason": "ExitCode", "message": "3" }] },
        });
        assert_eq!(code(ended), Ok(3));
        let absent = json!({ "status": "Failure", "reason": "InternalError", "message": "exec: \"df\": not found" });
        assert_eq!(code(absent), Err("exec: \"df\": not found".to_owned()));
        assert!(code(json!({ "status": "Failure" })).is_err());
    }

    #[tokio::test]
    async fn the_beginning_is_kept_and_the_rest_is_read() {
        let long = vec![b'x'; LOG_BYTES + 1];
        let begun = read(Some(long.as_slice())).await.unwrap();
        assert_eq!((begun.text.len(), begun.is_cut), (LOG_BYTES, true));
        let begun = read(Some(&b"a\xff"[..])).await.unwrap();
        assert_eq!((begun.text.as_str(), begun.is_cut), ("a\u{fffd}", false));
    }
}
