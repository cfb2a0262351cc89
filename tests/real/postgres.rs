//! What is asked of a real PostgreSQL, over TLS, as a member of `pg_monitor`.

use std::collections::BTreeMap;
use std::time::Duration;

use dogwatch::network::{
    Endpoint, Network as _, NetworkAccess, Reach, StartTls, SystemNetwork, TlsRequest, authorities,
};
use dogwatch::sql::{
    BUILT_IN, BackendId, Databases as _, Ending, Password, Place, PostgresAccess, PostgresDatabases, Rows, SqlError,
    SqlRequest, Ssl,
};
use serde_json::json;

use crate::world::certificates::Certificates;
use crate::world::postgres::{PASSWORD, Postgres};
use crate::world::wait::wait_until;

const SOON: Duration = Duration::from_secs(20);

fn access(postgres: &Postgres) -> PostgresAccess {
    let password = std::env::temp_dir().join(format!("dogwatch-{}-{}", std::process::id(), postgres.port));
    std::fs::write(&password, PASSWORD).unwrap();
    let site = [
        ("writes", "select nextval('counter') as n"),
        ("two", "select 1 as n; drop table orders"),
        ("sleeps", "select pg_sleep(60)"),
        ("orders", "select count(*) from public.orders"),
        ("own", "select current_setting('search_path') as path, current_setting('application_name') as name"),
    ];
    PostgresAccess {
        user: Some("dogwatch".into()),
        password: Password::File(password.to_string_lossy().parse().unwrap()),
        port: postgres.port,
        authorities: Some(postgres.authority.clone().into_bytes()),
        statements: site.map(|(name, sql)| (name.to_owned(), sql.to_owned())).into_iter().collect::<BTreeMap<_, _>>(),
        rule: |_| None,
        ..PostgresAccess::default()
    }
}

async fn ask(access: PostgresAccess, statement: &str, timeout: Duration) -> Result<Rows, SqlError> {
    let place = Place {
        namespace: "shop".into(),
        cluster: "db".into(),
        pod: "db-0".into(),
        address: Some("127.0.0.1".parse().unwrap()),
    };
    let request = SqlRequest { place, statement: statement.into(), database: None, limit: 3, timeout };
    PostgresDatabases::new(access).rows(&request).await
}

async fn rows(postgres: &Postgres, statement: &str) -> Rows {
    ask(access(postgres), statement, SOON).await.unwrap_or_else(|error| panic!("{statement}: {error}"))
}

#[tokio::test]
async fn a_member_of_pg_monitor_may_ask_all_that_is_built_in() {
    let postgres = Postgres::start().await;
    for statement in BUILT_IN {
        rows(&postgres, statement.name).await;
    }
    let disk = rows(&postgres, "disk").await;
    assert_eq!(disk.rows.len(), 1);
    assert!(disk.rows[0]["wal_bytes"].as_i64().unwrap() > 0 && disk.rows[0]["database_bytes"].as_i64().unwrap() > 0);
    postgres.sql("select pg_create_physical_replication_slot('gone', true)");
    let slots = rows(&postgres, "slots").await;
    assert_eq!((&slots.rows[0]["slot"], &slots.rows[0]["active"]), (&json!("gone"), &json!(false)));
    assert!(slots.rows[0]["keeps_bytes"].is_i64());
    assert_eq!(rows(&postgres, "recovery").await.rows[0]["in_recovery"], json!(false));
    assert_eq!(rows(&postgres, "archiver").await.rows[0]["archive_mode"], json!("off"));
    postgres.sql("create table two (id int); begin; insert into two values (1); prepare transaction 'forgotten'");
    assert_eq!(rows(&postgres, "prepared_transactions").await.rows[0]["gid"], json!("forgotten"));
    postgres.sql("create table twice (id int); insert into twice values (1), (1)");
    // It fails, as it is to, and leaves the index behind.
    let _builder = postgres.session("builder", "create unique index concurrently half on twice (id)");
    wait_until(SOON, "an invalid index is there", async || {
        let indexes = rows(&postgres, "invalid_indexes").await;
        indexes.rows.first().is_some_and(|row| row["index"] == json!("half"))
    })
    .await;
    postgres.sql("create sequence nearly maxvalue 1000; select setval('nearly', 900)");
    let sequences = rows(&postgres, "sequences").await;
    assert_eq!((&sequences.rows[0]["readable"], &sequences.rows[0]["share"]), (&json!(false), &json!(null)));
    postgres.sql("grant pg_read_all_data to dogwatch");
    let sequences = rows(&postgres, "sequences").await;
    assert_eq!((&sequences.rows[0]["sequence"], &sequences.rows[0]["share"]), (&json!("nearly"), &json!(0.9)));
    postgres.sql("alter system set max_connections = 50");
    postgres.sql("select pg_reload_conf()");
    wait_until(SOON, "the setting is read", async || {
        let waiting = rows(&postgres, "settings").await;
        waiting.rows.first().is_some_and(|row| row["name"] == json!("max_connections"))
    })
    .await;
}

#[tokio::test]
async fn who_keeps_others_waiting_is_found_with_what_it_does_but_for_its_literals() {
    let postgres = Postgres::start().await;
    postgres.sql("create table orders (id int, card text); insert into orders values (1, 'x')");
    let _holder =
        postgres.session("holder", "begin; update orders set card = '4111-1111' where id = 1; select pg_sleep(300)");
    wait_until(SOON, "the holder holds", async || rows(&postgres, "activity").await.rows.len() == 1).await;
    let _waits: Vec<_> = ["a", "b"]
        .map(|name| postgres.session(name, "update orders set card = 'y' where id = 1"))
        .into_iter()
        .collect();
    wait_until(SOON, "two wait", async || {
        let blocking = rows(&postgres, "blocking").await;
        blocking.rows.first().is_some_and(|row| row["blocked"] == json!(2))
    })
    .await;
    let blocking = rows(&postgres, "blocking").await;
    assert_eq!(blocking.rows.len(), 1, "who waits itself is not at the root of it: {blocking:?}");
    assert_eq!(blocking.rows[0]["application"], json!("holder"));
    assert!(blocking.rows[0]["backend_start"].is_string() && blocking.rows[0]["pid"].is_i64());
    let told = format!("{:?}", rows(&postgres, "activity").await.rows);
    assert!(told.contains("update orders set card = ?") && !told.contains("4111"), "{told}");
    let connections = rows(&postgres, "connections").await;
    assert!(connections.rows[0]["all_connections"].as_i64().unwrap() >= 3, "{connections:?}");
}

#[tokio::test]
async fn whatever_a_statement_is_it_can_only_read_and_ends_in_time() {
    let postgres = Postgres::start().await;
    postgres.sql("create table orders (id int); create sequence counter; grant all on all sequences in schema public to dogwatch");
    postgres.sql("grant select on orders to dogwatch; alter role dogwatch set search_path = public");
    let code = async |statement: &str, timeout: Duration| match ask(access(&postgres), statement, timeout).await {
        Err(SqlError::Refused { code, .. }) => code,
        other => panic!("{statement}: {other:?}"),
    };
    assert_eq!(rows(&postgres, "site.own").await.rows[0]["path"], json!("pg_catalog"));
    assert_eq!(rows(&postgres, "site.own").await.rows[0]["name"], json!("dogwatch"));
    // Not found, as nobody's search path is ours.
    assert_eq!(code("site.writes", SOON).await, "42P01");
    assert_eq!(code("site.two", SOON).await, "42601");
    assert_eq!(postgres.sql("select count(*) from orders"), "0");
    let slow = ask(access(&postgres), "site.sleeps", Duration::from_secs(1)).await.unwrap_err();
    assert!(slow.passes(), "{slow}");
    wait_until(SOON, "nothing of it goes on", async || {
        postgres.sql("select count(*) from pg_stat_activity where application_name = 'dogwatch' and state = 'active'")
            == "0"
    })
    .await;
    let _holder = postgres.session("holder", "begin; lock table orders; select pg_sleep(300)");
    wait_until(SOON, "it is locked", async || {
        postgres.sql("select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted") != "0"
    })
    .await;
    assert_eq!(code("site.orders", SOON).await, "55P03", "a lock that somebody holds is not waited for");
}

#[tokio::test]
async fn a_write_is_refused_by_the_transaction_itself() {
    let postgres = Postgres::start().await;
    postgres.sql("create sequence counter; grant all on all sequences in schema public to dogwatch");
    let statements = [("writes".to_owned(), "select nextval('public.counter') as n".to_owned())].into();
    let error = ask(PostgresAccess { statements, ..access(&postgres) }, "site.writes", SOON).await.unwrap_err();
    assert!(matches!(&error, SqlError::Refused { code, .. } if code == "25006"), "{error}");
}

#[tokio::test]
async fn a_server_that_proves_nothing_and_a_wrong_password_get_nothing() {
    let postgres = Postgres::start().await;
    let stranger = Certificates::for_loopback().authority.into_bytes();
    let error =
        ask(PostgresAccess { authorities: Some(stranger), ..access(&postgres) }, "disk", SOON).await.unwrap_err();
    assert!(matches!(error, SqlError::Untrusted { .. }), "{error}");
    let full = PostgresAccess { ssl: Ssl::VerifyFull, ..access(&postgres) };
    ask(full, "disk", SOON).await.expect("its certificate names 127.0.0.1");
    let command = Password::Command(vec!["echo".parse().unwrap(), "wrong".parse().unwrap()]);
    let error = ask(PostgresAccess { password: command, ..access(&postgres) }, "disk", SOON).await.unwrap_err();
    assert!(matches!(&error, SqlError::Refused { code, .. } if code == "28P01"), "{error}");
    assert!(!error.passes() && !error.to_string().contains("wrong"), "{error}");
    let plain = PostgresAccess { ssl: Ssl::Disable, ..access(&postgres) };
    let error = ask(plain, "disk", SOON).await.unwrap_err();
    assert!(matches!(&error, SqlError::Refused { code, .. } if code == "28000"), "without TLS: {error}");
    let away = PostgresAccess { port: 1, ..access(&postgres) };
    assert!(matches!(ask(away, "disk", SOON).await.unwrap_err(), SqlError::Away { .. }));
}

#[tokio::test]
async fn its_certificate_is_seen_as_a_client_sees_it() {
    let postgres = Postgres::start().await;
    let reach = Reach::new(vec!["127.0.0.1".parse().unwrap()]);
    let trusted = authorities(Some(&postgres.authority)).unwrap();
    let access = NetworkAccess { rule: |_| None, ..NetworkAccess::new(reach, Vec::new(), trusted) };
    let request = TlsRequest {
        endpoint: Endpoint::new("127.0.0.1", postgres.port).unwrap(),
        server_name: "localhost".into(),
        start: StartTls::Postgres,
        timeout: SOON,
    };
    let shown = SystemNetwork::new(access).certificate(&request).await.unwrap();
    assert_eq!((shown.distrust, shown.names), (None, vec!["127.0.0.1".to_owned(), "localhost".to_owned()]));
    assert_eq!(shown.version, "TLSv1.3");
}

#[tokio::test]
async fn a_session_is_ended_by_its_number_and_its_beginning_and_never_a_superusers() {
    let postgres = Postgres::start().await;
    postgres.sql("create role app login");
    let databases = PostgresDatabases::new(access(&postgres));
    let session = async |application: &str| {
        let mut found = None;
        wait_until(SOON, "the session is there", async || {
            let rows = rows(&postgres, "activity").await.rows.into_iter();
            found = rows
                .into_iter()
                .find(|row| row["application"] == json!(application) && row["state"] == json!("active"));
            found.is_some()
        })
        .await;
        let row = found.unwrap();
        let place = Place {
            namespace: "shop".into(),
            cluster: "db".into(),
            pod: "db-0".into(),
            address: Some("127.0.0.1".parse().unwrap()),
        };
        let pid = i32::try_from(row["pid"].as_i64().unwrap()).unwrap();
        BackendId { place, pid, backend_start: row["backend_start"].as_str().unwrap().to_owned(), timeout: SOON }
    };
    let is_gone = async |id: &BackendId| {
        wait_until(SOON, "it is gone", async || databases.backend(id).await == Ok(None)).await;
    };

    let _first = postgres.session_of("app", "first", "begin; select 'secret', pg_sleep(300)");
    let first = session("first").await;
    let found = databases.backend(&first).await.unwrap().unwrap();
    assert_eq!(
        (found.user.as_str(), found.backend_type.as_str(), found.state.as_str()),
        ("app", "client backend", "active")
    );
    assert!(!found.superuser && !found.own && found.transaction_seconds.is_some(), "{found:?}");
    assert_eq!(found.query, "begin; select ?, pg_sleep(?)");

    // Without the right it says which one is missing, and somebody else's number is nobody's.
    let error = databases.end(&first, Ending::Terminate).await.unwrap_err();
    assert!(matches!(error, SqlError::MayNotEnd { .. }), "{error:?}");
    assert!(error.to_string().contains("make it a member of `pg_signal_backend`"), "{error}");
    postgres.sql("grant pg_signal_backend to dogwatch");
    let later = BackendId { backend_start: "2020-01-01T00:00:00.000001+00:00".into(), ..first.clone() };
    assert_eq!(databases.backend(&later).await, Ok(None));
    assert_eq!(databases.end(&later, Ending::Terminate).await, Ok(false));
    assert!(databases.backend(&first).await.unwrap().is_some());

    assert_eq!(databases.end(&first, Ending::Terminate).await, Ok(true));
    is_gone(&first).await;
    let _second = postgres.session_of("app", "second", "select pg_sleep(300)");
    let second = session("second").await;
    assert_eq!(databases.end(&second, Ending::Cancel).await, Ok(true));
    // psql ends with the error of its statement.
    is_gone(&second).await;

    let _root = postgres.session("root", "select pg_sleep(300)");
    let root = session("root").await;
    assert!(databases.backend(&root).await.unwrap().unwrap().superuser);
    assert_eq!(databases.end(&root, Ending::Terminate).await, Ok(false));
    assert!(databases.backend(&root).await.unwrap().is_some());
}
