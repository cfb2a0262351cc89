//! How databases are asked.

use super::Checker;
use crate::diagnostics::Code;
use crate::sql::{Ssl, is_name};

impl Checker<'_> {
    pub(super) fn sql(&mut self) {
        let sql = &self.config.sql;
        if sql.port == 0 {
            let remedy = "write the port on which PostgreSQL listens, such as 5432";
            self.problem(Code::OutOfRange, "sql.port", "nobody listens on port 0", remedy);
        }
        if let Some(password) = &sql.password
            && let Err(wrong) = password.password()
        {
            let remedy = "write `password: { files: \"/run/dogwatch/{namespace}/{cluster}\" }`, or `{ file: ... }`, `{ env: ... }`, `{ command: [...] }`";
            self.problem(Code::InvalidValue, "sql.password", wrong, remedy);
        }
        if sql.cert_file.is_some() != sql.key_file.is_some() {
            let (there, missing) =
                if sql.cert_file.is_some() { ("cert_file", "key_file") } else { ("key_file", "cert_file") };
            let message = format!("`{there}` is of no use without `{missing}`");
            self.problem(
                Code::Contradiction,
                &format!("sql.{there}"),
                message,
                format!("write `{missing}`, or take it out"),
            );
        }
        for (field, path) in [("ca_file", &sql.ca_file), ("cert_file", &sql.cert_file), ("key_file", &sql.key_file)] {
            if let Some(path) = path {
                self.text_of(&format!("sql.{field}"), path);
            }
        }
        if sql.loopback {
            self.warnings.push(
                "`sql.loopback` has databases asked at addresses of this machine, too: that is for trying it out, and not for a cluster; \
                 take it out"
                    .into(),
            );
        }
        if sql.user.is_some() && sql.password.is_some() && matches!(sql.ssl, Ssl::Disable | Ssl::Require) {
            self.warnings.push(
                "`sql.ssl` lets anybody be a database: whoever can make a pod that looks like one may get the password of `sql.user`; \
                 set `ssl: verify-ca` and `ca_file`"
                    .into(),
            );
        }
        if sql.user.is_some() && matches!(sql.ssl, Ssl::VerifyCa | Ssl::VerifyFull) && sql.ca_file.is_none() {
            self.warnings.push("`sql.ca_file` is not set: only databases whose certificates this machine's authorities have signed are asked".into());
        }
        for (n, of) in sql.terminate.iter().enumerate() {
            let is_again = sql.terminate.iter().take(n).any(|earlier| earlier.database == of.database);
            let is_empty = of.database.trim().is_empty() || of.roles.iter().all(|role| role.trim().is_empty());
            let wrong = match (is_again, is_empty) {
                (true, _) => format!("the database `{}` stands there twice", of.database),
                (_, true) => "a database and the roles whose sessions may be ended belong together".to_owned(),
                _ => continue,
            };
            let remedy = "write `{ database: orders, roles: [app] }`, once for each database";
            self.problem(Code::InvalidValue, &format!("sql.terminate[{n}]"), wrong, remedy);
        }
        for (name, statement) in &sql.statements {
            let field = format!("sql.statements.{name}");
            if !is_name(name) {
                let message = format!("`{name}` is no name of a statement");
                self.problem(
                    Code::InvalidValue,
                    &field,
                    message,
                    "write lower-case letters, digits and `_`: `queue_length`",
                );
            }
            if statement.trim().trim_end_matches(';').contains(';') {
                self.problem(
                    Code::InvalidValue,
                    &field,
                    "a statement holds a `;`, and one SELECT is asked",
                    "keep one SELECT",
                );
            }
        }
    }
}
