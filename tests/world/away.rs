//! A cluster that nobody answers for: nothing listens on that port. A test binary or bench that wants no more of the world takes this
//! file in by itself.

pub const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
clusters: [{ name: away, cluster: { server: "http://127.0.0.1:9" } }]
users: [{ name: bot, user: { token: none } }]
contexts: [{ name: away, context: { cluster: away, user: bot } }]
current-context: away
"#;
