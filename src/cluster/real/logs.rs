//! Logs of containers.

use axum::body::{Body, to_bytes};
use kube::api::LogParams;
use kube::core::Status;

use super::refusal::Asked;
use super::{RealCluster, folder};
use crate::cluster::{ClusterError, Kind, LOG_BYTES, Log, LogQuery};

impl RealCluster {
    /// Reads the newest lines. The server counts its bytes from the oldest line that was asked for,
    /// so that those that are cut off are the newest: then fewer are asked for.
    pub(super) async fn read_log(&self, query: &LogQuery) -> Result<Log, ClusterError> {
        let mut lines = query.lines;
        loop {
            let bytes = self.read_lines(query, lines).await?;
            let is_whole = bytes.len() < LOG_BYTES;
            if is_whole || lines <= 1 {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return Ok(Log { text, is_cut: !is_whole || lines < query.lines });
            }
            lines = (lines / 4).max(1);
        }
    }

    async fn read_lines(&self, query: &LogQuery, lines: usize) -> Result<Vec<u8>, ClusterError> {
        let asked = Asked { verb: "read", what: format!("the log of {}", query.key), kind: "Pod".into() };
        let request = folder(&asked, &Kind::POD, &query.key)?;
        let params = LogParams {
            container: Some(query.container.clone()),
            limit_bytes: i64::try_from(LOG_BYTES).ok(),
            previous: query.previous,
            since_seconds: query.since.map(|since| i64::try_from(since.as_secs().max(1)).unwrap_or(i64::MAX)),
            tail_lines: i64::try_from(lines).ok(),
            ..LogParams::default()
        };
        let request = request.logs(&query.key.name, &params);
        let request = request.map_err(|error| asked.failed(&kube::Error::BuildRequest(error)))?;
        let answer = async {
            let answer = self.client.send(request.map(kube::client::Body::from)).await;
            let answer = answer.map_err(|error| self.failed(&asked, &error))?;
            let status = answer.status();
            let bytes = to_bytes(Body::new(answer.into_body()), 2 * LOG_BYTES).await;
            let bytes = bytes.map_err(|error| asked.unavailable(error.to_string()))?.to_vec();
            if status.is_success() {
                return Ok(bytes);
            }
            Err(match serde_json::from_slice::<Status>(&bytes) {
                Ok(refusal) => asked.answered(&refusal),
                Err(_) => asked.unavailable(format!("it answered {status}")),
            })
        };
        let late = || asked.unavailable(format!("no answer within {:?}{}", self.timeout, self.through));
        tokio::time::timeout(self.timeout, answer).await.map_err(|_| late())?
    }
}
