//! What is built in, and where passwords come from.

use super::*;

fn place(cluster: &str) -> Place {
    Place {
        namespace: "shop".into(),
        cluster: cluster.into(),
        pod: "db-0".into(),
        address: Some("10.0.0.1".parse().unwrap()),
    }
}

#[test]
fn each_statement_is_one_select_and_says_what_it_tells() {
    for Statement { name, about, sql } in BUILT_IN {
        assert!(is_name(name), "{name}");
        assert!(about.ends_with('.') && about.len() > 30 && !about.contains("  "), "{name}: {about}");
        let begin = sql.split_whitespace().next();
        assert!(matches!(begin, Some("select" | "with")) && !sql.contains(';') && !sql.contains("--"), "{name}");
    }
    let mut names: Vec<&str> = BUILT_IN.iter().map(|statement| statement.name).collect();
    let as_listed = names.clone();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, as_listed, "in the order of their names, each once");
}

#[test]
fn the_page_of_the_language_says_what_each_statement_tells() {
    let page = include_str!("../../docs/language.md");
    for Statement { name, about, .. } in BUILT_IN {
        assert!(page.contains(&format!("| `{name}` | {about} |\n")), "{name}: write into docs/language.md: {about}");
    }
}

#[test]
fn a_name_that_could_lead_elsewhere_is_put_into_no_path() {
    let template: Template = "/run/pg/{namespace}/{cluster}".parse().unwrap();
    assert_eq!(template.fill(&place("db")).as_deref(), Ok("/run/pg/shop/db"));
    for cluster in ["../x", "a/b", "", ".ssh", "-rf", "a b", "a\nb"] {
        assert!(template.fill(&place(cluster)).is_err(), "{cluster:?}");
    }
    // What is not put in may be anything.
    let same: Template = "/run/pg/{namespace}".parse().unwrap();
    assert_eq!(same.fill(&place("../x")).as_deref(), Ok("/run/pg/shop"));
    assert!("/run/{database}".parse::<Template>().unwrap_err().contains("has another hole than {namespace}"));
}

#[tokio::test]
async fn a_password_is_read_from_the_file_of_its_database_each_time() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("shop")).unwrap();
    let password = Password::File(format!("{}/{{namespace}}/{{cluster}}", folder.path().display()).parse().unwrap());
    std::fs::write(folder.path().join("shop/db"), "first\n").unwrap();
    assert_eq!(password.read(&place("db")).await.unwrap().unwrap().expose(), "first");
    std::fs::write(folder.path().join("shop/db"), "second\n").unwrap();
    assert_eq!(password.read(&place("db")).await.unwrap().unwrap().expose(), "second");
    let error = password.read(&place("other")).await.unwrap_err();
    assert!(error.contains("shop/other cannot be read"), "{error}");
}

#[test]
fn what_may_pass_is_tried_again_and_a_wrong_password_is_not() {
    let refused =
        |code: &str| SqlError::Refused { place: place("db").to_string(), code: code.into(), message: "no".into() };
    for code in ["53300", "57P03", "57014", "40001", "55P03", "08006"] {
        assert!(refused(code).passes(), "{code}");
    }
    for code in ["28P01", "42501", "42P01", "25006", "3D000"] {
        assert!(!refused(code).passes(), "{code}");
    }
    assert_eq!(refused("53300").to_string(), "PostgreSQL of db-0 in shop says no (SQLSTATE 53300)");
}

#[tokio::test]
async fn nobody_is_asked_without_a_role_an_address_or_a_statement() {
    let request = |statement: &str, address: Option<&str>| SqlRequest {
        place: Place { address: address.map(|address| address.parse().unwrap()), ..place("db") },
        statement: statement.into(),
        database: None,
        limit: 1,
        timeout: Duration::from_secs(5),
    };
    let nobody = PostgresDatabases::new(PostgresAccess::default());
    let told = nobody.rows(&request("disk", Some("10.0.0.1"))).await.unwrap_err();
    assert_eq!(told, SqlError::NotConfigured);
    let asks = PostgresDatabases::new(PostgresAccess { user: Some("dogwatch".into()), ..PostgresAccess::default() });
    for (statement, address, told) in [
        ("site.queue", Some("10.0.0.1"), "`sql.statements` of dogwatch.yaml has no `site.queue`"),
        ("disk", None, "db-0 in shop has no address yet"),
        ("disk", Some("127.0.0.1"), "db-0 in shop is at 127.0.0.1, an address of this machine"),
    ] {
        let error = asks.rows(&request(statement, address)).await.unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}");
    }
}

#[test]
fn who_is_tried_out_beside_its_databases_asks_this_machine_and_nothing_else_that_is_refused() {
    for (address, is_asked) in [("127.0.0.2", true), ("::1", true), ("10.0.0.1", true), ("169.254.169.254", false)] {
        assert_eq!(refused_but_loopback(address.parse().unwrap()).is_none(), is_asked, "{address}");
    }
}
