//! What a cluster is to be like, and the configuration of a member that follows.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::{PASSWORD, PROGRAMS, USER};

/// A leader and one replica that nothing waits for, which keep 16 MB of WAL: the least that Patroni
/// takes.
#[derive(Debug, Clone)]
pub struct Plan {
    pub replicas: usize,
    /// A commit waits for a replica, and no other one may lead.
    pub synchronous: bool,
    /// Whether each member has a slot; without, a leader forgets what a member that is away would
    /// need.
    pub member_slots: bool,
    /// Slots that Patroni is to keep for others, as in its configuration.
    pub slots: Value,
    /// Where each segment is copied to; left out: nothing is archived.
    pub archive_command: Option<String>,
    /// PostgreSQL logs into files, where nobody who asks the kubelet sees it, as Spilo's does.
    pub logs_into_files: bool,
    /// Where it keeps its state; left out: in the API server.
    pub etcd: Option<SocketAddr>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            replicas: 1,
            synchronous: false,
            member_slots: false,
            slots: Value::Null,
            archive_command: None,
            logs_into_files: false,
            etcd: None,
        }
    }
}

/// Who one member is, and where.
pub(super) struct Member<'a> {
    pub namespace: &'a str,
    pub scope: &'a str,
    pub name: &'a str,
    pub address: &'a str,
    pub port: u16,
    pub sql_port: u16,
    pub home: &'a Path,
}

impl Plan {
    /// The whole file of one member.
    pub(super) fn configuration(&self, member: &Member<'_>) -> Value {
        let at = |port: u16| format!("{}:{port}", member.address);
        let hba = ["host all all 127.0.0.0/8 trust", "host replication all 127.0.0.0/8 trust"];
        let login = |username: &str| json!({ "username": username, "password": PASSWORD });
        let mut parameters = json!({ "wal_keep_size": "16MB", "max_wal_size": "4MB", "min_wal_size": "2MB" });
        if let Some(command) = &self.archive_command {
            parameters["archive_mode"] = json!("on");
            parameters["archive_command"] = json!(command);
        }
        if self.logs_into_files {
            parameters["logging_collector"] = json!("on");
        }
        let mut config = json!({
            "scope": member.scope,
            "name": member.name,
            "restapi": { "listen": at(member.port), "connect_address": at(member.port) },
            "bootstrap": {
                "dcs": {
                    "ttl": 20, "loop_wait": 1, "retry_timeout": 9,
                    "synchronous_mode": self.synchronous,
                    "slots": self.slots,
                    "postgresql": {
                        "use_slots": self.member_slots,
                        "use_pg_rewind": true,
                        "parameters": parameters,
                    },
                },
                // So that little is enough to leave somebody behind.
                "initdb": [{ "encoding": "UTF8" }, { "wal-segsize": "1" }],
                "pg_hba": hba,
            },
            "postgresql": {
                "listen": at(member.sql_port),
                "connect_address": at(member.sql_port),
                "data_dir": member.home.join("data"),
                "bin_dir": PROGRAMS,
                "pgpass": member.home.join("pgpass"),
                "pg_hba": hba,
                "authentication": { "superuser": login(USER), "replication": login("standby") },
                "parameters": { "unix_socket_directories": member.home, "fsync": "off", "shared_buffers": "16MB" },
                "basebackup": [{ "checkpoint": "fast" }],
            },
        });
        match self.etcd {
            Some(etcd) => config["etcd3"] = json!({ "hosts": [etcd] }),
            None => {
                config["kubernetes"] = json!({
                    "context": "test",
                    "namespace": member.namespace,
                    "labels": { "application": "patroni" },
                    "scope_label": "cluster-name",
                    "pod_ip": member.address,
                });
            }
        }
        config
    }
}
