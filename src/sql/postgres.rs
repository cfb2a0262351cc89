//! A real PostgreSQL, at the address of its pod.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::time::timeout;

use super::backends::{CANCEL, LOOK, TERMINATE};
use super::{
    Backend, BackendId, Databases, Endable, Ending, Password, Place, Rows, SITE, SqlError, SqlRequest, built_in,
};
use crate::model::HumanDuration;
use crate::web::{AddressRule, why_refused};

/// How databases are reached.
#[derive(Debug)]
pub struct PostgresAccess {
    /// A role that may read what is asked: a member of `pg_monitor`. `None`: no database is asked.
    pub user: Option<String>,
    pub password: Password,
    pub port: u16,
    pub database: String,
    pub ssl: Ssl,
    /// PEM.
    pub authorities: Option<Vec<u8>>,
    /// Certificate and key, PEM.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
    /// The configuration's own statements, without [`SITE`].
    pub statements: BTreeMap<String, String>,
    pub endable: Endable,
    pub rule: AddressRule,
}

impl Default for PostgresAccess {
    fn default() -> Self {
        Self {
            user: None,
            password: Password::None,
            port: super::PORT,
            database: "postgres".into(),
            ssl: Ssl::default(),
            authorities: None,
            client: None,
            statements: BTreeMap::new(),
            endable: Endable::Off,
            rule: why_refused,
        }
    }
}

/// Why no database is asked at an address ([`why_refused`]), where those of the bot's own machine
/// are asked all the same.
pub fn refused_but_loopback(address: IpAddr) -> Option<&'static str> {
    if address.to_canonical().is_loopback() { None } else { why_refused(address) }
}

/// How much a server must prove: PostgreSQL's `sslmode`. Whoever can make a pod that looks like a
/// database's is asked as one, and may ask for the password in clear: below `verify-ca` he gets it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ssl {
    Disable,
    Require,
    /// `sql.ca_file` has signed its certificate.
    #[default]
    VerifyCa,
    /// And it names the pod's address.
    VerifyFull,
}

/// How long a statement may wait for a lock: whatever somebody holds is not waited for.
const LOCK_TIMEOUT_MS: u64 = 1_000;

/// Asks, each time over a connection of its own.
#[derive(Debug)]
pub struct PostgresDatabases(PostgresAccess);

impl PostgresDatabases {
    pub fn new(access: PostgresAccess) -> Self {
        crate::tls::install_provider();
        Self(access)
    }

    fn sql(&self, name: &str) -> Result<&str, SqlError> {
        let sql = match name.strip_prefix(SITE) {
            Some(own) => self.0.statements.get(own).map(String::as_str),
            None => built_in(name).map(|statement| statement.sql),
        };
        sql.ok_or_else(|| SqlError::UnknownStatement { name: name.to_owned() })
    }

    async fn options(
        &self,
        place: &Place,
        database: Option<&str>,
        within: Duration,
    ) -> Result<PgConnectOptions, SqlError> {
        let access = &self.0;
        let user = access.user.as_deref().ok_or(SqlError::NotConfigured)?;
        let address = place.address.ok_or_else(|| SqlError::NoAddress { place: place.to_string() })?;
        if let Some(why) = (access.rule)(address) {
            return Err(SqlError::RefusedAddress { place: place.to_string(), address, why });
        }
        let missing = |message| SqlError::Password { place: place.to_string(), message };
        let password = access.password.read(place).await.map_err(missing)?;
        let milliseconds = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&address.to_string())
            .port(access.port)
            .username(user)
            .database(database.unwrap_or(&access.database))
            .application_name("dogwatch")
            .statement_cache_capacity(0)
            .ssl_mode(match access.ssl {
                Ssl::Disable => PgSslMode::Disable,
                Ssl::Require => PgSslMode::Require,
                Ssl::VerifyCa => PgSslMode::VerifyCa,
                Ssl::VerifyFull => PgSslMode::VerifyFull,
            })
            .options([
                ("default_transaction_read_only", "on".to_owned()),
                ("statement_timeout", milliseconds.to_string()),
                ("lock_timeout", LOCK_TIMEOUT_MS.to_string()),
                ("idle_in_transaction_session_timeout", milliseconds.to_string()),
                ("search_path", "pg_catalog".to_owned()),
            ]);
        if let Some(password) = &password {
            options = options.password(password.expose());
        }
        if let Some(pem) = &access.authorities {
            options = options.ssl_root_cert_from_pem(pem.clone());
        }
        if let Some((certificate, key)) = &access.client {
            options = options.ssl_client_cert_from_pem(certificate).ssl_client_key_from_pem(key);
        }
        Ok(options)
    }

    /// The only row, if there is one, of a statement about one session.
    async fn of_one(&self, id: &BackendId, sql: &str) -> Result<Option<Map<String, Value>>, SqlError> {
        let place = &id.place;
        let asked = async {
            let options = self.options(place, None, id.timeout).await?;
            let rows = ask(&options, sql, 1, Some(id)).await.map_err(|error| told(place, error))?;
            rows.first().map(|row| row_of(place, row)).transpose()
        };
        let late = |_| SqlError::Away { place: place.to_string(), message: nothing_within(id.timeout) };
        timeout(id.timeout, asked).await.map_err(late)?
    }
}

#[async_trait]
impl Databases for PostgresDatabases {
    async fn rows(&self, request: &SqlRequest) -> Result<Rows, SqlError> {
        if self.0.user.is_none() {
            return Err(SqlError::NotConfigured);
        }
        let sql = self.sql(&request.statement)?;
        let place = &request.place;
        let asked = async {
            let options = self.options(place, request.database.as_deref(), request.timeout).await?;
            ask(&options, sql, request.limit, None)
                .await
                .map_err(|error| told(place, error))?
                .into_iter()
                .map(|row| row_of(place, &row))
                .collect::<Result<Vec<_>, _>>()
        };
        let late = |_| SqlError::Away { place: place.to_string(), message: nothing_within(request.timeout) };
        let mut rows = timeout(request.timeout, asked).await.map_err(late)??;
        let more = rows.len() > request.limit;
        rows.truncate(request.limit);
        Ok(Rows { rows, more })
    }

    fn endable(&self) -> Endable {
        self.0.endable.clone()
    }

    async fn backend(&self, id: &BackendId) -> Result<Option<Backend>, SqlError> {
        let Some(row) = self.of_one(id, LOOK).await? else { return Ok(None) };
        let odd = |error: serde_json::Error| SqlError::Odd { place: id.place.to_string(), message: error.to_string() };
        serde_json::from_value(Value::Object(row)).map(Some).map_err(odd)
    }

    async fn end(&self, id: &BackendId, how: Ending) -> Result<bool, SqlError> {
        let sql = match how {
            Ending::Cancel => CANCEL,
            Ending::Terminate => TERMINATE,
        };
        match self.of_one(id, sql).await {
            Ok(row) => Ok(row.is_some_and(|row| row.get("done") == Some(&Value::Bool(true)))),
            Err(SqlError::Refused { place, code, message }) if code == NO_RIGHT => {
                Err(SqlError::MayNotEnd { place, message })
            }
            Err(error) => Err(error),
        }
    }
}

/// `insufficient_privilege`.
const NO_RIGHT: &str = "42501";

fn nothing_within(timeout: Duration) -> String {
    format!("nothing came within {}", HumanDuration(timeout))
}

/// One row more than `limit`, each as JSON. `about`: whose number and beginning are `$1` and `$2`.
async fn ask(
    options: &PgConnectOptions,
    sql: &str,
    limit: usize,
    about: Option<&BackendId>,
) -> Result<Vec<String>, sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    // The protocol of prepared statements takes one statement and no second; whatever that is, it
    // can only read.
    let rows =
        format!("select row_to_json(q)::text from (\n{}\n) q limit {}", sql.trim().trim_end_matches(';'), limit + 1);
    let rows = {
        let mut transaction = connection.begin_with("begin transaction read only").await?;
        let query = sqlx::query_scalar::<_, String>(AssertSqlSafe(rows));
        let query = match about {
            Some(id) => query.bind(id.pid).bind(id.backend_start.as_str()),
            None => query,
        };
        let rows = query.fetch_all(&mut *transaction).await;
        match rows {
            Ok(rows) => transaction.rollback().await.map(|()| rows),
            Err(error) => Err(error),
        }
    };
    // It is let go of in any case.
    connection.close().await.ok();
    rows
}

fn row_of(place: &Place, row: &str) -> Result<Map<String, Value>, SqlError> {
    serde_json::from_str(row).map_err(|error| SqlError::Odd { place: place.to_string(), message: error.to_string() })
}

fn told(place: &Place, error: sqlx::Error) -> SqlError {
    let place = place.to_string();
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default().into_owned();
            SqlError::Refused { place, code, message: error.message().to_owned() }
        }
        sqlx::Error::Tls(error) => SqlError::Untrusted { place, message: error.to_string() },
        sqlx::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            SqlError::Untrusted { place, message: error.to_string() }
        }
        sqlx::Error::Io(error) => SqlError::Away { place, message: error.to_string() },
        error => SqlError::Odd { place, message: error.to_string() },
    }
}
